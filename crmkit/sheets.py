"""Editable tables: CSV files that come with crmkit, and those of a firm in their place."""

import csv
from collections.abc import Sequence
from pathlib import Path

from crmkit import places
from crmkit.errors import InputError, ParameterError, nearest

__all__ = ["read_sheet", "rows_of"]


def read_sheet(
    source: str | Path, folder: str, columns: Sequence[str]
) -> list[tuple[str, dict[str, str]]]:
    """The rows of a CSV file, each with where it stands, for messages.

    Parameters: `source`, the name of one that comes with crmkit in `templates/folder`, or the path
    of another; `columns`, those it needs; others are left out.
    Raises: ParameterError where there is no such file; InputError for what is wrong with it.

    >>> read_sheet("score", "leads", ["feature", "value"])[0][1]
    {'feature': 'source', 'value': '转介绍'}
    """
    shipped = places.templates() / folder / f"{source}.csv"
    path = shipped if shipped.is_file() else Path(source)
    if not path.is_file():
        known = sorted(file.stem for file in shipped.parent.glob("*.csv"))
        raise ParameterError(
            f"There is no table {str(source)!r}. Give one of {', '.join(known)} "
            "or the path of a CSV file."
        )
    return rows_of(path, columns)


def rows_of(
    path: Path, columns: Sequence[str], optional: Sequence[str] = ()
) -> list[tuple[str, dict[str, str]]]:
    """The rows of the CSV file `path`, as `read_sheet` gives them; `optional` columns may lack."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = csv.DictReader(file)
            given = lines.fieldnames or []
            rows = [{k: (row.get(k) or "").strip() for k in (*columns, *optional)} for row in lines]
    except UnicodeDecodeError:
        raise InputError(f"{path} is not in UTF-8. Save it as 'CSV UTF-8'.") from None
    for column in columns:
        if column not in given:
            guess = nearest(column, given)
            hint = f" Is it {guess!r}?" if guess else ""
            raise InputError(
                f"{path} has no column {column!r}.{hint} It needs: {', '.join(columns)}."
            )
    if not rows:
        raise InputError(f"{path} has no rows.")
    return [(f"{path}, line {number}", row) for number, row in enumerate(rows, start=2)]
