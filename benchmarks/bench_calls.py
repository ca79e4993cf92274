"""The call floor over 10 million calls: crmkit against naive pandas and a bare scan of the columns.

Run `python benchmarks/bench_calls.py [calls]`. Each contender reads the same Parquet file in a
process of its own: `calls` (dials, contacts and sales by campaign, list, hour, mode and result,
leads reached), `drops` (the rule by campaign and day) and `trunks` (lines in use by half hour) by
crmkit on DuckDB, `calls` and `trunks` by pandas, and a scan that only adds up the columns that
`calls` reads. The answers of both must agree. Wall time, CPU time and peak memory are of the whole
process, imports too, the median of three runs taken in turn. The table goes to
benchmarks/results/calls.md.
"""

# ruff: noqa: PLC0415 (each contender imports what it needs, and nothing else)

import json
import resource
import statistics
import subprocess
import sys
import time
from pathlib import Path

import big_calls

RESULTS = Path(__file__).resolve().parent / "results" / "calls.md"
RUNS = 3
OPTIONS = {"as_of": big_calls.LAST_DAY, "days": 30, "history": 2, "timezone": big_calls.ZONE}


def tables(calls, codes):
    import ibis

    con = ibis.duckdb.connect(memory_limit="4GB")
    return con.read_parquet(calls), con.read_parquet(codes)


def crmkit_calls(calls, codes):
    from crmkit.analyses.calls import calls as question

    found = question(*tables(calls, codes), **OPTIONS)
    rows = found.campaigns[["campaign_id", "dials", "contacts", "sales", "leads", "reached"]]
    return {"campaigns": sorted(rows.values.tolist()), "results": len(found.results)}


def crmkit_drops(calls, codes):
    from crmkit.analyses.calls import drops

    found = drops(*tables(calls, codes), rule="uk", amd_error=0.05, **OPTIONS)
    return {"broken": len(found.broken)}


def crmkit_trunks(calls, codes):
    from crmkit.analyses.calls import trunks

    found = trunks(tables(calls, codes)[0], **OPTIONS)
    return {"peak": int(found.total.peak), "hours": round(float(found.total.line_hours), 3)}


def pandas_calls(calls, codes):
    import pandas as pd

    rows = pd.read_parquet(calls)
    rows = rows[(rows.direction == "outbound") & (rows["mode"] != "voice")]
    rows["local"] = rows.started_at.dt.tz_localize("UTC").dt.tz_convert(big_calls.ZONE)
    rows["day"] = rows.local.dt.date
    first = pd.Timestamp(big_calls.LAST_DAY).date() - pd.Timedelta(days=29)
    rows["outcome"] = rows.disposition.fillna(rows.raw_status)
    rows = rows.merge(pd.read_parquet(codes), how="left", left_on="outcome", right_on="code")
    by_result = rows.result.isin(["human", "dropped"])
    rows["contact"] = rows.agent_at.notna() & rows.human_answered.fillna(by_result).astype(bool)
    rows["sold"] = rows.contact & rows.sale.fillna(False).astype(bool)
    recent = rows[rows.day >= first]
    frames = []
    for keys in (["campaign_id"], ["list_id"], ["mode"], ["result"], ["day"]):
        frames.append(
            recent.groupby(keys).agg(dials=("contact", "size"), contacts=("contact", "sum"))
        )
    recent.groupby([recent.local.dt.weekday, recent.local.dt.hour]).contact.agg(["size", "sum"])
    sums = recent.groupby("campaign_id").agg(
        dials=("contact", "size"), contacts=("contact", "sum"), sales=("sold", "sum"),
        leads=("lead_id", "nunique"),
    )  # fmt: skip
    sums["reached"] = recent[recent.contact].groupby("campaign_id").lead_id.nunique()
    rows = sums.reset_index().astype(dict.fromkeys(sums.columns, "float64")).values.tolist()
    return {"campaigns": sorted(rows), "results": len(frames[3])}


def pandas_trunks(calls, codes):
    import numpy as np
    import pandas as pd

    rows = pd.read_parquet(calls, columns=["started_at", "ended_at"])
    last = pd.Timestamp(big_calls.LAST_DAY) + pd.Timedelta(days=1) - pd.Timedelta(hours=8)
    first = last - pd.Timedelta(days=30)
    rows = rows[(rows.ended_at > first) & (rows.started_at < last)]
    began = rows.started_at.clip(lower=first)
    over = rows.ended_at.clip(upper=last)
    events = pd.DataFrame(
        {"at": pd.concat([began, over]), "change": np.repeat([1, -1], len(rows))}
    ).sort_values(["at", "change"])
    level = events.change.cumsum()
    hours = float((over - began).dt.total_seconds().sum()) / 3600
    return {"peak": int(level.max()), "hours": round(hours, 3)}


def bare_scan(calls, codes):
    import duckdb

    names = ["lead_id", "list_id", "campaign_id", "direction", "mode", "started_at", "agent_at"]
    names += ["result", "disposition", "raw_status"]
    seen = ", ".join(f"bit_xor(hash({name}))" for name in names)
    with duckdb.connect() as con:
        found = con.execute(f"select {seen} from '{calls}'").fetchall()
    return {"columns": len(found[0])}


CONTENDERS = {
    "bare scan of the columns of `calls` (DuckDB)": bare_scan,
    "crmkit `calls`": crmkit_calls,
    "pandas `calls`": pandas_calls,
    "crmkit `drops`": crmkit_drops,
    "crmkit `trunks`": crmkit_trunks,
    "pandas `trunks`": pandas_trunks,
}
SAME = (("crmkit `calls`", "pandas `calls`"), ("crmkit `trunks`", "pandas `trunks`"))


def timed(name, files):
    """Wall and CPU seconds, peak memory in MB and the answer of one run in its own process."""
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, __file__, name, *map(str, files)],
        capture_output=True,
        text=True,
        check=True,
    )
    wall = time.perf_counter() - start
    found = json.loads(done.stdout.splitlines()[-1])
    return wall, found["cpu"], found["memory"], found["answer"]


def run_one(name, *files):
    answer = CONTENDERS[name](*files)
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = used.ru_utime + used.ru_stime
    print(json.dumps({"cpu": seconds, "memory": used.ru_maxrss / 1024, "answer": answer}))


def main(calls=big_calls.CALLS, runs=RUNS):
    # made in a process of its own, whose memory the contenders do not inherit
    subprocess.run([sys.executable, big_calls.__file__, str(calls)], check=True)
    files = big_calls.paths(calls)
    taken = {name: [] for name in CONTENDERS}
    for _ in range(runs):
        for name in CONTENDERS:
            taken[name].append(timed(name, files))
    for one, other in SAME:
        for (*_, left), (*_, right) in zip(taken[one], taken[other], strict=True):
            assert left == right, (one, left, right)
    lines = [
        f"# The call floor: {calls / 1e6:g} million calls of 90 days",
        "",
        f"Median of {runs} runs taken in turn, each in its own process, imports included; the "
        "answers of crmkit and pandas agree. crmkit's engine is held to 4 GB. Made by "
        "`benchmarks/bench_calls.py`.",
        "",
        "| | wall, s | CPU, s | peak memory, MB |",
        "|---|---|---|---|",
    ]
    for name, several in taken.items():
        wall, cpu, memory = (statistics.median(run[place] for run in several) for place in range(3))
        lines.append(f"| {name} | {wall:.1f} | {cpu:.1f} | {memory:,.0f} |")
    words = "\n".join(lines) + "\n"
    if calls == big_calls.CALLS:
        RESULTS.parent.mkdir(exist_ok=True)
        RESULTS.write_text(words, encoding="utf-8")
    print(words)


if __name__ == "__main__":
    if len(sys.argv) > 2:
        run_one(*sys.argv[1:])
    elif len(sys.argv) == 2:
        main(int(sys.argv[1]), runs=1)
    else:
        main()
