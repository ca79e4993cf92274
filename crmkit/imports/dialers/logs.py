"""A dialler's log files as tables of text, with what was left out of each file, and why."""

import csv
import hashlib
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import duckdb
import numpy as np

from crmkit.errors import InputError
from crmkit.imports.decoding import MARK, Reader
from crmkit.imports.dialers.parts import NO_TEXT
from crmkit.imports.ledger import FileRows, Remark
from crmkit.imports.lines import Reject, lines_of
from crmkit.imports.readers import Source, delimited, literal, quoted
from crmkit.settings import TableSettings

__all__ = ["Log", "Logs"]

Advance = Callable[[str, int, int], None]
_SAMPLE, _LINES = 1 << 20, 200  # bytes and lines that tell how many cells a line has


@dataclass(frozen=True, kw_only=True)
class Log:
    """One kind of log file: its name, its columns, those it cannot do without, and its shape.

    `headed` files name their columns on the first line; the others have them in this order, and may
    end early, or name them after all. `lines` files have one column, the whole line.
    """

    name: str
    columns: tuple[str, ...]
    needed: tuple[str, ...]
    headed: bool = True
    lines: bool = False


@dataclass
class _File:
    name: str
    source: Source
    rows: int
    duplicates: int = 0


@dataclass
class Logs:
    """The logs of one dialler in a DuckDB connection; each is a temporary table of its name.

    A row has `_file` and `_row`, where it came from, and the log's columns as text, NULL where
    empty or absent.
    """

    con: duckdb.DuckDBPyConnection
    work: Path
    encoding: str
    advance: Advance
    files: dict[str, list[_File]] = field(default_factory=dict)
    remarks: dict[str, list[Remark]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.con.execute(
            "CREATE TEMP TABLE IF NOT EXISTS refused (log VARCHAR, _file INTEGER, _row BIGINT,"
            " reason VARCHAR, col VARCHAR)"
        )

    def load(self, log: Log, paths: Sequence[tuple[str, Path]]) -> None:
        """Read files, with the names people know them by, into the table of the log.

        Raises: InputError for a file without a column that the log cannot do without.
        """
        columns = ", ".join(f"{quoted(c)} VARCHAR" for c in log.columns)
        self.con.execute(f"CREATE TEMP TABLE {log.name} (_file INTEGER, _row BIGINT, {columns})")
        self.files[log.name] = []
        for number, (name, path) in enumerate(paths):
            copy = self.work / f"{log.name}-{number}"
            source = self._source(log, name, path, copy)
            self.con.execute(
                f"INSERT INTO {log.name} SELECT {number}, row_number() OVER () - 1,"
                f" {self._cells(log, source)} FROM ({source.relation})"
            )
            self.files[log.name].append(_File(name, source, self._count(log.name, number)))
        if any(file.source.marked for file in self.files[log.name]):
            whole = ", ".join(quoted(c) for c in log.columns)
            self.refuse(log, f"contains(concat_ws('', {whole}), {literal(MARK)})", NO_TEXT)

    def _source(self, log: Log, name: str, path: Path, copy: Path) -> Source:
        def step(size: int) -> None:
            self.advance(name, size, path.stat().st_size)

        if path.stat().st_size == 0:
            return Source(name, _digest_of_nothing(), log.columns, _no_rows(log.columns))
        given = TableSettings.model_construct(encoding=self.encoding, header=1, delimiter=None)
        if log.headed:
            return delimited(path, name, given, copy, step, mended=True)
        headed = copy.with_suffix(".headed")
        reader = Reader(path, self.encoding, step, mended=True)
        added = _with_header(reader, log, headed)
        mark = "\x01" if log.lines else None if added == 0 else ","
        plain = given.model_copy(update={"encoding": "utf-8", "delimiter": mark})
        found = delimited(headed, name, plain, copy, lambda size: None)
        return Source(
            name,
            reader.sha256,
            found.columns,
            found.relation,
            tuple(Reject(r.line - added, r.reason, r.text) for r in found.rejects),
            tuple((row, line - added) for row, line in found.jumps),
            reader.marked,
        )

    def _cells(self, log: Log, source: Source) -> str:
        there = {column.lower(): column for column in source.columns}
        lost = [name for name in log.needed if name not in there]
        if lost:
            raise InputError(
                f"{source.name} is read as {log.name}, but has no column {', '.join(lost)}. "
                f"It has: {', '.join(source.columns)}."
            )
        return ", ".join(_known(quoted(there[c])) if c in there else "NULL" for c in log.columns)

    def _count(self, name: str, number: int) -> int:
        found = self.con.execute(f"SELECT count(*) FROM {name} WHERE _file = {number}").fetchall()
        return int(found[0][0])

    def instant(self, log: Log, name: str, sql: str) -> None:
        """Add a column of instants to a log's table, computed once.

        The SQL of a local time in a zone with daylight saving is long; written into several
        queries, it would be planned each time.
        """
        self.con.execute(f"ALTER TABLE {log.name} ADD COLUMN {quoted(name)} TIMESTAMP")
        self.con.execute(f"UPDATE {log.name} SET {quoted(name)} = {sql}")

    def mend_hour(self, log: Log) -> None:
        """Move what lies in the second of two equal hours, in the night when clocks are set back.

        A local time does not tell which of the two it is; the `duration` beside it does.
        """
        reckoned = "epoch(started_at) + try_cast(duration AS BIGINT)"
        self.con.execute(
            f"UPDATE {log.name} SET ended_at = ended_at + INTERVAL 1 HOUR WHERE ended_at <"
            f" started_at AND abs(epoch(ended_at) + 3600 - ({reckoned})) <= 1"
        )
        self.con.execute(
            f"UPDATE {log.name} SET answered_at = answered_at + INTERVAL 1 HOUR WHERE answered_at"
            " < started_at AND answered_at + INTERVAL 1 HOUR <= ended_at"
        )

    def drop_repeats(self, log: Log, key: str = "", latest: str = "") -> None:
        """Leave out rows that repeat another in everything; with a `key`, all but the latest.

        Systems that deliver at least once send a record again, sometimes with more in it: of one
        key the row with the greatest `latest` stays, of several the one that came last. Rows
        without the key repeat nothing.
        """
        whole = ", ".join(quoted(c) for c in log.columns)
        order = f"{latest or '0'} DESC NULLS LAST, _file DESC, _row DESC" if key else "_file, _row"
        self.con.execute(
            f"CREATE OR REPLACE TEMP TABLE repeats AS SELECT _file, _row FROM (SELECT _file, _row,"
            f" row_number() OVER (PARTITION BY {key or whole} ORDER BY {order}) AS n"
            f" FROM {log.name} WHERE {f'{key} IS NOT NULL' if key else 'true'}) WHERE n > 1"
        )
        counted = self.con.execute("SELECT _file, count(*) FROM repeats GROUP BY ALL").fetchall()
        for number, count in counted:
            self.files[log.name][number].duplicates += count
        self.con.execute(f"DELETE FROM {log.name} WHERE (_file, _row) IN (FROM repeats)")

    def refuse(self, log: Log, condition: str, reason: str, column: str = "") -> None:
        """Put rows that meet a condition into quarantine with their reason."""
        self.con.execute(
            f"INSERT INTO refused SELECT {literal(log.name)}, _file, _row, {literal(reason)},"
            f" {literal(column)} FROM {log.name} WHERE {condition}"
        )
        self.con.execute(f"DELETE FROM {log.name} WHERE {condition}")

    def remark(self, log: Log, what: str, counted: str) -> None:
        """Tell people how often something was met, where it was: `counted` is SQL that counts."""
        count = int(self.con.execute(counted).fetchall()[0][0])
        if count:
            self.remarks.setdefault(log.name, []).append(Remark(what, count))

    def ledger(self, log: str) -> tuple[FileRows, ...]:
        """What became of each file's rows."""
        found = self.con.execute(
            "SELECT _file, count(*) FROM refused WHERE log = ? GROUP BY ALL", [log]
        )
        refused: Counter[int] = Counter(dict(found.fetchall()))
        return tuple(
            FileRows(
                file.name,
                file.source.sha256,
                file.rows + len(file.source.rejects),
                file.duplicates,
                refused[number] + len(file.source.rejects),
                file.rows - file.duplicates - refused[number],
            )
            for number, file in enumerate(self.files[log])
        )

    def quarantined(self, log: str) -> list[tuple[str, int, str, str, str]]:
        """Refused rows as (file, line, reason, column, raw), raw as the row stood."""
        rows: list[tuple[str, int, str, str, str]] = []
        for number, file in enumerate(self.files[log]):
            rows += [(file.name, r.line, r.reason, "", r.text) for r in file.source.rejects]
            found = self.con.execute(
                "SELECT _row, reason, col FROM refused WHERE log = ? AND _file = ? ORDER BY _row",
                [log, number],
            ).fetchall()
            if not found:
                continue
            places = np.array([row for row, _, _ in found], np.int64)
            lines = lines_of(places, list(file.source.jumps)).tolist()
            raws = self._raw(file.source, places)
            rows += [
                (file.name, line, reason, column, raws[row])
                for line, (row, reason, column) in zip(lines, found, strict=True)
            ]
        return rows

    def _raw(
        self, source: Source, rows: "np.ndarray[tuple[int], np.dtype[np.int64]]"
    ) -> dict[int, str]:
        cells = ", ".join(f"{literal(c)}, {quoted(c)}" for c in source.columns)
        found = self.con.execute(
            f"SELECT _row, CAST(json_object({cells}) AS VARCHAR) FROM"
            f" (SELECT *, row_number() OVER () - 1 AS _row FROM ({source.relation}))"
            " WHERE list_contains(?, _row)",
            [rows.tolist()],
        ).fetchall()
        return dict(found)


def _with_header(reader: Reader, log: Log, target: Path) -> int:
    """A copy with the columns' names on top, where there are none; gives back the lines added."""
    chunks = reader.chunks()
    first = next(chunks, b"")
    columns = log.columns
    head = next(csv.reader([first.split(b"\n", 1)[0].decode()]), []) if not log.lines else []
    added = 0 if set(log.needed) <= {name.strip().lower() for name in head} else 1
    if added and not log.lines:
        width = _width(first, max(log.columns.index(name) for name in log.needed) + 1)
        columns = (*columns[:width], *(f"column {n}" for n in range(len(columns) + 1, width + 1)))
    with target.open("wb") as file:
        if added:
            file.write(",".join(columns).encode() + b"\n")
        while first:
            file.write(first.replace(b'"', b"'").replace(b"\x01", b" ") if log.lines else first)
            first = next(chunks, b"")
    return added


def _width(text: bytes, least: int) -> int:
    """How many cells most of the first lines have; the very first may be damaged.

    Lines of fewer than `least` cells are damaged, unless there are no others.
    """
    lines = text[:_SAMPLE].decode("utf-8", "ignore").splitlines()[:_LINES]
    widths = Counter(len(next(csv.reader([line]), [])) for line in lines if line)
    whole = {width: count for width, count in widths.items() if width >= least} or widths
    return max(whole, key=lambda width: (whole[width], width), default=1)


def _known(cell: str) -> str:
    """The SQL of a trimmed cell; null where it is empty or written as NULL, as databases do."""
    return f"CASE WHEN trim({cell}) NOT IN ('', 'NULL', '\\N') THEN trim({cell}) END"


def _no_rows(columns: Sequence[str]) -> str:
    return f"SELECT {', '.join(f'NULL::VARCHAR AS {quoted(c)}' for c in columns)} WHERE false"


def _digest_of_nothing() -> str:
    return hashlib.sha256().hexdigest()
