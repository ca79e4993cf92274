"""Attribution of 20 million touches, 2 million conversions: crmkit against a pandas path builder.

Run `python benchmarks/bench_attribution.py [touches]`. Each contender reads the same two Parquet
files in a process of its own. crmkit: every model, conversions and revenue, with 200 draws of the
bootstrap. pandas: the paths of converting customers (sorted lists by groupby and apply) and from
them the rules first, last and linear; no models that need open paths, no intervals. floor: a scan
of the columns needed and one ordered window pass over them (`lag` by customer and time). Credit by
first, last and linear must agree. Wall and CPU seconds and peak memory are of the whole process,
imports too, the median of three runs taken in turn. The memory of DuckDB is limited to 4 GB.
Results go to benchmarks/results/attribution.md.
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

import big_touches

HERE = Path(__file__).resolve().parent
RUNS = 3
LOOKBACK, DRAWS = 30, 200
MEMORY = "4GB"


def connected():
    import ibis

    con = ibis.duckdb.connect()
    con.raw_sql(f"set memory_limit = '{MEMORY}'")
    return con


def with_crmkit(touches, orders, *, draws=DRAWS, order=1):
    import crmkit as ck

    con = connected()
    found = ck.attribution(
        con.read_parquet(touches),
        con.read_parquet(orders),
        as_of=big_touches.LAST_DAY,
        lookback=LOOKBACK,
        bootstrap=draws,
        order=order,
    )
    wide = found.credit[found.credit.model.isin(["first", "last", "linear"])]
    return {f"{row.model} {row.channel}": row.conversions for row in wide.itertuples()}


def with_pandas(touches, orders):
    import numpy as np
    import pandas as pd

    columns = ["customer_id", "occurred_at", "channel"]
    seen = pd.read_parquet(touches).drop_duplicates()[columns]
    seen["channel"] = seen.channel.fillna("(unknown)")
    won = pd.read_parquet(orders, columns=["customer_id", "ordered_at"])
    won = won.groupby(["customer_id", "ordered_at"]).size().rename("n").reset_index()
    won = won[won.ordered_at >= seen.occurred_at.min()]
    seen = seen.sort_values(["occurred_at", "channel"])
    joined = pd.merge_asof(
        seen,
        won.sort_values("ordered_at"),
        left_on="occurred_at",
        right_on="ordered_at",
        by="customer_id",
        direction="forward",
        tolerance=pd.Timedelta(days=LOOKBACK),
    )
    joined = joined[joined.ordered_at.notna()]
    paths = joined.groupby(["customer_id", "ordered_at", "n"]).channel.apply(list)
    credit = {}
    for (_, _, n), path in paths.items():
        steps = [c for k, c in enumerate(path) if k + 1 == len(path) or path[k + 1] != c]
        for model, at in (("first", steps[:1]), ("last", steps[-1:]), ("linear", steps)):
            for channel in at:
                key = f"{model} {channel}"
                credit[key] = credit.get(key, 0.0) + n / len(at)
    alone = int(won.n.sum()) - int(paths.index.get_level_values("n").to_numpy(np.int64).sum())
    return credit | {f"{model} (no touch)": float(alone) for model in ("first", "last", "linear")}


def with_floor(touches, orders):
    con = connected()
    row = con.raw_sql(f"""
        with seen as (
            select customer_id, occurred_at, channel,
                   lag(channel) over (partition by customer_id order by occurred_at) as before
            from '{touches}'
        )
        select count(*) filter (where channel is distinct from before),
               (select sum(amount) from '{orders}') from seen
    """).fetchall()
    assert row
    return {}


CONTENDERS = {
    "crmkit (DuckDB), 8 models, 200 draws": with_crmkit,
    "pandas, 3 rules, no intervals": with_pandas,
    "floor: scan and one window": with_floor,
}


def timed(name, paths):
    """Wall and CPU seconds, peak memory in MB and the answer of one run in its own process."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, "--one", name, *map(str, paths)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )
    wall = time.perf_counter() - start
    found = json.loads(done.stdout.splitlines()[-1])
    return wall, found["cpu"], found["memory"], found["answer"]


def run_one(name, *paths):
    answer = CONTENDERS[name](*paths)
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime
    print(json.dumps({"cpu": seconds, "memory": used.ru_maxrss / 1024, "answer": answer}))


def agree(one, other):
    """Credit equal but for the rounding of shares to billionths."""
    assert set(other) <= set(one), set(other) ^ set(one)
    for key, credit in other.items():
        assert abs(one[key] - credit) <= 1e-6 * credit + 1e-3, (key, one[key], credit)


def main(touches):
    paths = big_touches.paths(touches)
    runs = {name: [] for name in CONTENDERS}
    for _ in range(RUNS):
        for name in CONTENDERS:
            runs[name].append(timed(name, paths))
            print(name, *(round(value, 1) for value in runs[name][-1][:3]), flush=True)
    crmkit, pandas, _ = runs.values()
    for taken in (*crmkit, *pandas):
        agree(crmkit[0][3], taken[3])
    middle = {
        name: [statistics.median(run[place] for run in taken) for place in range(3)]
        for name, taken in runs.items()
    }
    ours = next(iter(middle.values()))
    lines = [
        f"# Attribution: {touches:,} touches, {touches // 10:,} conversions",
        "",
        f"Median of {RUNS} runs taken in turn, each in its own process, imports included; credit "
        "by first, last and linear agrees. DuckDB may use 4 GB. Ratios are of wall time to "
        "crmkit's.",
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        + ", ".join(f"{p} {version(p)}" for p in ("duckdb", "ibis-framework", "pandas"))
        + ". Made by `benchmarks/bench_attribution.py`.",
        "",
        "| | wall, s | ratio | CPU, s | peak memory, MB |",
        "|---|---|---|---|---|",
    ]
    for name, (wall, cpu, memory) in middle.items():
        lines.append(f"| {name} | {wall:.1f} | {wall / ours[0]:.2f} | {cpu:.1f} | {memory:,.0f} |")
    name = "attribution" if touches == big_touches.TOUCHES else f"attribution_{touches}"
    target = HERE / "results" / f"{name}.md"
    target.parent.mkdir(exist_ok=True)
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_one(*sys.argv[2:])
    else:
        main(int(sys.argv[1]) if len(sys.argv) > 1 else big_touches.TOUCHES)
