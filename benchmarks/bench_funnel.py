"""Funnels and paths of 20 million events, 1 million users: against ClickHouse, Polars and pandas.

Run `python benchmarks/bench_funnel.py [events] [users]`. Each contender reads the same Parquet file
in a process of its own and answers the same question; seconds are those of the question (reading
the file included, imports not), the median of three runs taken in turn; memory is the peak of the
process. DuckDB and ClickHouse may use 4 GB. Answers must agree.

Funnels: people by the number of steps made in a window of one day, in order. crmkit: `reach` and a
count. ClickHouse: `windowFunnel`, through chDB. Polars and pandas: a chain of as-of joins, a join a
step. The whole analysis (`funnel`: intervals, times, histogram, trend, bridge) has no peer.
Transitions: visits by pauses of 30 minutes; pairs of nodes with their number, unique users and
median time. Step matrix: how many visits have which node at each of their first five places.
floor: DuckDB's `lag` over user and time, and nothing else.
Results go to benchmarks/results/funnel.md.
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

import big_events

HERE = Path(__file__).resolve().parent
RUNS, MEMORY, DAY = 3, "4GB", 86400
STEPS = {
    "3 steps": ["view", "cart", "pay"],
    "5 steps": ["view", "search", "cart", "checkout", "pay"],
}
LAST_DAY = "2025-03-31"


# --- crmkit


def _ours(path):
    import ibis

    con = ibis.duckdb.connect()
    con.raw_sql(f"set memory_limit = '{MEMORY}'; set threads = 2")
    return con.read_parquet(path)


def _reached(path, steps, **options):
    import datetime as dt

    import crmkit as ck
    from crmkit.steps import reach

    how = ck.Matching(window=dt.timedelta(days=1), **options)
    when = {"start": dt.datetime(2025, 1, 1), "end": dt.datetime(2025, 4, 1)}
    found = reach(_ours(path), steps, how, **when)
    by = ["reached", *(["value"] if "value" in found.columns else [])]
    return found.group_by(by).aggregate(n=found.count()).execute()


def crmkit_3(path):
    rows = _reached(path, STEPS["3 steps"])
    return dict(zip(rows.reached.astype(str), rows.n.tolist(), strict=True))


def crmkit_5(path):
    rows = _reached(path, STEPS["5 steps"])
    return dict(zip(rows.reached.astype(str), rows.n.tolist(), strict=True))


def crmkit_by_channel(path):
    rows = _reached(path, STEPS["3 steps"], breakdown="channel", credit="all_events")
    return {f"{r.value} {r.reached}": int(r.n) for r in rows.itertuples()}


def crmkit_whole(path):
    import datetime as dt

    import crmkit as ck

    how = ck.Matching(window=dt.timedelta(days=1))
    found = ck.funnel(
        _ours(path), steps=STEPS["3 steps"], how=how, as_of=LAST_DAY, days=90, period="month"
    )
    return {"finished": int(found.steps.units.iloc[-1])}


def crmkit_transitions(path):
    import crmkit as ck

    found = ck.transitions(_ours(path), as_of=LAST_DAY, days=90, clean=ck.Cleaning(collapse=False))
    return {f"{r.source} {r.target}": int(r.paths) for r in found.rows.itertuples()}


def crmkit_matrix(path):
    import crmkit as ck

    found = ck.paths(_ours(path), as_of=LAST_DAY, days=90, clean=ck.Cleaning(collapse=False))
    cells = found.cells[found.cells.node != "path_end"]
    return {f"{r.step} {r.node}": int(r.paths) for r in cells.itertuples() if r.paths}


# --- ClickHouse


def _clickhouse(sql):
    import chdb

    out = chdb.query(
        f"{sql} settings max_memory_usage = 4000000000, max_threads = 2", "JSONCompact"
    )
    return json.loads(str(out))["data"]


def _levels(path, steps, key=""):
    order = ", ".join(f"event = '{step}'" for step in steps)
    by = f"customer_id{key}"
    return (
        f"select {by}, windowFunnel({DAY})(toUnixTimestamp(occurred_at), {order}) as level "
        f"from file('{path}', Parquet) group by {by}"
    )


def chdb_3(path):
    rows = _clickhouse(f"select level, count() from ({_levels(path, STEPS['3 steps'])}) "
                       "where level > 0 group by level")  # fmt: skip
    return {str(level): int(n) for level, n in rows}


def chdb_5(path):
    rows = _clickhouse(f"select level, count() from ({_levels(path, STEPS['5 steps'])}) "
                       "where level > 0 group by level")  # fmt: skip
    return {str(level): int(n) for level, n in rows}


def chdb_by_channel(path):
    rows = _clickhouse(
        "select channel, level, count() from "
        f"({_levels(path, STEPS['3 steps'], ', channel')}) where level > 0 group by channel, level"
    )
    return {f"{channel} {level}": int(n) for channel, level, n in rows}


# --- Polars


def _polars_levels(path, steps, keys=("customer_id",)):
    import polars as pl

    keys = list(keys)
    events = pl.scan_parquet(path).filter(pl.col("event").is_in(steps))
    events = events.select(*keys, "event", at="occurred_at").sort("at").collect()
    parts = dict(events.partition_by("event", as_dict=True, maintain_order=True))
    parts = {name[0]: part.drop("event") for name, part in parts.items()}
    reached = parts[steps[0]].with_columns(begun="at", now="at").unique(maintain_order=True)
    levels = [reached.select(keys).unique()]
    for step in steps[1:]:
        joined = parts[step].with_columns(now="at").join_asof(
            reached.drop("at"), on="now", by=keys, check_sortedness=False
        )  # fmt: skip
        inside = pl.col("at") <= pl.col("begun") + pl.duration(days=1)
        joined = joined.filter(pl.col("begun").is_not_null() & inside)
        reached = joined.group_by([*keys, "begun"]).agg(pl.col("at").min()).sort("at")
        reached = reached.with_columns(now="at")
        levels.append(reached.select(keys).unique())
    return levels


def polars_3(path):
    return _by_level([len(part) for part in _polars_levels(path, STEPS["3 steps"])])


def polars_5(path):
    return _by_level([len(part) for part in _polars_levels(path, STEPS["5 steps"])])


def _by_level(sizes):
    """From those who made each step to those who got just so far."""
    after = [*sizes[1:], 0]
    return {str(k): n - m for k, (n, m) in enumerate(zip(sizes, after, strict=True), 1) if n - m}


def _polars_visits(path):
    import polars as pl

    rows = pl.scan_parquet(path).select("customer_id", "event_id", "event", at="occurred_at")
    rows = rows.sort("customer_id", "at", "event_id")
    gap = pl.col("at") - pl.col("at").shift(1) > pl.duration(minutes=30)
    new = (pl.col("customer_id") != pl.col("customer_id").shift(1)) | gap
    rows = rows.with_columns(session=new.fill_null(value=True).cum_sum())
    same = pl.col("session") == pl.col("session").shift(-1)
    return rows.with_columns(
        target=pl.when(same).then(pl.col("event").shift(-1)).otherwise(pl.lit("path_end")),
        took=pl.when(same).then((pl.col("at").shift(-1) - pl.col("at")).dt.total_seconds()),
    )


def polars_transitions(path):
    import polars as pl

    rows = _polars_visits(path).group_by("event", "target").agg(
        pl.len(), pl.col("customer_id").n_unique().alias("units"), pl.col("took").median()
    )  # fmt: skip
    return {f"{r[0]} {r[1]}": r[2] for r in rows.collect().iter_rows()}


def polars_matrix(path):
    import polars as pl

    rows = _polars_visits(path).with_columns(step=pl.int_range(1, pl.len() + 1).over("session"))
    rows = rows.filter(pl.col("step") <= 5).group_by("step", "event")
    rows = rows.agg(pl.len(), pl.col("customer_id").n_unique().alias("units"))
    return {f"{r[0]} {r[1]}": r[2] for r in rows.collect().iter_rows()}


# --- pandas


def _pandas_sizes(path, steps):
    import pandas as pd

    events = pd.read_parquet(path, columns=["customer_id", "occurred_at", "event"])
    events = events[events.event.isin(steps)].sort_values("occurred_at")
    reached = events[events.event == steps[0]][["customer_id", "occurred_at"]].drop_duplicates()
    reached = reached.assign(begun=reached.occurred_at)
    sizes = [reached.customer_id.nunique()]
    for step in steps[1:]:
        made = events[events.event == step][["customer_id", "occurred_at"]]
        made = made.assign(at=made.occurred_at)
        made = pd.merge_asof(made, reached, on="occurred_at", by="customer_id")
        made = made[made["at"] <= made.begun + pd.Timedelta(days=1)]
        reached = made.groupby(["customer_id", "begun"], as_index=False)["at"].min()
        reached = reached.rename(columns={"at": "occurred_at"}).sort_values("occurred_at")
        sizes.append(reached.customer_id.nunique())
    return sizes


def pandas_3(path):
    return _by_level(_pandas_sizes(path, STEPS["3 steps"]))


def pandas_5(path):
    return _by_level(_pandas_sizes(path, STEPS["5 steps"]))


def _pandas_visits(path):
    import pandas as pd

    rows = pd.read_parquet(path, columns=["customer_id", "event_id", "event", "occurred_at"])
    rows = rows.sort_values(["customer_id", "occurred_at", "event_id"])
    gap = rows.occurred_at.diff() > pd.Timedelta(minutes=30)
    rows["session"] = ((rows.customer_id != rows.customer_id.shift()) | gap).cumsum()
    rows["target"] = rows.groupby("session").event.shift(-1).fillna("path_end")
    rows["took"] = rows.groupby("session").occurred_at.shift(-1) - rows.occurred_at
    return rows


def pandas_transitions(path):
    rows = _pandas_visits(path).groupby(["event", "target"])
    kinds = {"n": ("session", "size"), "units": ("customer_id", "nunique")}
    found = rows.agg(**kinds, took=("took", "median"))
    return {f"{a} {b}": int(n) for (a, b), n in found.n.items()}


def pandas_matrix(path):
    rows = _pandas_visits(path)
    rows["step"] = rows.groupby("session").cumcount() + 1
    found = rows[rows.step <= 5].groupby(["step", "event"]).customer_id.agg(["size", "nunique"])
    return {f"{a} {b}": int(n) for (a, b), n in found["size"].items()}


def floor(path):
    import duckdb

    con = duckdb.connect()
    con.execute(f"set memory_limit = '{MEMORY}'; set threads = 2")
    con.execute(
        f"""select count(*), sum(epoch(gap)) from (select occurred_at - lag(occurred_at) over
        (partition by customer_id order by occurred_at) as gap from '{path}')"""
    ).fetchall()
    return {}


QUESTIONS = {
    "3 steps": (crmkit_3, chdb_3, polars_3, pandas_3),
    "5 steps": (crmkit_5, chdb_5, polars_5, pandas_5),
    "3 steps by channel": (crmkit_by_channel, chdb_by_channel, None, None),
    "3 steps, whole analysis": (crmkit_whole, None, None, None),
    "transitions": (crmkit_transitions, None, polars_transitions, pandas_transitions),
    "paths and step matrix": (crmkit_matrix, None, polars_matrix, pandas_matrix),
    "floor: lag": (floor, None, None, None),
}
PEERS = ("crmkit", "chDB", "Polars", "pandas")


def timed(function, path):
    """Seconds, peak MB and the answer of one run in its own process."""
    done = subprocess.run(
        [sys.executable, __file__, "--one", function.__name__, str(path)],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(HERE.parent)},
    )
    if done.returncode:
        raise SystemExit(f"{function.__name__}: {done.stderr[-2000:]}")
    found = json.loads(done.stdout.splitlines()[-1])
    return found["seconds"], found["memory"], found["answer"]


def run_one(name, path):
    function = globals()[name]
    for module in _NEEDED[name.split("_")[0]]:
        __import__(module)
    begun = time.perf_counter()
    answer = function(path)
    seconds = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "memory": memory, "answer": answer}))


_NEEDED = {
    "crmkit": ["crmkit", "ibis.backends.duckdb"],
    "chdb": ["chdb"],
    "polars": ["polars"],
    "pandas": ["pandas", "pyarrow.parquet"],
    "floor": ["duckdb"],
}


def main(events, users, runs, only):
    path = big_events.big_events(events, users)
    taken = {}
    for _ in range(runs):
        for question, functions in QUESTIONS.items():
            for peer, function in zip(PEERS, functions, strict=True):
                if function is None or (only and peer not in only):
                    continue
                run = timed(function, path)
                taken.setdefault((question, peer), []).append(run)
                print(question, peer, round(run[0], 2), round(run[1]), flush=True)
    for question in QUESTIONS:
        told = [runs_[0][2] for (q, _), runs_ in taken.items() if q == question]
        assert all(answer == told[0] for answer in told), (question, told)
    write(events, users, runs, taken)


def write(events, users, runs, taken):
    middle = {k: [statistics.median(r[i] for r in v) for i in (0, 1)] for k, v in taken.items()}
    base = middle["floor: lag", "crmkit"][0]
    versions = ("duckdb", "ibis-framework", "chdb", "polars", "pandas")
    lines = [
        f"# Funnels and paths: {events:,} events, {users:,} users",
        "",
        f"Seconds of the question and, in brackets, the peak of memory in GB; median of {runs} "
        "run(s) taken in turn, each in a process of its own. All answers of a line agree. DuckDB "
        "and ClickHouse may use 4 GB and two threads. The last column is crmkit's time over that "
        "of DuckDB's bare `lag` over user and time "
        f"({base:.2f} s).",
        "",
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        + ", ".join(f"{p} {version(p)}" for p in versions)
        + ". Made by `benchmarks/bench_funnel.py`.",
        "",
        "| | " + " | ".join(PEERS) + " | of the floor |",
        "|---" * (len(PEERS) + 2) + "|",
    ]
    for question in QUESTIONS:
        cells = [middle.get((question, peer)) for peer in PEERS]
        words = [f"{c[0]:.2f} ({c[1] / 1024:.1f})" if c else "" for c in cells]
        ratio = f"{cells[0][0] / base:.2f}" if cells[0] else ""
        lines.append(f"| {question} | " + " | ".join(words) + f" | {ratio} |")
    name = "funnel" if events == 20_000_000 else f"funnel_{events}"
    target = HERE / "results" / f"{name}.md"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_one(*sys.argv[2:])
    else:
        given = [int(a) for a in sys.argv[1:] if a.isdigit()]
        main(
            *(given + [20_000_000, 1_000_000, RUNS][len(given) :]),
            [a for a in sys.argv[1:] if not a.isdigit()],
        )
