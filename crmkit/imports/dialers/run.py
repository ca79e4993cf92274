"""The logs of diallers made into canonical calls, agents' states and dispositions."""

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from crmkit import schema, text
from crmkit.errors import InputError, nearest
from crmkit.imports import store
from crmkit.imports.clean import sql_type
from crmkit.imports.dialers import asterisk, freeswitch, vicidial
from crmkit.imports.dialers.codes import register_codes
from crmkit.imports.dialers.logs import Log, Logs
from crmkit.imports.ledger import FileRows, Refused, Remark, TableRows, summed
from crmkit.imports.readers import literal, quoted
from crmkit.settings import DialerSettings, Settings
from crmkit.text import message, say

__all__ = ["import_dialers", "tables_of"]

_FORMATS: Mapping[str, "Format"] = {
    "asterisk": asterisk,
    "freeswitch": freeswitch,
    "vicidial": vicidial,
}
_FEEDS = {
    "asterisk": ("calls", "agent_states", "agents", "campaigns"),
    "freeswitch": ("calls", "campaigns"),
    "vicidial": ("calls", "agent_states", "dispositions", "leads", "agents", "campaigns"),
}
_TOLD_APART = ("calls",)
"""Tables in which two sources must not number alike; elsewhere equal keys mean the same thing."""

SAME_KEY = message("Rows left out because a source before them has the same key: {n}.")


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


@dataclass
class _Part:
    """What one canonical table gets from the diallers."""

    parts: list[Path] = field(default_factory=list)
    files: list[FileRows] = field(default_factory=list)
    refused: list[tuple[str, int, str, str, str]] = field(default_factory=list)
    remarks: list[Remark] = field(default_factory=list)


def import_dialers(
    settings: Settings,
    mapped: Sequence[TableRows],
    work: Path,
    made: Path,
    advance: Advance,
    *,
    tables: Sequence[str] | None = None,
) -> list[TableRows]:
    """Write the tables that the diallers make, and their quarantine.

    Rows of a log stay, are dropped as repeats, or go to quarantine with file, line and reason;
    what stays is folded into calls and states, so `stored` is another number. A table that has
    rows from `[tables]` keeps them, and the diallers' come to them.
    Parameters: `mapped`, the tables written so far; `work`, a folder for copies; `made`, where
    tables and `quarantine` are written; `tables`, which to make (all by default).
    Returns: the ledger of every table, mapped or made; its files those that feed it.
    Raises: InputError for logs that are not there or lack a column, and for calls of one id.
    """
    found: dict[str, _Part] = {}
    for number, given in enumerate(settings.dialers):
        folder = work / f"dialer-{number}"
        folder.mkdir()
        resolved = given.model_copy(update={"timezone": given.timezone or settings.book.timezone})
        with store.connect(folder) as con:
            logs = Logs(con, folder, given.encoding, advance)
            for name, rows, feeds in _made(settings, resolved, logs):
                part = found.setdefault(name, _Part())
                part.parts.append(rows)
                for feed in feeds:
                    part.refused += logs.quarantined(feed)
                    part.files += logs.ledger(feed)
                    part.remarks += logs.remarks.get(feed, [])
    done = {rows.table: rows for rows in mapped}
    for name, part in found.items():
        if tables is None or name in tables:
            with store.connect(work) as con:
                done[name] = _written(con, settings, name, part, done.get(name), made)
    return list(done.values())


def _made(
    settings: Settings, given: DialerSettings, logs: Logs
) -> list[tuple[str, Path, list[str]]]:
    """The rows of each table as a Parquet file of its own, with the logs that feed it."""
    module = _FORMATS[given.format]
    _check_names(given, module.FILES)
    found = {log.name: _files(settings, given, log, module.FILES[log.name]) for log in module.LOGS}
    if not any(found.values()):
        raise InputError(_nothing_there(settings, given, module.FILES))
    register_codes(logs.con)
    for log in module.LOGS:
        logs.load(log, found[log.name])
    made = module.make(logs, given)
    tables = []
    for name, (sql, feeds) in made.items():
        table = schema.table(name)
        cells = ", ".join(
            f"CAST({quoted(c.name)} AS {sql_type(c)}) AS {quoted(c.name)}" for c in table.columns
        )
        target = logs.work / f"{name}.made.parquet"
        copied = logs.con.execute(
            f"COPY (SELECT {cells} FROM ({sql})) TO {literal(target)} (FORMAT parquet)"
        ).fetchall()
        if copied[0][0] or any(found[feed] for feed in feeds.split()):
            tables.append((name, target, feeds.split()))
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
    shown = Path(given.folder.name) if given.folder.is_absolute() else given.folder
    return [((shown / path.relative_to(root)).as_posix(), path) for path in paths]


def _check_names(given: DialerSettings, files: Mapping[str, str]) -> None:
    for name in given.files:
        if name not in files:
            guess = nearest(name, files)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise InputError(
                f"dialers.files: {given.format} has no log {name!r}.{hint} "
                f"There are: {', '.join(files)}."
            )


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


def _written(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    name: str,
    part: _Part,
    before: TableRows | None,
    made: Path,
) -> TableRows:
    """Write one table of all sources, in the table's own order, its keys unique.

    What was mapped comes first, then the diallers in the order of the settings.
    """
    table, target = schema.table(name), made / f"{name}.parquet"
    sources = [target, *part.parts] if before else part.parts
    rows = " UNION ALL BY NAME ".join(
        f"SELECT *, {number} AS _source FROM read_parquet({literal(source)})"
        for number, source in enumerate(sources)
    )
    con.execute(f"CREATE TEMP VIEW every AS {rows}")
    if len(sources) > 1:
        _check_ids(con, settings, table)
    differing = _one_per_key(con, table)
    stored = int(con.execute("SELECT count(*) FROM kept").fetchall()[0][0])
    whole = target.with_suffix(".whole")
    con.execute(
        f"COPY (SELECT * FROM kept ORDER BY {store.order_of(table)})"
        f" TO {literal(whole)} (FORMAT parquet, COMPRESSION zstd)"
    )
    whole.replace(target)
    book = settings.book
    with text.reading(language=book.language, currency=book.currency):
        _quarantine(name, part.refused, made / "quarantine")
    remarks = [*part.remarks, *([Remark(SAME_KEY, differing)] if differing else [])]
    reasons = [Refused(reason, column, 1) for _, _, reason, column, _ in part.refused]
    if before is None:
        return TableRows(
            name, tuple(part.files), stored, refused=summed(reasons), remarks=tuple(remarks)
        )
    return replace(
        before,
        files=(*before.files, *part.files),
        stored=stored,
        refused=summed((*before.refused, *reasons)),
        remarks=(*before.remarks, *remarks),
    )


def _one_per_key(con: duckdb.DuckDBPyConnection, table: schema.Table) -> int:
    """Make the view `kept` of `every`; gives back the rows left out that say something else."""
    key, order = ", ".join(quoted(c) for c in table.key), store.order_of(table)
    con.execute(
        f"CREATE TEMP TABLE twice AS SELECT {key} FROM every GROUP BY {key} HAVING count(*) > 1"
    )
    some = f"SELECT * FROM every WHERE ({key}) IN (FROM twice)"
    con.execute(
        f"CREATE TEMP VIEW kept AS SELECT * EXCLUDE (_source) FROM every WHERE ({key}) NOT IN"
        " (FROM twice) UNION ALL SELECT * EXCLUDE (n, _source) FROM (SELECT *, row_number() OVER"
        f" (PARTITION BY {key} ORDER BY _source, {order}) AS n FROM ({some})) WHERE n = 1"
    )
    rest = [quoted(name) for name in table.names if name not in table.key]
    says_other = " OR ".join(f"(s.{c} IS NOT NULL AND s.{c} IS DISTINCT FROM k.{c})" for c in rest)
    found = con.execute(
        f"SELECT count(*) FROM ({some}) AS s JOIN kept AS k USING ({key}) WHERE {says_other}"
    ).fetchall()
    return int(found[0][0])


def _check_ids(con: duckdb.DuckDBPyConnection, settings: Settings, table: schema.Table) -> None:
    """Two sources that number alike would lose rows; only the firm can say how to tell them."""
    if table.name not in _TOLD_APART:
        return
    key = quoted(table.key[0])
    shared = con.execute(
        f"SELECT {key}, count(*) OVER () FROM every GROUP BY {key}"
        f" HAVING count(DISTINCT _source) > 1 ORDER BY {key} LIMIT 1"
    ).fetchall()
    if shared:
        one, count = shared[0]
        raise InputError(
            f"{settings.file}: {count} rows of {table.name} from different sources have the same "
            f"{table.key[0]}, such as {one!r}. Set a prefix for one of the [[dialers]], or leave "
            "out the source that tells of the same calls."
        )


def _quarantine(name: str, refused: Sequence[tuple[str, int, str, str, str]], folder: Path) -> None:
    """The refused lines: as they came in the Parquet file, without their content in the CSV.

    A log line holds telephone numbers, so the file for people shows where it lies and why only.
    What was refused of mapped exports stays in both.
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
    whole, shown = (folder / f"{name}.{ending}" for ending in ("parquet", "csv"))
    with duckdb.connect() as con:
        con.register("listed", listed)
        con.execute("CREATE TEMP TABLE raws AS SELECT * FROM listed")
        con.execute("CREATE TEMP TABLE hidden AS SELECT file, line, reason, '***' AS raw FROM raws")
        if whole.exists():
            con.execute(f"INSERT INTO raws SELECT * FROM read_parquet({literal(whole)})")
            con.execute(
                f"INSERT INTO hidden SELECT * FROM read_csv({literal(shown)}, header = true,"
                " columns = {file: 'VARCHAR', line: 'BIGINT', reason: 'VARCHAR', raw: 'VARCHAR'})"
            )
        con.execute(
            f"COPY (FROM raws ORDER BY ALL) TO {literal(whole)} (FORMAT parquet, COMPRESSION zstd)"
        )
        con.execute(f"COPY (FROM hidden ORDER BY ALL) TO {literal(shown)} (FORMAT csv, HEADER)")
