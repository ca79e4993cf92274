"""How fast an import is, against DuckDB's own read of the same CSV in the same run.

    python benchmarks/bench_import.py --rows 5000000

Both read every column as text from a warm cache and write Parquet with zstd. The import also takes
the fingerprint of the file, finds the line of every row, unifies dates and money, looks for
duplicates and for keys used twice, and sorts by customer and time. Times are medians.
"""

import argparse
import os
import platform
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import duckdb

from crmkit.imports import import_tables
from crmkit.settings import read_settings

RESULTS = Path(__file__).parent / "results" / "import.md"
TOML = """
[book]
name = "Benchmark"
timezone = "Asia/Shanghai"
currency = "CNY"
[tables.orders]
from = "orders.csv"
[tables.orders.columns]
order_id = "order_id"
customer_id = "customer_id"
ordered_at = "ordered_at"
amount = "amount"
category = "category"
"""


def write_orders(path: Path, rows: int) -> None:
    with duckdb.connect() as con:
        con.execute(
            "COPY (SELECT 'O' || i AS order_id, 'C' || (hash(i) % ($rows // 10)) AS customer_id,"
            " TIMESTAMP '2010-12-01 08:00:00' + to_seconds((i * 37) % 30000000) AS ordered_at,"
            " ((hash(i * 7) % 100000) / 100)::DECIMAL(18, 2) AS amount,"
            " 'category ' || (i % 20) AS category FROM range($rows) AS r(i))".replace(
                "$rows", str(rows)
            )
            + f" TO '{path}' (HEADER)"
        )


def seconds(work: Callable[[], object], times: int) -> float:
    taken = []
    for _ in range(times):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def bare(path: Path, target: Path) -> None:
    with duckdb.connect() as con:
        con.execute(
            f"COPY (SELECT * FROM read_csv('{path}', all_varchar = true))"
            f" TO '{target}' (FORMAT parquet, COMPRESSION zstd)"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=5_000_000)
    parser.add_argument("--times", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "orders.csv"
        write_orders(path, given.rows)
        (Path(folder) / "crmkit.toml").write_text(TOML, encoding="utf-8")
        settings = read_settings(folder)
        base = seconds(lambda: bare(path, Path(folder) / "bare.parquet"), given.times)
        ours = seconds(lambda: import_tables(settings), given.times)
        size = path.stat().st_size / 1e6
    table = [
        "# Import of one CSV of orders",
        "",
        f"{given.rows:,} rows, {size:,.0f} MB, {os.cpu_count()} cores, median of {given.times};"
        f" Python {platform.python_version()}, DuckDB {duckdb.__version__}.",
        "",
        "| what | seconds | rows/s | times DuckDB |",
        "|---|---:|---:|---:|",
        f"| DuckDB: read_csv, all text, to Parquet | {base:.1f} | {given.rows / base:,.0f} | 1.0 |",
        f"| crmkit import: cleaned, checked, sorted | {ours:.1f} | {given.rows / ours:,.0f} |"
        f" {ours / base:.1f} |",
        "",
    ]
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text("\n".join(table), encoding="utf-8")
    sys.stdout.write("\n".join(table))


if __name__ == "__main__":
    main()
