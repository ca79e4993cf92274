"""One id per person: a million ids, against networkx and scipy.

Run `python benchmarks/bench_identity.py`. Each contender reads the same Parquet file of links in a
process of its own and writes who is whose. The links: 300,000 persons with a CRM id, telephones,
mails, browsers in chains, and switchboards. crmkit: `resolve`, whole (names, lists, counts).
networkx: `connected_components` of a graph of tuples. scipy: ids to numbers by pandas.factorize,
then `connected_components` of a sparse matrix. The peers get the links without switchboards and
only find components; their number of persons must agree with ours. Seconds with reading, imports
not; median of three runs taken in turn; peak memory of the process. Results go to
benchmarks/results/identity.md.
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

HERE = Path(__file__).resolve().parent
DATA = HERE / "data" / "links.parquet"
RUNS = 3
PERSONS = 300_000
CALM = "NOT (source_a = 'phone' AND id_a LIKE '+switch%')"


def made():
    """Links of persons: a number, perhaps a mail, up to three browsers each seen with the last."""
    import duckdb

    if DATA.exists():
        return DATA
    DATA.parent.mkdir(exist_ok=True)
    con = duckdb.connect()
    con.execute("SELECT setseed(0.5)")
    con.execute(f"CREATE TABLE p AS SELECT range AS n, random() AS u FROM range({PERSONS})")
    con.execute(
        "COPY (SELECT * FROM ("
        " SELECT 'phone' AS source_a, '+86' || (13000000000 + n) AS id_a, 'crm' AS source_b,"
        " 'C' || n AS id_b FROM p UNION ALL"
        " SELECT 'email', 'm' || n || '@example.com', 'phone', '+86' || (13000000000 + n) FROM p"
        " WHERE u < 0.6 UNION ALL"
        " SELECT 'cookie', 'V' || n || '-' || k, CASE k WHEN 0 THEN 'crm' ELSE 'cookie' END,"
        " CASE k WHEN 0 THEN 'C' || n ELSE 'V' || n || '-' || (k - 1) END"
        " FROM p, range(3) AS t(k) WHERE u < 0.9 - 0.3 * k UNION ALL"
        " SELECT 'crm', 'C' || n, 'crm', 'OLD' || n FROM p WHERE n % 20 = 0 UNION ALL"
        " SELECT 'phone', '+switch' || (n // 400), 'crm', 'C' || n FROM p WHERE n % 4 = 0)"
        f" ORDER BY hash(id_a, id_b)) TO '{DATA}' (FORMAT parquet)"
    )
    return DATA


def crmkit(path):
    import duckdb

    from crmkit.imports.identity import resolve

    con = duckdb.connect()
    con.execute("SET memory_limit = '2GB'")
    found = resolve(con, f"SELECT * FROM read_parquet('{path}')")
    con.register("found", found.identities)
    return con.execute("SELECT count(*), count(DISTINCT customer_id) FROM found").fetchone()


def networkx(path):
    import duckdb
    import networkx as nx

    rows = duckdb.sql(f"SELECT * FROM read_parquet('{path}') WHERE {CALM}").fetchall()
    graph = nx.Graph(((a, b), (c, d)) for a, b, c, d in rows)
    who = {}
    for number, component in enumerate(nx.connected_components(graph)):
        for node in component:
            who[node] = number
    return len(who), len(set(who.values()))


def scipy(path):
    import duckdb
    import numpy as np
    import pandas as pd
    from scipy.sparse import coo_matrix
    from scipy.sparse.csgraph import connected_components

    rows = duckdb.sql(
        f"SELECT source_a || ':' || id_a AS a, source_b || ':' || id_b AS b"
        f" FROM read_parquet('{path}') WHERE {CALM}"
    ).df()
    codes, names = pd.factorize(pd.concat([rows.a, rows.b]))
    a, b = np.split(codes, 2)
    size = len(names)
    count, _ = connected_components(
        coo_matrix((np.ones(len(a)), (a, b)), shape=(size, size)), False
    )
    return size, count


CONTENDERS = {"crmkit (DuckDB)": crmkit, "networkx": networkx, "scipy": scipy}


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
    import duckdb  # noqa: F401 (no part of the time)
    import networkx as nx  # noqa: F401
    import pandas as pd  # noqa: F401
    import scipy.sparse.csgraph  # noqa: F401

    begun = time.perf_counter()
    answer = globals()[name](path)
    seconds = time.perf_counter() - begun
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps({"seconds": seconds, "memory": memory, "answer": list(map(int, answer))}))


def main():
    path = made()
    runs = {name: [] for name in CONTENDERS}
    for _ in range(RUNS):
        for name, function in CONTENDERS.items():
            runs[name].append(timed(function, path))
            print(name, *(round(v, 1) for v in runs[name][-1][:2]), flush=True)
    answers = {name: taken[0][2] for name, taken in runs.items()}
    assert len(set(map(tuple, answers.values()))) == 1, answers
    ids, persons = answers["networkx"]
    middle = {
        name: [statistics.median(run[i] for run in taken) for i in (0, 1)]
        for name, taken in runs.items()
    }
    base = middle["crmkit (DuckDB)"][0]
    lines = [
        f"# One id per person: {ids:,} ids of {persons:,} persons",
        "",
        f"Median of {RUNS} runs taken in turn, each in its own process; the persons agree. crmkit "
        "also finds shared ids, names persons and lists merges; DuckDB may use 2 GB.",
        f"{os.cpu_count()} cores, Python {platform.python_version()}, "
        + ", ".join(f"{p} {version(p)}" for p in ("duckdb", "networkx", "scipy"))
        + ". Made by `benchmarks/bench_identity.py`.",
        "",
        "| | seconds | of crmkit's | peak memory, MB |",
        "|---|---|---|---|",
    ]
    for name, (wall, memory) in middle.items():
        lines.append(f"| {name} | {wall:.1f} | {wall / base:.2f} | {memory:,.0f} |")
    target = HERE / "results" / "identity.md"
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print(target.read_text(encoding="utf-8"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        run_one(*sys.argv[2:])
    else:
        main()
