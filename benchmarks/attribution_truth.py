"""How far the credit of each model lies from what touches caused, in the simulated firm.

Run `python benchmarks/attribution_truth.py`. The demo firm's truth.json tells which purchases
would not have been made without a touch, and by which channel. For each model: the share of the
credit that lies on the wrong channel (total variation distance among channels, with its bootstrap
interval), the channel furthest off, and what is credited to channels that caused nothing. The
table goes to benchmarks/results/attribution_truth.md.
"""

import json
import tempfile
from pathlib import Path

import ibis

import crmkit as ck
from crmkit.simulate import simulate

RESULTS = Path(__file__).resolve().parent / "results" / "attribution_truth.md"
NAMES = {
    "first": "first touch",
    "last": "last touch",
    "last_non_direct": "last non-direct",
    "linear": "linear",
    "position": "by position",
    "decay": "time decay",
    "markov": "Markov, order 1",
    "shapley": "Shapley, rates",
}
LOOKBACK = 30


def asked(folder, **options):
    """The truth of the firm, and its attribution."""
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    read = ibis.duckdb.connect().read_parquet
    days = truth["days_met"]
    found = ck.attribution(
        read(folder / "touches.parquet"),
        ck.purchases(read(folder / "orders.parquet")),
        as_of=days["last"],
        start=days["first"],
        timezone="Asia/Shanghai",
        lookback=LOOKBACK,
        **options,
    )
    caused = {row["channel"]: row["seen"]["purchases_caused"] for row in truth["touch_channels"]}
    return caused, found


def rows_of(caused, found, models, name):
    """A line of the table for each model."""
    away = found.against(caused).set_index("model")
    for model in models:
        credit = found.credit[found.credit.model == model].set_index("channel").conversions
        known = credit[list(caused)]
        nothing = known[[channel for channel, n in caused.items() if n == 0]].sum()
        row = away.loc[model]
        yield (
            f"| {name(model)} "
            f"| {row.distance:.1%} ({row.distance_low:.1%}–{row.distance_high:.1%}) "
            f"| {row.worst} {row.worst_by:+.1%} | {nothing / known.sum():.1%} |"
        )


def channel_rows(caused, found):
    """Shares of what was caused, and of the credit, by channel."""
    total = sum(caused.values())
    wide = found.credit.pivot_table(
        index="channel", columns="model", values="conversions", sort=False
    ).loc[list(caused)]
    shares = wide / wide.sum()
    for channel, row in shares.iterrows():
        cells = " | ".join(f"{row[model]:.1%}" for model in NAMES)
        yield f"| {channel} | {caused.get(channel, 0) / total:.1%} | {cells} |"


def main():
    with tempfile.TemporaryDirectory() as place:
        folder = simulate(preset="demo", out=place)
        caused, found = asked(folder)
        variants = [
            ("Markov, order 2", "markov", {"order": 2}),
            ("Markov, order 3", "markov", {"order": 3}),
            ("Markov, each channel once", "markov", {"transform": "first"}),
            ("Markov, without open paths", "markov", {"open_paths": False}),
            ("Shapley, conversions", "shapley", {"game": "conversions"}),
        ]
        more = []
        for name, model, options in variants:
            more += rows_of(*asked(folder, **options), [model], lambda _, name=name: name)
    lines = [
        "# Attribution against what touches caused",
        "",
        f"The demo firm: {found.conversions:,} purchases in 180 days, {found.touched:,} of them "
        f"with a touch in the {LOOKBACK} days before; {sum(caused.values()):,} would not have been "
        "made without one (truth.json, `touch_channels`). Among the channels whose effect was "
        "planted; intervals: 200 bootstrap draws of customers. Made by "
        "`benchmarks/attribution_truth.py`.",
        "",
        "| model | credit on the wrong channel | furthest off | to channels that caused nothing |",
        "|---|---|---|---|",
        *rows_of(caused, found, NAMES, NAMES.get),
        *more,
        "",
        f"Every model shares out all {found.touched:,} purchases that had a touch, "
        f"{found.touched / sum(caused.values()):.1f} for each one that was caused: attribution "
        "says how to divide what happened, not what would have happened without a channel.",
        "",
        "Share of purchases caused, and of the credit, among channels:",
        "",
        "| channel | caused | " + " | ".join(NAMES.values()) + " |",
        "|---|---|" + "---|" * len(NAMES),
        *channel_rows(caused, found),
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
