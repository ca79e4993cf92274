"""What codes mean, as tables in DuckDB, from the editable tables under templates/dialers."""

import csv

import duckdb
import pyarrow as pa

from crmkit import places, schema
from crmkit.errors import InputError
from crmkit.vendors import vendor_codes

__all__ = ["register_codes"]

_STATUSES = "templates/dialers/vicidial.csv"
_FLAGS = tuple(c.name for c in schema.table("dispositions").columns if c.type == schema.FLAG)


def register_codes(con: duckdb.DuckDBPyConnection) -> None:
    """Make the tables `vendor_codes` (vendor, code, result) and `known_statuses` (of VICIdial).

    Raises: InputError for a table that cannot be used, naming the line.
    """
    rows = [
        {"vendor": vendor, "code": code, "result": result}
        for vendor, codes in vendor_codes().items()
        for code, result in codes.items()
    ]
    _create(con, "vendor_codes", ("vendor", "code", "result"), rows)
    _create(con, "known_statuses", ("status", "result", *_FLAGS), _statuses())


def _statuses() -> list[dict[str, str]]:
    with (places.templates() / "dialers" / "vicidial.csv").open(
        encoding="utf-8-sig", newline=""
    ) as lines:
        rows = list(csv.DictReader(lines))
    results, seen = schema.table("calls").column("result").values, set()
    for number, row in enumerate(rows, start=2):
        where = f"{_STATUSES}, line {number}"
        lost = [name for name in ("status", "result", *_FLAGS) if row.get(name) is None]
        if lost:
            raise InputError(f"{where}: there is no {', '.join(lost)}.")
        if row["status"] in seen:
            raise InputError(f"{where}: {row['status']} stands there twice. Leave one out.")
        if row["result"] and row["result"] not in results:
            raise InputError(
                f"{where}: {row['result']!r} is no result of a call. "
                f"There are: {', '.join(results)}."
            )
        seen.add(row["status"])
    return rows


def _create(
    con: duckdb.DuckDBPyConnection,
    name: str,
    columns: tuple[str, ...],
    rows: list[dict[str, str]],
) -> None:
    listed = pa.table({c: pa.array([row[c] or None for row in rows], pa.string()) for c in columns})
    con.register("listed", listed)
    con.execute(f"CREATE TEMP TABLE {name} AS SELECT * FROM listed")
    con.unregister("listed")
