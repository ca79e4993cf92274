"""What all writers need: rows of a table, local clock times, whole seconds, CSV."""

import csv
import datetime as dt
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal, NamedTuple

import pyarrow as pa

from crmkit import periods

__all__ = ["Clock", "Row", "by_id", "phone", "rows", "written"]

Row = Mapping[str, Any]
_EPOCH = dt.datetime(1970, 1, 1)


class Clock(NamedTuple):
    """Instants as a system in a timezone writes them."""

    timezone: str

    def local(self, at: dt.datetime | None) -> str:
        """Local date and time to the second; empty where unknown."""
        if at is None:
            return ""
        place = periods.zone(self.timezone)
        return at.replace(tzinfo=dt.UTC).astimezone(place).strftime("%Y-%m-%d %H:%M:%S")

    def hours(self, at: dt.datetime) -> float:
        """The offset from UTC in hours."""
        shift = at.replace(tzinfo=dt.UTC).astimezone(periods.zone(self.timezone)).utcoffset()
        return (shift or dt.timedelta()).total_seconds() / 3600

    @staticmethod
    def epoch(at: dt.datetime | None) -> int:
        """Seconds since 1970; 0 where unknown."""
        return 0 if at is None else int((at - _EPOCH).total_seconds())

    def between(self, first: dt.datetime | None, last: dt.datetime | None) -> int:
        """Whole seconds from one clock reading to another; 0 where one is unknown."""
        return self.epoch(last) - self.epoch(first) if first and last else 0


def rows(table: pa.Table, *, by: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of a table in the order of columns, which must tell all rows apart."""
    ordered = table.sort_by([(name, "ascending") for name in by])
    found: list[dict[str, Any]] = ordered.to_pylist()
    return found


def by_id(table: pa.Table, key: str) -> dict[str, dict[str, Any]]:
    """The rows of a table by their key."""
    return {row[key]: row for row in table.to_pylist()}


def phone(lead_id: str | None) -> str:
    """A number that stands for a lead; 154 was given to no operator."""
    digits = "".join(sign for sign in lead_id or "" if sign.isdigit())
    return "154" + digits[-8:].zfill(8)


def written(names: Sequence[str] | None, lines: Iterable[Sequence[object]], *, quote: bool) -> str:
    """Lines as CSV, with a header where there are names, all texts quoted where asked."""
    buffer = io.StringIO()
    style: Literal[0, 2] = csv.QUOTE_NONNUMERIC if quote else csv.QUOTE_MINIMAL
    writer = csv.writer(buffer, quoting=style, lineterminator="\n")
    if names is not None:
        writer.writerow(names)
    writer.writerows(lines)
    return buffer.getvalue()
