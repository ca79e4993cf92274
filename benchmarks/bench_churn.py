"""Churn features of 1 million customers at 12 monthly snapshots, in one pass of the engine.

Run `python benchmarks/bench_churn.py`. Each contender reads the same Parquet file of 20
million orders in a process of its own. crmkit: `crmkit.snapshots.snapshots` (also counts what
followed; sums of all columns must agree). pandas: for each snapshot, filter, groupby and merge, the
way a notebook does it. floor: DuckDB groups the orders by customer and month, once. Seconds of the
question, reading included, imports not; median of three runs taken in turn; peak memory of the
process. DuckDB may use 4 GB. Results go to benchmarks/results/churn.md.
"""

# ruff: noqa: PLC0415 (each contender imports what it needs, and nothing else)

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
RUNS = 3
DAYS = [f"2023-{month:02d}-28" for month in range(1, 13)]


def crmkit(path):
    import ibis

    from crmkit.snapshots import snapshots

    con = ibis.duckdb.connect()
    con.raw_sql("set memory_limit = '4GB'")
    found = snapshots(con.read_parquet(path), days=DAYS, followed=60, until="2023-12-31")
    sums = found.aggregate(
        rows=found.count(),
        orders=found.orders.sum(),
        orders_30=found.orders_30.sum(),
        before=found.orders_before_30.sum(),
        recency=found.recency.sum(),
        tenure=found.tenure.sum(),
        spend=found.spend_90.sum(),
        following=found.next_in.sum(),
    ).execute()
    return [round(float(value), 0) for value in sums.iloc[0]]


def pandas(path):
    import pandas as pd

    rows = pd.read_parquet(path, columns=["customer_id", "ordered_at", "amount"])
    rows["amount"] = rows.amount.astype(float)
    rows["day"] = rows.ordered_at.dt.normalize()
    totals = None
    for text in DAYS:
        day = pd.Timestamp(text)
        past = rows[rows.day <= day]
        found = past.groupby("customer_id").day.agg(["min", "max", "size"])
        back = (day - past.day).dt.days
        for name, mask in (("n30", back < 30), ("before", (back >= 30) & (back < 60))):
            found[name] = past[mask].groupby("customer_id").size()
        found["spend"] = past[back < 90].groupby("customer_id").amount.sum()
        ahead = rows[(rows.day > day) & (rows.day <= day + pd.Timedelta(days=60))]
        found["following"] = ahead.groupby("customer_id").day.min()
        found = found.fillna({"n30": 0, "before": 0, "spend": 0.0})
        sums = pd.Series(
            [
                len(found),
                found["size"].sum(),
                found.n30.sum(),
                found.before.sum(),
                (day - found["max"]).dt.days.sum(),
                (day - found["min"]).dt.days.sum(),
                found.spend.sum(),
                (found.following - day).dt.days.sum(),
            ]
        )
        totals = sums if totals is None else totals + sums
    return [round(float(value), 0) for value in totals]


def floor(path):
    import duckdb

    con = duckdb.connect()
    con.execute("set memory_limit = '4GB'")
    con.execute(
        f"""select count(*), sum(n) from (select customer_id, date_trunc('month', ordered_at) as m,
        count(*) as n, sum(amount), max(ordered_at) from '{path}' group by all)"""
    ).fetchall()
    return []


CONTENDERS = {"crmkit (DuckDB)": crmkit, "pandas": pandas, "floor: one grouping": floor}


def timed(function, path):
    done = subprocess.run(
        [sys.executable, __file__, "--one", function.__name__, str(path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )
    found = json.loads(done.stdout.splitlines()[-1])
    return found["seconds"], found["memory"], found["answer"]


def run_one(name, path):
    import ibis.backends.duckdb  # noqa: F401 (no part of the time)
    import pandas as pd  # noqa: F401

    begun = time.perf_counter()
    answer = globals()[name](path)
    seconds = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "memory": memory, "answer": answer}))


def main():
    path = big_orders.path()
    runs = {name: [] for name in CONTENDERS}
    for _ in range(RUNS):
        for name, function in CONTENDERS.items():
            runs[name].append(timed(function, path))
            print(name, *(round(v, 1) for v in runs[name][-1][:2]), flush=True)
    ours, theirs = (runs[name][0][2] for name in list(CONTENDERS)[:2])
    assert all(abs(a - b) <= 1e-6 * abs(b) + 1 for a, b in zip(ours, theirs, strict=True)), (
        ours,
        theirs,
    )
    middle = {
        name: [statistics.median(run[i] for run in taken) for i in (0, 1)]
        for name, taken in runs.items()
    }
    base = middle["crmkit (DuckDB)"][0]
    lines = [
        "# Churn features: 1,000,000 customers, 12 monthly snapshots, 20,000,000 orders",
        "",
        f"Median of {RUNS} runs taken in turn, each in its own process; sums of the columns agree. "
        "DuckDB may use 4 GB.",
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        + ", ".join(f"{p} {version(p)}" for p in ("duckdb", "ibis-framework", "pandas"))
        + ". Made by `benchmarks/bench_churn.py`.",
        "",
        "| | seconds | of crmkit's | peak memory, MB |",
        "|---|---|---|---|",
    ]
    for name, (wall, memory) in middle.items():
        lines.append(f"| {name} | {wall:.1f} | {wall / base:.2f} | {memory:,.0f} |")
    target = HERE / "results" / "churn.md"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_one(*sys.argv[2:])
    else:
        main()
