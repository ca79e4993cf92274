"""The canonical tables as Parquet: exact types, one order of rows, put in place at once."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol

import duckdb

from crmkit import schema
from crmkit.imports.clean import Cleaning, sql_type
from crmkit.imports.ledger import ImportReport, written
from crmkit.imports.phones import numbered
from crmkit.imports.readers import literal, quoted
from crmkit.text import say

__all__ = ["latest", "number_phones", "order_of", "put_in_place", "write_table"]

LEDGER = "ledger.json"


def latest(name: str, made: Path, store: Path) -> Path | None:
    """A canonical table as it will be: of this import where it is `made`, else of the store."""
    paths = [folder / f"{name}.parquet" for folder in (made, store)]
    return next((path for path in paths if path.exists()), None)


class Advance(Protocol):
    """Told the stage, how much of it is done, and of how much."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note of it."""


def write_table(cleaning: Cleaning, target: Path, advance: Advance) -> tuple[int, dict[str, int]]:
    """Write the view `kept` to `target`.

    Returns: the rows stored, and by column the values that could not be read.
    """
    con, table = cleaning.con, cleaning.table
    unknown = _unread(cleaning)
    phone = number_phones(cleaning, advance)
    if phone:
        unknown["phone"] = _unread_phones(cleaning)
    cells = ", ".join(_cell(cleaning, column) for column in table.columns)
    source = "kept LEFT JOIN phones ON kept.phone = phones.given" if phone else "kept"
    con.execute(
        f"COPY (SELECT {cells} FROM {source} ORDER BY {order_of(table)})"
        f" TO {literal(target)} (FORMAT parquet, COMPRESSION zstd)"
    )
    stored = con.execute("SELECT count(*) FROM kept").fetchall()[0][0]
    return int(stored), {name: n for name, n in unknown.items() if n}


def _cell(cleaning: Cleaning, column: schema.Column) -> str:
    name = quoted(column.name)
    if column not in cleaning.columns:
        return f"CAST(NULL AS {sql_type(column)}) AS {name}"
    if column.name == "phone":
        return "phones.e164 AS phone"
    return f"kept.{name} AS {name}"


def order_of(table: schema.Table) -> str:
    """The table's own order; a key makes it total, without one all columns must."""
    rest = table.key or table.names
    names = list(dict.fromkeys((*table.order, *rest)))
    return ", ".join(f"{quoted(name)} NULLS LAST" for name in names)


def _unread(cleaning: Cleaning) -> dict[str, int]:
    if not cleaning.doubtful:
        return {}
    sums = ", ".join(f"count(*) FILTER ({quoted('?' + c.name)})" for c in cleaning.doubtful)
    found = cleaning.con.execute(
        f"SELECT {sums} FROM cleaned WHERE _reason = 0 AND rowid NOT IN (SELECT row FROM fates)"
    ).fetchall()[0]
    return dict(zip((c.name for c in cleaning.doubtful), map(int, found), strict=True))


def number_phones(cleaning: Cleaning, advance: Advance) -> bool:
    """Make the table `phones` of each distinct number, once, where phones are mapped."""
    con = cleaning.con
    if "phone" not in cleaning.given.columns or "phone" not in cleaning.table.names:
        return False
    if con.execute("SELECT 1 FROM duckdb_tables() WHERE table_name = 'phones'").fetchone():
        return True
    stage = say("Telephone numbers")
    numbered(
        con,
        "SELECT phone FROM cleaned WHERE _reason = 0",
        cleaning.settings.book.country,
        "phones",
        lambda done, total: advance(stage, done, total),
    )
    return True


def _unread_phones(cleaning: Cleaning) -> int:
    lost = cleaning.con.execute(
        "SELECT count(*) FROM kept JOIN phones ON kept.phone = phones.given WHERE e164 IS NULL"
    )
    return int(lost.fetchall()[0][0])


def put_in_place(report: ImportReport, made: Path) -> None:
    """Move what was made into the store, each file by one rename, the ledger last.

    Parameters: `made`, a folder on the same disk with the tables and their `quarantine`.
    """
    store = report.store
    store.parent.mkdir(parents=True, exist_ok=True)
    for folder in (store, store / "quarantine"):  # personal data: for their owner, unless shared
        folder.mkdir(mode=0o700, exist_ok=True)
    before = _ledger(store / LEDGER)
    (made / LEDGER).write_text(written(report, before), encoding="utf-8", newline="\n")
    for table in report.tables:
        for name in _files(table.table):
            if (made / name).exists():
                (made / name).replace(store / name)
            else:
                (store / name).unlink(missing_ok=True)
    for path in sorted(made.glob("identity/*.csv")):
        (store / "identity").mkdir(mode=0o700, exist_ok=True)
        path.replace(store / "identity" / path.name)
    (made / LEDGER).replace(store / LEDGER)


def _files(table: str) -> Iterable[str]:
    return (f"quarantine/{table}.parquet", f"quarantine/{table}.csv", f"{table}.parquet")


def _ledger(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}


def connect(work: Path) -> duckdb.DuckDBPyConnection:
    """A DuckDB of its own, which spills to `work` what memory cannot hold."""
    con = duckdb.connect()
    con.execute(f"SET temp_directory = {literal(work / 'spill')}")
    con.execute("SET TimeZone = 'UTC'")
    con.execute("SET preserve_insertion_order = true")
    return con
