"""Action lists: whom to call, why, and what to do, as CSV and Excel files for the sales floor."""

import csv
import io
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path

import pandas as pd

from crmkit.blocks import Block, Column, Json, Table
from crmkit.errors import ParameterError
from crmkit.text import number, say

__all__ = ["LIST", "ActionList", "read_actions", "write_actions"]

OUTPUT = "CRMKIT_OUTPUT"
"""The environment variable that names the folder of a report's files."""
LIST = ".list"
"""The ending of the file by which a report reads its list again."""
LARGEST = 1_048_575
"""Rows that an Excel sheet holds below its heading."""


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
    from crmkit.spreadsheet import excel  # noqa: PLC0415 (openpyxl takes long to import)

    place = Path(os.environ.get(OUTPUT) or ".") / folder
    place.mkdir(parents=True, exist_ok=True)
    if os.environ.get(OUTPUT):
        _keep(place / f".{actions.name}{LIST}", _whole(actions))
    return (
        _keep(place / f"{actions.name}.csv", _csv(actions)),
        _keep(place / f"{actions.name}.xlsx", excel(actions.title, actions.columns, actions.frame)),
    )


def _keep(path: Path, content: bytes) -> Path:
    """Put a file in place whole, with rights for its owner only."""
    part = path.with_name(f".{path.name}.part")
    part.unlink(missing_ok=True)
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return part.replace(path)


def read_actions(path: Path) -> ActionList:
    """An action list again, from the file that `write_actions` kept for the report."""
    import pyarrow.parquet as pq  # noqa: PLC0415

    kept = pq.read_table(path)
    told = json.loads((kept.schema.metadata or {})[b"crmkit"])
    columns = tuple(Column(name, label, kind) for name, label, kind in told["columns"])
    frame = pd.DataFrame(
        {c.name: kept.column(place).to_pylist() for place, c in enumerate(columns)}
    )
    return ActionList(told["name"], told["title"], frame, columns)


def _whole(actions: ActionList) -> bytes:
    """A list with its headings, as Parquet; columns are numbered, for two may have one name."""
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.parquet as pq  # noqa: PLC0415

    from crmkit.spreadsheet import values  # noqa: PLC0415

    cells = [pa.array(values(actions.frame[c.name], c)) for c in actions.columns]
    told = {
        "name": actions.name,
        "title": actions.title,
        "columns": [(c.name, c.label, c.kind) for c in actions.columns],
    }
    table = pa.table(cells, names=[str(place) for place in range(len(cells))])
    page = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({"crmkit": json.dumps(told)}), page)
    return page.getvalue()


def _csv(actions: ActionList) -> bytes:
    from crmkit.spreadsheet import safe, values  # noqa: PLC0415

    columns = [values(actions.frame[column.name], column) for column in actions.columns]
    page = io.StringIO()
    writer = csv.writer(page, lineterminator="\r\n")
    writer.writerow([safe(column.label) for column in actions.columns])
    writer.writerows([safe(value) for value in row] for row in zip(*columns, strict=True))
    return page.getvalue().encode("utf-8-sig")
