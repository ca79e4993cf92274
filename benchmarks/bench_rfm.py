"""RFM of 20 million orders of 1 million customers: crmkit against naive pandas and Polars.

Run `python benchmarks/bench_rfm.py`. Each contender reads the same Parquet file and makes the same
segment table (five quantile scores, eleven segments, customers and revenue of each) in a process of
its own; the answers must agree. Wall time, CPU time and peak memory are of the whole process,
imports too, the median of three runs taken in turn. The table goes to benchmarks/results/rfm.md.
"""

# ruff: noqa: PLC0415 (each contender imports what it needs, and nothing else)

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import big_orders

RESULTS = Path(__file__).resolve().parent / "results" / "rfm.md"
RUNS = 3


def with_crmkit(path, as_of):
    import ibis

    from crmkit.analyses.rfm import rfm

    found = rfm(ibis.duckdb.connect().read_parquet(path), as_of=as_of).segments
    return {row.segment: [row.customers, round(row.revenue, 2)] for row in found.itertuples()}


def segments_of(scores):
    """The segment of each of the 125 cells."""
    from crmkit.segmentation import SegmentTable

    table = SegmentTable.of("eleven")
    return [table.assign(cell, (3, 3, 3)) for cell in scores]


def with_pandas(path, as_of):
    import numpy as np
    import pandas as pd

    orders = pd.read_parquet(path)
    orders["amount"] = orders.amount.astype("float64")
    people = orders.groupby("customer_id").agg(
        last=("ordered_at", "max"), frequency=("amount", "size"), monetary=("amount", "sum")
    )
    people["monetary"] = people.monetary.round(4)  # exact again after adding floats
    people["recency"] = (pd.Timestamp(as_of) - people["last"].dt.normalize()).dt.days
    for name in ("recency", "frequency", "monetary"):
        cuts = people[name].quantile([0.2, 0.4, 0.6, 0.8]).to_numpy()
        above = np.searchsorted(cuts, people[name].to_numpy(), side="left")
        people[f"{name}_score"] = 5 - above if name == "recency" else above + 1
    cells = people.groupby(["recency_score", "frequency_score", "monetary_score"]).agg(
        customers=("monetary", "size"), revenue=("monetary", "sum")
    )
    cells["segment"] = segments_of(cells.index)
    sums = cells.groupby("segment")[["customers", "revenue"]].sum()
    return {name: [int(n), round(float(value), 2)] for name, n, value in sums.itertuples()}


def with_polars(path, as_of):
    import datetime as dt

    import polars as pl

    people = (
        pl.scan_parquet(path)
        .group_by("customer_id")
        .agg(
            pl.col("ordered_at").max().alias("last"),
            pl.len().alias("frequency"),
            pl.col("amount").sum().cast(pl.Float64).alias("monetary"),
        )
        .with_columns(
            (pl.lit(dt.date.fromisoformat(as_of)) - pl.col("last").dt.date())
            .dt.total_days()
            .alias("recency")
        )
        .collect()
    )

    def above(name):
        column = pl.col(name)
        cuts = [column.quantile(p, interpolation="linear") for p in (0.2, 0.4, 0.6, 0.8)]
        return pl.sum_horizontal([(column > cut).cast(pl.Int64) for cut in cuts])

    cells = (
        people.with_columns(
            (5 - above("recency")).alias("r"),
            (1 + above("frequency")).alias("f"),
            (1 + above("monetary")).alias("m"),
        )
        .group_by("r", "f", "m")
        .agg(pl.len().alias("customers"), pl.col("monetary").sum().alias("revenue"))
    )
    names = segments_of(cells.select("r", "f", "m").rows())
    sums = (
        cells.with_columns(pl.Series("segment", names))
        .group_by("segment")
        .agg(pl.col("customers").sum(), pl.col("revenue").sum())
    )
    return {name: [int(n), round(float(value), 2)] for name, n, value in sums.rows()}


CONTENDERS = {"crmkit (DuckDB)": with_crmkit, "Polars": with_polars, "pandas": with_pandas}


def timed(name, path):
    """Wall and CPU seconds, peak memory in MB and the answer of one run in its own process."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, name, str(path)], capture_output=True, text=True, check=True
    )
    wall = time.perf_counter() - start
    found = json.loads(done.stdout.splitlines()[-1])
    return wall, found["cpu"], found["memory"], found["answer"]


def run_one(name, path):
    answer = CONTENDERS[name](path, big_orders.LAST_DAY)
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime
    print(json.dumps({"cpu": seconds, "memory": used.ru_maxrss / 1024, "answer": answer}))


def agree(answers):
    """Customers equal, revenue equal to the cent but for the rounding of floats."""
    first, *others = answers
    for other in others:
        for segment, (customers, revenue) in first.items():
            assert other[segment][0] == customers, (segment, other[segment], customers)
            assert abs(other[segment][1] - revenue) <= 1e-9 * revenue + 0.01


def main():
    path = big_orders.path()
    runs = {name: [] for name in CONTENDERS}
    for _ in range(RUNS):
        for name in CONTENDERS:
            runs[name].append(timed(name, path))
    agree([run[3] for taken in runs.values() for run in taken])
    lines = [
        "# RFM: 20 million orders, 1 million customers",
        "",
        f"Median of {RUNS} runs taken in turn, each in its own process, imports included; "
        "all answers agree. Made by `benchmarks/bench_rfm.py`.",
        "",
        "| | wall, s | CPU, s | peak memory, MB |",
        "|---|---|---|---|",
    ]
    for name, taken in runs.items():
        wall, cpu, memory = (statistics.median(run[place] for run in taken) for place in range(3))
        lines.append(f"| {name} | {wall:.1f} | {cpu:.1f} | {memory:,.0f} |")
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(RESULTS.read_text(encoding="utf-8"))


if __name__ == "__main__":
    if len(sys.argv) > 1:
        run_one(*sys.argv[1:])
    else:
        main()
