"""Retention triangle over 20 million orders of 1 million customers, against pandas and Polars.

Each contender runs in a process of its own, three times, in turn; the table keeps the medians.
All three must give the same triangle.

    python benchmarks/bench_retention.py
"""

import argparse
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path

import big_orders

HERE = Path(__file__).resolve().parent
PERIODS = ("week", "month")
CONTENDERS = ("crmkit", "polars", "pandas")
RUNS = 3


def by_crmkit(path, period):
    import ibis  # noqa: PLC0415

    from crmkit.analyses.retention import retention  # noqa: PLC0415

    orders = ibis.duckdb.connect().read_parquet(path)
    cells = retention(orders, as_of=big_orders.LAST_DAY, period=period).cells
    return cells.customers[cells.customers > 0].tolist()  # the others leave out what is zero


def by_polars(path, period):
    import polars as pl  # noqa: PLC0415

    every = {"week": "1w", "month": "1mo"}[period]
    rows = pl.scan_parquet(path).filter(pl.col("customer_id").is_not_null())
    at = pl.col("ordered_at").dt.truncate(every)
    active = rows.group_by("customer_id", at.alias("period")).agg(pl.col("amount").sum())
    cohort = pl.col("period").min().over("customer_id").alias("cohort")
    cells = active.with_columns(cohort).group_by("cohort", "period")
    return (
        cells.agg(pl.len().alias("customers"), pl.col("amount").sum())
        .sort("cohort", "period")
        .collect(engine="streaming")["customers"]
        .to_list()
    )


def by_pandas(path, period):
    import pandas as pd  # noqa: PLC0415

    rows = pd.read_parquet(path, columns=["customer_id", "ordered_at", "amount"])
    rows["amount"] = rows.amount.astype("float64")
    rows["period"] = rows.ordered_at.dt.to_period({"week": "W", "month": "M"}[period])
    rows["cohort"] = rows.groupby("customer_id").period.transform("min")
    cells = rows.groupby(["cohort", "period"], observed=True)
    return cells.agg(
        customers=("customer_id", "nunique"), revenue=("amount", "sum")
    ).customers.tolist()


def measured(contender, path, period):
    """One contender in this process: seconds, CPU seconds, peak memory, and its triangle."""
    work = {"crmkit": by_crmkit, "polars": by_polars, "pandas": by_pandas}[contender]
    __import__({"crmkit": "crmkit.analyses.retention"}.get(contender, contender))
    before, cpu = time.perf_counter(), time.process_time()
    cells = work(path, period)
    wall, used = time.perf_counter() - before, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    shape = {"cells": len(cells), "sum": sum(cells), "first": cells[:5], "last": cells[-5:]}
    return {"wall": wall, "cpu": used, "peak": peak, "shape": shape}


def apart(contender, path, period):
    """The same in a process of its own."""
    call = [sys.executable, __file__, "--one", contender, "--period", period, "--path", str(path)]
    environment = {**os.environ, "PYTHONPATH": str(HERE.parent)}
    done = subprocess.run(call, capture_output=True, text=True, check=True, env=environment)
    return json.loads(done.stdout.splitlines()[-1])


def table(found):
    lines = [
        "# Retention triangle",
        "",
        f"{big_orders.ORDERS:,} orders of {big_orders.CUSTOMERS:,} customers over two years in one "
        "Parquet file, "
        "sorted by customer and time; cohorts by first order, customers and revenue by period.",
        f"Median of {RUNS} runs, each in a process of its own, contenders in turn; imports are not "
        "timed, reading is. All three give the same triangle; crmkit adds intervals, masks, the "
        "mean and the checks of its totals.",
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        + ", ".join(f"{p} {version(p)}" for p in ("duckdb", "ibis-framework", "polars", "pandas"))
        + ".",
        "",
        "| period | contender | seconds | CPU seconds | peak memory, GB |",
        "|---|---|---:|---:|---:|",
    ]
    for period in PERIODS:
        for contender in CONTENDERS:
            runs = found[period, contender]
            middle = {
                key: statistics.median(run[key] for run in runs) for key in ("wall", "cpu", "peak")
            }
            lines.append(
                f"| {period} | {contender} | {middle['wall']:.1f} | {middle['cpu']:.1f} "
                f"| {middle['peak']:.2f} |"
            )
    return "\n".join(lines) + "\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--one", choices=CONTENDERS)
    parser.add_argument("--period", choices=PERIODS)
    parser.add_argument("--path")
    given = parser.parse_args()
    if given.one:
        print(json.dumps(measured(given.one, given.path, given.period)))
        return
    path = big_orders.path()
    found = {}
    for period in PERIODS:
        for _ in range(RUNS):
            for contender in CONTENDERS:
                run = apart(contender, path, period)
                found.setdefault((period, contender), []).append(run)
                print(period, contender, {k: round(run[k], 2) for k in ("wall", "cpu", "peak")})
        shapes = [run["shape"] for c in CONTENDERS for run in found[period, c]]
        if any(shape != shapes[0] for shape in shapes):
            raise SystemExit(f"the triangles differ: {shapes}")
    results = HERE / "results" / "retention.md"
    results.parent.mkdir(exist_ok=True)
    results.write_text(table(found), encoding="utf-8")
    print(results.read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
