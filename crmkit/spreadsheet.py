"""Spreadsheet files that open as they are meant: typed cells, no formulas, the same bytes."""

import datetime as dt
import io
import re
import zipfile
from collections.abc import Sequence
from typing import Any

import openpyxl
import pandas as pd
from openpyxl.cell.cell import ILLEGAL_CHARACTERS_RE, Cell, MergedCell
from openpyxl.styles import Alignment, Font
from openpyxl.utils import get_column_letter
from openpyxl.worksheet.worksheet import Worksheet

from crmkit.blocks import Column
from crmkit.printable import cut

__all__ = ["excel", "safe", "values"]

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
_FORMATS = {"count": "#,##0", "number": "#,##0.0", "money": "#,##0.00", "rate": "0.0%"}
_LONGEST = 32_767  # letters that Excel holds in a cell; the CSV file has them all
_STILL = (1980, 1, 1, 0, 0, 0)  # the oldest time a zip file can name: files must not carry now
_MODIFIED = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*(<)")


def values(given: "pd.Series[Any]", column: Column) -> list[object]:
    """The values of a column as plain Python: text, numbers, days, or nothing."""
    found: list[object] = []
    for value in given.tolist():
        if value is None or pd.isna(value):
            found.append(None)
        elif column.kind == "text":
            found.append(ILLEGAL_CHARACTERS_RE.sub("", str(value)))
        elif column.kind == "day":
            found.append(dt.date.fromisoformat(str(value)[:10]))
        else:
            found.append(value if isinstance(value, int | float) else float(str(value)))
    return found


def safe(value: object) -> object:
    """Text that a spreadsheet would run gets an apostrophe before it."""
    return f"'{value}" if isinstance(value, str) and value.startswith(_FORMULA) else value


def excel(title: str, columns: Sequence[Column], frame: pd.DataFrame) -> bytes:
    """A workbook of one sheet: bold heading that stays in sight, filters, widths that fit."""
    book = openpyxl.Workbook()
    sheet = book.active
    if not isinstance(sheet, Worksheet):
        raise TypeError("A new workbook has no sheet.")
    named = re.sub(r"[\[\]:*?/\\]", " ", ILLEGAL_CHARACTERS_RE.sub("", title))
    sheet.title = named[:31].strip("' ") or "1"
    for place, column in enumerate(columns, start=1):
        head = _text(sheet.cell(1, place), column.label)
        head.font = Font(bold=True)
        head.alignment = Alignment(wrap_text=True, vertical="top")
        shown = values(frame[column.name], column)
        for row, value in enumerate(shown, start=2):
            _fill(sheet.cell(row, place), value, column)
        letter = get_column_letter(place)
        sheet.column_dimensions[letter].width = _width(column.label, shown)
    sheet.freeze_panes = "B2"
    if columns:
        sheet.auto_filter.ref = f"A1:{get_column_letter(len(columns))}{len(frame) + 1}"
    page = io.BytesIO()
    book.save(page)
    return _still(page.getvalue())


def _text(cell: Cell | MergedCell, words: str) -> Cell | MergedCell:
    """Put words into a cell as words, though they begin like a formula."""
    cell.value = cut(ILLEGAL_CHARACTERS_RE.sub("", words), _LONGEST)
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
