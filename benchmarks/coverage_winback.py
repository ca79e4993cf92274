"""Do intervals of win-back uplifts cover the planted ones? 200 simulated firms, four remedies.

    .venv/bin/python benchmarks/coverage_winback.py [firms]

The truth of a remedy is the planted chance to buy with it less that without it, as a mean over its
customers. One remedy has no effect. The table is kept in results/coverage_winback.md.
"""

import datetime as dt
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import ibis
import pandas as pd

from crmkit.analyses.winback import feedback
from crmkit.simulate import World, simulate
from crmkit.stats import wilson

RESULTS = Path(__file__).parent / "results" / "coverage_winback.md"
WORLD = replace(World(), customers=4000, start=dt.date(2024, 6, 1), days=300)
NOTHING = "长期未购"


def measured(seed: int) -> pd.DataFrame:
    """One firm's remedies: uplift, limits, verdict and truth."""
    with tempfile.TemporaryDirectory() as folder:
        simulate(WORLD, seed=seed, out=folder)
        table = {
            name: ibis.read_parquet(f"{folder}/{name}.parquet")
            for name in ("interventions", "orders")
        }
        found = feedback(
            table["interventions"],
            table["orders"],
            as_of=WORLD.last,
            timezone=WORLD.timezone,
            days=300,
            horizon_days=29,
        ).effects
        truth = pd.read_parquet(f"{folder}/truth_trials.parquet")
    truth = truth[truth.campaign.isna()]
    truth = truth.assign(planted=truth.chance_treated - truth.chance_held_out)
    planted = truth.groupby("reason").planted.mean()
    return found.set_index("reason").join(planted, how="inner").reset_index()


def share(flags: "pd.Series[bool]") -> str:
    low, high = wilson(flags.sum(), len(flags))
    return f"{flags.mean():.1%} ({float(low):.1%} to {float(high):.1%}) of {len(flags)}"


def main(firms: int) -> None:
    found = pd.concat([measured(seed) for seed in range(1, firms + 1)], ignore_index=True)
    known = found[found.uplift.notna()]
    covered = (known.uplift_low <= known.planted) & (known.planted <= known.uplift_high)
    nothing = known[known.reason == NOTHING]
    planted = known.groupby("reason").agg(
        treated=("treated", "median"),
        held=("held", "median"),
        planted=("planted", "mean"),
        uplift=("uplift", "mean"),
        works=("verdict", lambda v: (v == "works").mean()),
    )
    lines = [
        f"# Win-back with a holdout, {firms} simulated firms of {WORLD.customers:,} customers",
        "",
        f"The 95 % interval of uplift covers the planted one in {share(covered)}. Of the remedy "
        "without an effect something is claimed, after Holm, in "
        f"{share(nothing.verdict != 'not yet known')} firms.",
        "",
        "| reason | treated | held out | covers | planted uplift | mean estimate | called works |",
        "|---|---|---|---|---|---|---|",
        *(
            f"| {name} | {row.treated:.0f} | {row.held:.0f} "
            f"| {share(covered[known.reason == name])} "
            f"| {row.planted:+.2%} | {row.uplift:+.2%} | {row.works:.1%} |"
            for name, row in planted.iterrows()
        ),
        "",
        "Made by `benchmarks/coverage_winback.py`.",
    ]
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
