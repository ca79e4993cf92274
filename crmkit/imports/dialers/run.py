"""The logs of diallers made into canonical calls, agents' states and dispositions."""

import csv
import glob
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from crmkit import places, schema, text
from crmkit.errors import InputError, nearest
from crmkit.imports import store
from crmkit.imports.clean import sql_type
from crmkit.imports.dialers import asterisk, freeswitch, vicidial
from crmkit.imports.dialers.logs import Log, Logs
from crmkit.imports.ledger import FileRows, Refused, TableRows, summed
from crmkit.imports.readers import literal, quoted
from crmkit.settings import DialerSettings, Settings
from crmkit.text import say

__all__ = ["import_dialers", "tables_of"]

_FORMATS: Mapping[str, "Format"] = {
    "asterisk": asterisk,
    "freeswitch": freeswitch,
    "vicidial": vicidial,
}
_FEEDS = {
    "asterisk": ("calls", "agent_states"),
    "freeswitch": ("calls",),
    "vicidial": ("calls", "agent_states", "dispositions", "leads"),
}


class Format(Protocol):
    """What a dialler's module offers."""

    LOGS: tuple[Log, ...]
    FILES: dict[str, str]

    def make(self, logs: Logs, given: DialerSettings) -> dict[str, tuple[str, str]]:
        """The SQL of each canonical table, and the logs that feed it."""


class Advance(Protocol):
    """Told the stage, how much of it is done, and of how much."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note of it."""


def tables_of(settings: Settings) -> tuple[str, ...]:
    """The canonical tables that the diallers may make."""
    made = [name for given in settings.dialers for name in _FEEDS[given.format]]
    return tuple(dict.fromkeys(made))


def import_dialers(settings: Settings, work: Path, made: Path, advance: Advance) -> list[TableRows]:
    """Write the tables that the diallers make, and their quarantine.

    Rows of a log stay, are dropped as repeats, or go to quarantine with file, line and reason;
    what stays is folded into calls and states, so `stored` is another number.
    Parameters: `work`, a folder for copies; `made`, where tables and `quarantine` are written.
    Returns: the ledger of each table made, its files those of the logs that feed it.
    Raises: InputError for logs that are not there or lack a column.
    """
    rows: dict[str, list[TableRows]] = {}
    parts: dict[str, list[pa.Table]] = {}
    refused: dict[str, list[tuple[str, int, str, str, str]]] = {}
    for number, given in enumerate(settings.dialers):
        folder = work / f"dialer-{number}"
        folder.mkdir()
        resolved = given.model_copy(update={"timezone": given.timezone or settings.book.timezone})
        with store.connect(folder) as con:
            logs = Logs(con, folder, given.encoding, advance)
            for name, table, feeds in _made(settings, resolved, logs):
                parts.setdefault(name, []).append(table)
                own = [row for feed in feeds for row in logs.quarantined(feed)]
                refused.setdefault(name, []).extend(own)
                files = tuple(file for feed in feeds for file in logs.ledger(feed))
                rows.setdefault(name, []).append(TableRows(name, files, table.num_rows))
    return [
        _written(settings, name, found, parts[name], refused[name], made)
        for name, found in rows.items()
    ]


def _made(
    settings: Settings, given: DialerSettings, logs: Logs
) -> list[tuple[str, pa.Table, list[str]]]:
    module = _FORMATS[given.format]
    found = {log.name: _files(settings, given, log, module.FILES[log.name]) for log in module.LOGS}
    if not any(found.values()):
        raise InputError(_nothing_there(settings, given, module.FILES))
    _register_codes(logs.con)
    for log in module.LOGS:
        logs.load(log, found[log.name])
    made = module.make(logs, given)
    tables = []
    for name, (sql, feeds) in made.items():
        table = schema.table(name)
        cells = ", ".join(
            f"CAST({quoted(c.name)} AS {sql_type(c)}) AS {quoted(c.name)}" for c in table.columns
        )
        rows = logs.con.execute(f"SELECT {cells} FROM ({sql})").to_arrow_table()
        if rows.num_rows or any(found[feed] for feed in feeds.split()):
            tables.append((name, rows, feeds.split()))
    return tables


def _files(
    settings: Settings, given: DialerSettings, log: Log, usual: str
) -> list[tuple[str, Path]]:
    pattern = given.files.get(log.name, usual)
    root = settings.raw / given.folder
    paths = sorted(Path(p) for p in glob.glob(str(root / pattern)) if Path(p).is_file())  # noqa: PTH207
    if not paths and log.name in given.files:
        raise InputError(
            f"dialers.files.{log.name}: no file matches {pattern!r} in {root}. Correct the name, "
            "or leave it out."
        )
    return [((given.folder / path.relative_to(root)).as_posix(), path) for path in paths]


def _nothing_there(settings: Settings, given: DialerSettings, files: Mapping[str, str]) -> str:
    root = settings.raw / given.folder
    looked = ", ".join(given.files.get(name, usual) for name, usual in files.items())
    if not root.is_dir():
        return f"dialers.folder: there is no folder {root}. Copy the logs of {given.format} there."
    names = sorted(path.name for path in root.iterdir())
    guess = nearest(next(iter(files.values())).rstrip("*"), names)
    hint = f" Did you mean {guess!r}?" if guess else ""
    return (
        f"dialers: no log of {given.format} is in {root} (looked for {looked}).{hint} "
        f"There are: {', '.join(names[:10]) or 'no files'}. Name them under files."
    )


def _register_codes(con: duckdb.DuckDBPyConnection) -> None:
    """What vendors' codes mean, from the editable tables among the templates."""
    for view, file in (("vendor_codes", "codes.csv"), ("known_statuses", "vicidial.csv")):
        with (places.templates() / "dialers" / file).open(encoding="utf-8", newline="") as lines:
            rows = list(csv.DictReader(lines))
        listed = pa.table(
            {name: pa.array([row[name] or None for row in rows], pa.string()) for name in rows[0]}
        )
        con.register("listed", listed)
        con.execute(f"CREATE TEMP TABLE {view} AS SELECT * FROM listed")
        con.unregister("listed")


def _written(
    settings: Settings,
    name: str,
    found: Sequence[TableRows],
    parts: Sequence[pa.Table],
    refused: Sequence[tuple[str, int, str, str, str]],
    made: Path,
) -> TableRows:
    """Write one table of all diallers, in the table's own order, its keys unique."""
    table = schema.table(name)
    files: tuple[FileRows, ...] = tuple(file for rows in found for file in rows.files)
    with duckdb.connect() as con:
        con.register("parts", pa.concat_tables(parts))
        key = ", ".join(quoted(c) for c in table.key)
        order = store.order_of(table)
        con.execute(
            f"CREATE TEMP TABLE kept AS SELECT * EXCLUDE (n) FROM (SELECT *, row_number() OVER"
            f" (PARTITION BY {key} ORDER BY {order}) AS n FROM parts) WHERE n = 1"
        )
        stored = int(con.execute("SELECT count(*) FROM kept").fetchall()[0][0])
        con.execute(
            f"COPY (SELECT * FROM kept ORDER BY {order})"
            f" TO {literal(made / f'{name}.parquet')} (FORMAT parquet, COMPRESSION zstd)"
        )
    book = settings.book
    with text.reading(language=book.language, currency=book.currency):
        _quarantine(name, refused, made / "quarantine")
    reasons = summed(Refused(reason, column, 1) for _, _, reason, column, _ in refused)
    return TableRows(name, files, stored, refused=reasons)


def _quarantine(name: str, refused: Sequence[tuple[str, int, str, str, str]], folder: Path) -> None:
    """The refused lines: as they came in the Parquet file, without their content in the CSV.

    A log line holds telephone numbers, so the file for people shows where it lies and why only.
    """
    if not refused:
        return
    folder.mkdir(parents=True, exist_ok=True)
    listed = pa.table(
        {
            "file": [file for file, *_ in refused],
            "line": pa.array([line for _, line, *_ in refused], pa.int64()),
            "reason": [say(reason, column=column) for _, _, reason, column, _ in refused],
            "raw": [raw for *_, raw in refused],
        }
    )
    target = folder / name
    with duckdb.connect() as con:
        con.register("listed", listed)
        con.execute(
            f"COPY (SELECT * FROM listed ORDER BY ALL)"
            f" TO {literal(target.with_suffix('.parquet'))} (FORMAT parquet, COMPRESSION zstd)"
        )
        con.execute(
            "COPY (SELECT file, line, reason, '***' AS raw FROM listed ORDER BY ALL)"
            f" TO {literal(target.with_suffix('.csv'))} (FORMAT csv, HEADER)"
        )
