"""Action lists: whom to call, why, and what to do, as CSV and Excel files for the sales floor."""

import csv
import datetime as dt
import io
import os
import re
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, MergedCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from crmkit.blocks import Block, Column, Json, Table
from crmkit.errors import ParameterError
from crmkit.text import number, say

__all__ = ["ActionList", "write_actions"]

OUTPUT = "CRMKIT_OUTPUT"
"""The environment variable that names the folder of a report's files."""
LARGEST = 1_048_575
"""Rows that an Excel sheet holds below its heading."""

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_FORMATS = {"count": "#,##0", "number": "#,##0.0", "money": "#,##0.00", "rate": "0.0%"}
_STILL = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip file can name: files must not carry now
_MODIFIED = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(<)")


@dataclass(frozen=True, eq=False)
class ActionList(Block):
    """Customers to act on, the most valuable first.

    `name` is the name of its files, `title` what it is; `frame` has one row a customer, and
    `columns` say which of its columns are shown and written, under which headings.
    """

    name: str
    title: str
    frame: pd.DataFrame = field(repr=False)
    columns: tuple[Column, ...]
    note: str = ""

    def __len__(self) -> int:
        return len(self.frame)

    def table(self, rows: int = 10) -> Table:
        """The first rows as a table for a report."""
        shown = self.frame.head(rows)
        notes = [self.note] if self.note else []
        if len(shown) < len(self.frame):
            notes.append(
                say(
                    "The first {shown} of {all} customers; the files hold them all.",
                    shown=number(len(shown)),
                    all=number(len(self.frame)),
                )
            )
        return Table(self.name, self.title, shown, self.columns, note=" ".join(notes))

    def json(self) -> Json:
        """The first rows as plain data."""
        return self.table().json()

    def __str__(self) -> str:
        return str(self.table())


def write_actions(actions: ActionList, folder: str | Path = ".") -> tuple[Path, Path]:
    """Write an action list as CSV and Excel, readable by their owner only.

    Text that a spreadsheet would run as a formula is written as text. The same list gives the same
    bytes whenever it is written. An empty list gives files with headings only.

    Parameters: `folder`, made where it is missing; a relative one lies in the folder that the
    environment variable CRMKIT_OUTPUT names (a report sets it), else in the current one.
    Returns: the paths of `<name>.csv` (UTF-8 with the mark that lets Excel read Chinese) and
    `<name>.xlsx`.
    Raises: ParameterError for a name that is no plain file name, or more rows than Excel holds.

    >>> import tempfile
    >>> people = pd.DataFrame({"customer_id": ["c7"], "value": [120.0]})
    >>> columns = (Column("customer_id", "Customer"), Column("value", "Value", "money"))
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     paths = write_actions(ActionList("calls", "To call", people, columns), folder)
    ...     [path.name for path in paths], paths[0].read_text("utf-8-sig").splitlines()
    (['calls.csv', 'calls.xlsx'], ['Customer,Value', 'c7,120.0'])
    """
    if not re.fullmatch(r"\w[\w.-]*", actions.name):
        raise ParameterError(
            f"{actions.name!r} cannot name files. Use letters, digits, '_', '-' and '.' only."
        )
    if len(actions.frame) > LARGEST:
        raise ParameterError(
            f"The list {actions.name!r} has {len(actions.frame):,} customers; Excel holds "
            f"{LARGEST:,}. Give a limit."
        )
    place = Path(os.environ.get(OUTPUT) or ".") / folder
    place.mkdir(parents=True, exist_ok=True)
    return (
        _keep(place / f"{actions.name}.csv", _csv(actions)),
        _keep(place / f"{actions.name}.xlsx", _excel(actions)),
    )


def _keep(path: Path, content: bytes) -> Path:
    """Put a file in place whole, with rights for its owner only."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return part.replace(path)


def _rows(actions: ActionList) -> Iterator[tuple[object, ...]]:
    columns = [_values(actions.frame[column.name], column) for column in actions.columns]
    return zip(*columns, strict=True)


def _values(values: "pd.Series[Any]", column: Column) -> list[object]:
    """The values of a column as plain Python: text, numbers, days, or nothing."""
    found: list[object] = []
    for value in values.tolist():
        if value is None or pd.isna(value):
            found.append(None)
        elif column.kind == "text":
            found.append(ILLEGAL_CHARACTERS_RE.sub("", str(value)))
        elif column.kind == "day":
            found.append(dt.date.fromisoformat(str(value)[:10]))
        else:
            found.append(value if isinstance(value, int | float) else float(str(value)))
    return found


def _csv(actions: ActionList) -> bytes:
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\r\n")
    writer.writerow([_safe(column.label) for column in actions.columns])
    writer.writerows([_safe(value) for value in row] for row in _rows(actions))
    return page.getvalue().encode("utf-8-sig")


def _safe(value: object) -> object:
    """Text that a spreadsheet would run gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def _excel(actions: ActionList) -> bytes:
    book = openpyxl.Workbook()
    sheet = book.active
    if not isinstance(sheet, Worksheet):
        raise TypeError("A new workbook has no sheet.")
    sheet.title = re.sub(r"[\[\]:*?/\\]", " ", actions.title)[:31].strip("' ") or "1"
    for place, column in enumerate(actions.columns, start=1):
        head = _text(sheet.cell(1, place), column.label)
        head.font = Font(bold=True)
        head.alignment = Alignment(wrap_text=True, vertical="top")
        values = _values(actions.frame[column.name], column)
        for row, value in enumerate(values, start=2):
            _fill(sheet.cell(row, place), value, column)
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = _width(column.label, values)
    sheet.freeze_panes = "B2"
    if actions.columns:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(actions.columns))}{len(actions) + 1}"
    page = io.BytesIO()
    book.save(page)
    return _still(page.getvalue())


def _text(cell: Cell | MergedCell, words: str) -> Cell | MergedCell:
    """Put words into a cell as words, though they begin like a formula."""
    cell.value = words
    cell.data_type = "s"
    if words.startswith(_FORMULA):
        cell.quotePrefix = True
    return cell


def _fill(cell: Cell | MergedCell, value: object, column: Column) -> None:
    if isinstance(value, str):
        _text(cell, value)
    elif isinstance(value, int | float | dt.date):
        cell.value = value
        cell.number_format = "yyyy-mm-dd" if column.kind == "day" else _FORMATS[column.kind]


def _width(label: str, values: list[object]) -> float:
    """A width that shows most cells whole; a Chinese character is two wide."""
    words = [label, *(str(value) for value in values[:200] if value is not None)]
    longest = max(sum(2 if ord(letter) > 0x2E80 else 1 for letter in word) for word in words)
    return float(min(max(longest + 2, 10), 60))


def _still(content: bytes) -> bytes:
    """The same workbook without the time it was written at."""
    page = io.BytesIO()
    with (
        zipfile.ZipFile(io.BytesIO(content)) as given,
        zipfile.ZipFile(page, "w", zipfile.ZIP_DEFLATED) as kept,
    ):
        for entry in given.infolist():
            part = given.read(entry)
            if entry.filename == "docProps/core.xml":
                part = _MODIFIED.sub(rb"\g<1>1980-01-01T00:00:00Z\g<3>", part)
            still = zipfile.ZipInfo(entry.filename, date_time=_STILL)
            still.compress_type = zipfile.ZIP_DEFLATED
            kept.writestr(still, part)
    return page.getvalue()
