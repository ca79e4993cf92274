"""What became of every row: rows in = kept + duplicates + quarantined, file by file."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from crmkit.errors import InputError
from crmkit.text import message, number, say

__all__ = ["FileRows", "ImportReport", "Refused", "Remark", "TableRows", "written"]

ROWS_TOTAL = message("all files")


@dataclass(frozen=True, order=True)
class Refused:
    """Why rows went to quarantine, and how many; `column` fills the reason's `{column}`."""

    reason: str
    column: str
    rows: int

    @property
    def words(self) -> str:
        """The reason in the reader's language."""
        return say(self.reason, column=self.column)


@dataclass(frozen=True)
class Remark:
    """What people should know of rows that are stored all the same, and how many it concerns."""

    what: str
    rows: int

    @property
    def words(self) -> str:
        """The remark in the reader's language."""
        return say(self.what, n=number(self.rows))


@dataclass(frozen=True)
class FileRows:
    """What became of the rows of one file, sheet or query."""

    file: str
    sha256: str
    rows: int
    duplicates: int
    quarantined: int
    kept: int

    def __post_init__(self) -> None:
        found = self.kept + self.duplicates + self.quarantined
        if self.rows != found:
            raise InputError(
                f"{self.file}: {self.rows} rows came in, but {found} are accounted for. "
                "This is a fault of crmkit; please report it with the file's first lines."
            )


@dataclass(frozen=True)
class TableRows:
    """What became of the rows of one canonical table.

    `stored` is below `kept` where one_row_per adds several up, and another number where a log is
    folded into calls and states; `unknown` counts, by column, values that could not be read and
    were left empty; `remarks` tell what else was met.
    """

    table: str
    files: tuple[FileRows, ...]
    stored: int
    unknown: tuple[tuple[str, int], ...] = ()
    refused: tuple[Refused, ...] = ()
    remarks: tuple[Remark, ...] = ()

    def _sum(self, what: str) -> int:
        return sum(int(getattr(file, what)) for file in self.files)

    @property
    def rows(self) -> int:
        """Rows that came in."""
        return self._sum("rows")

    @property
    def duplicates(self) -> int:
        """Rows left out because they repeat another in everything."""
        return self._sum("duplicates")

    @property
    def quarantined(self) -> int:
        """Rows refused, kept in quarantine with the reason."""
        return self._sum("quarantined")

    @property
    def kept(self) -> int:
        """Rows that went into the table."""
        return self._sum("kept")


@dataclass(frozen=True)
class ImportReport:
    """What `import_tables` did: the folder written, the tables, and the settings behind them."""

    store: Path
    tables: tuple[TableRows, ...]
    settings: str = ""

    def table(self, name: str) -> TableRows:
        """What became of one table's rows."""
        return next(table for table in self.tables if table.table == name)

    @property
    def columns(self) -> tuple[str, ...]:
        """The headings of `rows()`."""
        return (
            say("Canonical table"),
            say("File"),
            say("Rows in"),
            say("Kept"),
            say("Duplicates"),
            say("Quarantined"),
            say("Stored"),
        )

    def rows(self) -> list[tuple[str, ...]]:
        """The ledger for people: a line for each file, and one for each table of several files."""
        found: list[tuple[str, ...]] = []
        for table in self.tables:
            one = len(table.files) == 1
            for file in table.files:
                stored = number(table.stored) if one else ""
                found.append((table.table, file.file, *_counts(file), stored))
            if not one:
                stored = number(table.stored)
                found.append((table.table, say(ROWS_TOTAL), *_counts(table), stored))
        return found

    def notes(self) -> list[str]:
        """What else the reader should know: reasons of quarantine, values left unknown."""
        found = []
        for table in self.tables:
            if table.rows == 0 and table.stored == 0:
                found.append(say("{table}: there were no rows.", table=table.table))
            for refused in table.refused:
                found.append(
                    say(
                        "{table}: {n} rows in quarantine: {reason}",
                        table=table.table,
                        n=number(refused.rows),
                        reason=refused.words,
                    )
                )
            for column, count in table.unknown:
                found.append(
                    say(
                        "{table}: {n} values of {column} could not be read and are unknown.",
                        table=table.table,
                        n=number(count),
                        column=column,
                    )
                )
            for remark in table.remarks:
                found.append(say("{table}: {remark}", table=table.table, remark=remark.words))
        return found


def _counts(rows: FileRows | TableRows) -> tuple[str, str, str, str]:
    return (
        number(rows.rows),
        number(rows.kept),
        number(rows.duplicates),
        number(rows.quarantined),
    )


def written(report: ImportReport, before: Mapping[str, Any]) -> str:
    """The ledger as JSON, with the tables of an earlier one that were not imported now.

    It holds no time of the clock and no folder of the machine, so equal inputs give equal bytes.
    """
    tables = dict(before.get("tables", {}))
    for table in report.tables:
        entry = asdict(table)
        del entry["table"]
        entry["unknown"] = dict(table.unknown)
        counts = {k: getattr(table, k) for k in ("rows", "kept", "duplicates", "quarantined")}
        tables[table.table] = {**counts, **entry, "settings": report.settings}
    ordered = {name: tables[name] for name in sorted(tables)}
    return json.dumps({"tables": ordered}, ensure_ascii=False, indent=2) + "\n"


def summed(refused: Iterable[Refused]) -> tuple[Refused, ...]:
    """One entry for each reason, the commonest first."""
    rows: dict[tuple[str, str], int] = {}
    for one in refused:
        key = (one.reason, one.column)
        rows[key] = rows.get(key, 0) + one.rows
    found = (Refused(reason, column, n) for (reason, column), n in rows.items() if n)
    return tuple(sorted(found, key=lambda r: (-r.rows, r.reason, r.column)))
