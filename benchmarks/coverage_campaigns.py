"""Do intervals of campaigns' lifts cover the planted ones? 200 simulated firms, three campaigns.

    .venv/bin/python benchmarks/coverage_campaigns.py [firms]

The truth of a campaign is the planted chance to buy with it over that without it, as means of its
customers. The table is kept in results/coverage_campaigns.md.
"""

import datetime as dt
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import ibis
import numpy as np
import pandas as pd

from crmkit.analyses.campaigns import campaigns
from crmkit.purchases import purchases
from crmkit.simulate import World, simulate
from crmkit.stats import wilson

RESULTS = Path(__file__).parent / "results" / "coverage_campaigns.md"
WORLD = replace(World(), customers=4000, start=dt.date(2024, 6, 1), days=300)


def measured(seed: int) -> pd.DataFrame:
    """One firm's campaigns: estimate, limits and truth."""
    with tempfile.TemporaryDirectory() as folder:
        simulate(WORLD, seed=seed, out=folder)
        table = {
            name: ibis.read_parquet(f"{folder}/{name}.parquet")
            for name in ("interventions", "orders", "campaigns")
        }
        result = campaigns(
            table["interventions"],
            purchases(table["orders"]),
            table["campaigns"],
            as_of=WORLD.last,
            timezone=WORLD.timezone,
        )
        truth = pd.read_parquet(f"{folder}/truth_trials.parquet").dropna(subset="campaign")
    planted = truth.groupby("campaign")[["chance_treated", "chance_held_out"]].mean()
    return result.effects.set_index("campaign").join(planted, how="inner").reset_index()


def share(flags: "pd.Series[bool]") -> str:
    low, high = wilson(flags.sum(), len(flags))
    return f"{flags.mean():.1%} ({float(low):.1%} to {float(high):.1%}) of {len(flags)}"


def main(firms: int) -> None:
    found = pd.concat([measured(seed) for seed in range(1, firms + 1)], ignore_index=True)
    ratio = found.chance_treated / found.chance_held_out
    gain = found.chance_treated - found.chance_held_out
    revenue_null = found[found.campaign == "M003"]
    covered = {
        "lift (ratio of rates)": (found.lift_low <= ratio) & (found.lift_high >= ratio),
        "gain (difference of rates)": (found.gain_low <= gain) & (found.gain_high >= gain),
        "revenue, campaign without an effect": (revenue_null.revenue_low <= 0)
        & (revenue_null.revenue_high >= 0),
    }
    planted = found.groupby("campaign").agg(
        lift=("lift", "median"), worked=("verdict", lambda v: (v == "worked").mean())
    )
    lines = [
        f"# Campaigns with a holdout, {firms} simulated firms of {WORLD.customers:,} customers",
        "",
        "| 95 % interval of | covers the planted value |",
        "|---|---|",
        *(f"| {name} | {share(flags)} |" for name, flags in covered.items()),
        "",
        "| campaign | planted lift | median estimate | called worked |",
        "|---|---|---|---|",
        *(
            f"| {name} | {drive.lift:.2f} | {planted.lift[name]:.2f} | {planted.worked[name]:.1%} |"
            for name, drive in zip(planted.index, WORLD.market.drives, strict=True)
        ),
        "",
        f"The placebo, the time before each campaign, has p below 5 % in "
        f"{share(found.placebo_p < 0.05)}; 5 % are expected.",
    ]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    assert np.isfinite(ratio).all()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
