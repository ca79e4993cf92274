"""One reader for each format: each gives a DuckDB relation whose columns are all text."""

import datetime as dt
import hashlib
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import ibis
import openpyxl
import pyarrow as pa
import pyarrow.parquet as pq

from crmkit.errors import CrmkitError, InputError, nearest
from crmkit.imports import lines
from crmkit.imports.decoding import Reader
from crmkit.imports.lines import Reject
from crmkit.settings import Settings, TableSettings

__all__ = ["Source", "delimited", "literal", "parquet", "query", "quoted", "sheet"]

_AT_ONCE = 10_000


@dataclass(frozen=True)
class Source:
    """One file, sheet or query: its name, fingerprint, columns, and the SQL that reads its rows.

    `jumps` tell on which line each row lies, as in `lines.Tidied`; `rejects` are lines that are no
    rows; `marked` counts bytes that are no text, as in `decoding.Reader`.
    """

    name: str
    sha256: str
    columns: tuple[str, ...]
    relation: str
    rejects: tuple[Reject, ...] = ()
    jumps: tuple[tuple[int, int], ...] = ((0, 1),)
    marked: int = 0


def quoted(name: str) -> str:
    """A name as an SQL identifier.

    >>> quoted("单价")
    '"单价"'
    """
    return '"' + name.replace('"', '""') + '"'


def literal(words: object) -> str:
    """Words as an SQL string.

    >>> literal("it's")
    "'it''s'"
    """
    return "'" + str(words).replace("'", "''") + "'"


def _named(header: Iterable[object]) -> tuple[str, ...]:
    """The columns' names: trimmed, numbered where empty or given twice."""
    names: list[str] = []
    for place, cell in enumerate(header, 1):
        name = str(cell if cell is not None else "").strip() or f"column {place}"
        taken = {n.lower() for n in names}
        number, unique = 2, name
        while unique.lower() in taken:
            unique, number = f"{name} ({number})", number + 1
        names.append(unique)
    return tuple(names)


def delimited(
    path: Path,
    name: str,
    given: TableSettings,
    copy: Path,
    step: Callable[[int], None],
    *,
    mended: bool = False,
) -> Source:
    """A CSV file, or any other with one record to a line; `.gz` too.

    Parameters: `copy`, where to write a tidied copy if one is needed; `step`, told of bytes read;
    `mended`, whether a few bytes that are no text are marked and not refused.
    """
    if path.stat().st_size == 0:
        raise InputError(f"{name} is an empty file. Export it again, or leave it out of from.")
    reader = Reader(path, given.encoding, step, mended=mended)
    tidy = lines.Copy(copy.with_suffix(".csv"), path if reader.plain else None)
    found = lines.tidied(reader, tidy, header=given.header, delimiter=given.delimiter)
    if not found.header:
        raise InputError(
            f"{name} has no column names on line {given.header}. "
            "Set header to the number of the line that has them."
        )
    columns = _named(found.header)
    typed = ", ".join(f"{literal(column)}: 'VARCHAR'" for column in columns)
    relation = (
        f"SELECT * FROM read_csv({literal(tidy.target if tidy.made else path)}, auto_detect = false"
        f", columns = {{{typed}}}, header = false, skip = {0 if tidy.made else found.skip}"
        f", delim = {literal(found.mark)}, quote = '\"', escape = '\"', new_line = '\\n'"
        f", parallel = {str(not found.multiline).lower()})"
    )
    if found.rows == 0:
        relation = _nothing(columns)
    jumps = tuple(found.jumps) or ((0, found.skip + 1),)
    rejects = tuple(found.rejects)
    return Source(name, reader.sha256, columns, relation, rejects, jumps, reader.marked)


def _nothing(columns: Iterable[str]) -> str:
    cells = ", ".join(f"NULL::VARCHAR AS {quoted(column)}" for column in columns)
    return f"SELECT {cells} WHERE false"


def sheet(path: Path, name: str, given: TableSettings, copy: Path) -> Source:
    """A sheet of an Excel workbook: the one set, or the first."""
    with _workbook(path, name) as book:
        page = book[_sheet(name, given.sheet, book.sheetnames)]
        rows = page.iter_rows(min_row=given.header, values_only=True)
        columns = _named(_trimmed(next(rows, ())))
        if not columns:
            raise InputError(f"{name}: sheet {page.title!r} has no names on row {given.header}.")
        target = copy.with_suffix(".parquet")
        jumps = _write_cells(rows, columns, given.header + 1, target)
    relation = f"SELECT * FROM read_parquet({literal(target)})"
    return Source(f"{name}#{page.title}", _digest(path), columns, relation, jumps=jumps)


@contextmanager
def _workbook(path: Path, name: str) -> Iterator[openpyxl.Workbook]:
    """An Excel workbook; what openpyxl raises for a damaged one is of many kinds, here or later."""
    try:
        with closing(openpyxl.load_workbook(path, read_only=True, data_only=True)) as book:
            yield book
    except CrmkitError:
        raise
    except Exception as error:
        raise InputError(
            f"{name} is not a whole Excel workbook (.xlsx): {error}. Save it as .xlsx or as CSV."
        ) from error


def _sheet(name: str, wanted: str | None, there: list[str]) -> str:
    if wanted is None:
        return there[0]
    if wanted not in there:
        guess = nearest(wanted, there)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise InputError(f"{name} has no sheet {wanted!r}.{hint} There are: {', '.join(there)}.")
    return wanted


def _trimmed(header: tuple[object, ...]) -> list[object]:
    cells = list(header)
    while cells and cells[-1] is None:
        cells.pop()
    return cells


def _write_cells(
    rows: Iterable[tuple[Any, ...]], columns: tuple[str, ...], first: int, target: Path
) -> tuple[tuple[int, int], ...]:
    schema = pa.schema([(column, pa.string()) for column in columns])
    jumps: list[tuple[int, int]] = []
    width, count = len(columns), 0

    def filled() -> Iterator[list[str | None]]:
        nonlocal count
        for line, row in enumerate(rows, first):
            cells = [_cell(value) for value in row[:width]]
            if all(cell is None for cell in cells):
                continue
            if not jumps or line - count != jumps[-1][1] - jumps[-1][0]:
                jumps.append((count, line))
            count += 1
            yield cells + [None] * (width - len(cells))

    with pq.ParquetWriter(target, schema) as writer:
        for some in _batches(filled(), _AT_ONCE):
            arrays = [pa.array(cells, pa.string()) for cells in zip(*some, strict=True)]
            writer.write_batch(pa.record_batch(arrays, schema=schema))
    return tuple(jumps) or ((0, first),)


def _batches(rows: Iterator[list[str | None]], size: int) -> Iterator[list[list[str | None]]]:
    some: list[list[str | None]] = []
    for row in rows:
        some.append(row)
        if len(some) == size:
            yield some
            some = []
    if some:
        yield some


def _cell(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ")
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)


def parquet(path: Path, name: str) -> Source:
    """A Parquet file."""
    try:
        columns = tuple(pq.read_schema(path).names)
    except (pa.ArrowInvalid, OSError) as error:
        raise InputError(f"{name} is not a Parquet file: {error}.") from None
    return Source(name, _digest(path), columns, _as_text(path, columns))


def _as_text(path: Path, columns: Iterable[str]) -> str:
    cells = ", ".join(f"{quoted(c)}::VARCHAR AS {quoted(c)}" for c in columns)
    return f"SELECT {cells} FROM read_parquet({literal(path)})"


def query(settings: Settings, given: TableSettings, wanted: str, copy: Path) -> Source:
    """A table or query of a database, put in an order of its own so that runs agree."""
    url = given.url or ""
    fetched, target = copy.with_suffix(".fetched"), copy.with_suffix(".parquet")
    shown = f"{_without_secrets(url)}#{wanted}"
    if given.format_of(wanted) == "duckdb":
        _from_duckdb(settings.raw / url.removeprefix("duckdb://"), wanted, fetched, shown)
    else:
        _from_database(url, wanted, fetched, shown)
    with duckdb.connect() as con:
        con.execute(
            f"COPY (SELECT * FROM read_parquet({literal(fetched)}) ORDER BY ALL)"
            f" TO {literal(target)} (FORMAT parquet)"
        )
    fetched.unlink()
    columns = tuple(pq.read_schema(target).names)
    return Source(shown, _digest(target), columns, _as_text(target, columns))


def _is_query(wanted: str) -> bool:
    return bool(re.match(r"\s*(select|with|from)\s", wanted, re.IGNORECASE))


def _without_secrets(url: str) -> str:
    parts = urlsplit(url)
    if not parts.password:
        return url
    return url.replace(f":{parts.password}@", ":***@")


def _from_duckdb(path: Path, wanted: str, target: Path, shown: str) -> None:
    if not path.is_file():
        raise InputError(f"There is no DuckDB file {path}. Set url to the one to read.")
    rows = wanted if _is_query(wanted) else f"SELECT * FROM {quoted(wanted)}"
    try:
        with duckdb.connect(str(path), read_only=True) as con:
            there = [row[0] for row in con.execute("SHOW TABLES").fetchall()]
            _check_table(wanted, there, shown)
            con.execute(f"COPY ({rows}) TO {literal(target)} (FORMAT parquet)")
    except duckdb.Error as error:
        raise InputError(f"{shown} cannot be read: {error}") from None


def _from_database(url: str, wanted: str, target: Path, shown: str) -> None:
    try:
        con = ibis.connect(url)
        if not _is_query(wanted):
            _check_table(wanted, con.list_tables(), shown)
        rows = con.sql(wanted) if _is_query(wanted) else con.table(wanted)
        with rows.to_pyarrow_batches() as batches, pq.ParquetWriter(target, batches.schema) as file:
            for batch in batches:
                file.write_batch(batch)
        con.disconnect()
    except InputError:
        raise
    except Exception as error:
        # each database has its own errors, and the reader of this one can only be told its words
        words = str(error).replace(url, _without_secrets(url))
        raise InputError(f"{shown} cannot be read: {words}") from None


def _check_table(wanted: str, there: list[str], shown: str) -> None:
    if not _is_query(wanted) and wanted not in there:
        guess = nearest(wanted, there)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise InputError(f"{shown}: there is no such table.{hint} There are: {', '.join(there)}.")


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
