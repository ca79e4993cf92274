"""The ledger of scheduled runs: a SQLite file beside the site."""

import datetime as dt
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from crmkit.errors import ReportError

__all__ = ["Entry", "Ledger"]

_MADE = """
create table if not exists runs (
    id integer primary key,
    report text not null,
    key text not null,
    period text not null,
    as_of text not null,
    started_at text not null,
    ended_at text,
    status text not null,
    error text not null default '',
    data text not null default ''
);
-- What is published once is not published again: two starters cannot both write it.
create unique index if not exists once on runs (key, period) where status = 'done';
"""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One run: of which report and period, when (UTC), and what became of it.

    `status` is running, done, failed or killed; `data` the fingerprint of the data reported.
    """

    id: int
    report: str
    key: str
    period: str
    as_of: dt.date
    started_at: dt.datetime
    ended_at: dt.datetime | None
    status: str
    error: str = ""
    data: str = ""


class Ledger:
    """Runs, kept in a file; every change is on disk when the call returns."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def entries(self) -> tuple[Entry, ...]:
        """All runs, the oldest first; none where there is no ledger yet."""
        if not self.path.exists():
            return ()
        with self._open() as file:
            rows = file.execute(
                "select id, report, key, period, as_of, started_at, ended_at, status, error, data "
                "from runs order by id"
            ).fetchall()
        return tuple(_entry(row) for row in rows)

    def begin(self, *, report: str, key: str, period: str, as_of: dt.date, now: dt.datetime) -> int:
        """Write that a run begins. Returns: its number."""
        with self._open() as file:
            done = file.execute(
                "insert into runs (report, key, period, as_of, started_at, status) "
                "values (?, ?, ?, ?, ?, 'running')",
                (report, key, period, as_of.isoformat(), now.isoformat()),
            )
            assert done.lastrowid is not None
            return done.lastrowid

    def end(
        self, number: int, *, status: str, now: dt.datetime, error: str = "", data: str = ""
    ) -> None:
        """Write what became of a run."""
        with self._open() as file:
            file.execute(
                "update runs set status = ?, ended_at = ?, error = ?, data = ? where id = ?",
                (status, now.isoformat(), error[:2000], data, number),
            )

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            with closing(sqlite3.connect(self.path, timeout=30)) as file:
                file.executescript(_MADE)
                with file:
                    yield file
        except sqlite3.DatabaseError as error:
            raise ReportError(
                f"The ledger {self.path} cannot be used: {error}. If it is damaged, move it away: "
                "the reports that are published are found on the site."
            ) from None


def _entry(row: tuple[object, ...]) -> Entry:
    number, report, key, period, as_of, started, ended, status, error, data = row
    return Entry(
        id=int(str(number)),
        report=str(report),
        key=str(key),
        period=str(period),
        as_of=dt.date.fromisoformat(str(as_of)),
        started_at=dt.datetime.fromisoformat(str(started)),
        ended_at=dt.datetime.fromisoformat(str(ended)) if ended else None,
        status=str(status),
        error=str(error),
        data=str(data),
    )
