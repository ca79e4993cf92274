"""Lists that the settings name beside the tables: where their rows come from."""

from collections.abc import Sequence
from pathlib import Path

import duckdb

from crmkit.errors import InputError
from crmkit.imports.readers import Source, quoted
from crmkit.imports.sources import Advance, open_files
from crmkit.settings import Settings, TableSettings
from crmkit.text import say

__all__ = ["gather", "opened", "required"]


def opened(
    settings: Settings,
    where: str,
    names: Sequence[str],
    encoding: str,
    work: Path,
    advance: Advance,
) -> list[Source]:
    """The files that a setting names, read as any other export is.

    Parameters: `where`, the setting, for messages; `work`, a folder for copies.
    Raises: InputError for files that are missing or cannot be read.
    """
    given = TableSettings.model_validate(
        {"from": tuple(names), "columns": {}, "encoding": encoding}
    )

    def reading(file: str, done: int, total: int) -> None:
        advance(say("Reading {file}", file=file), done, total)

    return list(open_files(settings, given, where, work, reading))


def gather(
    con: duckdb.DuckDBPyConnection, sources: Sequence[Source], columns: Sequence[str], made: str
) -> None:
    """Make the table `made` of all rows, with those of the columns that a file has."""
    parts = []
    for source in sources:
        cells = ", ".join(quoted(c) for c in source.columns if c in columns) or "NULL AS nothing"
        parts.append(f"SELECT {cells} FROM ({source.relation})")
    con.execute(f"CREATE OR REPLACE TEMP TABLE {made} AS {' UNION ALL BY NAME '.join(parts)}")


def required(sources: Sequence[Source], column: str, where: str) -> None:
    """Refuse files without a column.

    Raises: InputError naming the file, what it has and what it needs.
    """
    for source in sources:
        if column not in source.columns:
            raise InputError(
                f"{where}: {source.name} has no column {column!r}. "
                f"It has: {', '.join(source.columns)}."
            )
