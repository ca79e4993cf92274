"""Working time: how much of it lies between two moments, by the hours and holidays of the firm."""

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping

import ibis
import ibis.expr.types as ir

from crmkit import periods
from crmkit.working_hours import Span, WorkingHours

__all__ = ["with_working_time"]


def with_working_time(
    rows: ir.Table,
    hours: WorkingHours,
    spans: Mapping[str, tuple[str, str]],
    *,
    timezone: str,
    first: dt.date,
    last: dt.date,
) -> ir.Table:
    """Rows with the working seconds between two of their instants.

    Each instant becomes the working time spent since the first day, from a small table of days; the
    difference of two is what lies between. Days are the book's, seconds are elapsed ones, so an
    hour that daylight saving takes away or repeats counts as long as it lasted.

    Parameters: `rows`, with instants in UTC; `spans`, new columns with the columns of start and
    end; `first` and `last`, local days that hold all instants.
    Returns: the rows with an int64 column for each span: null where an instant is null or outside
    the days; negative where the end is before the start.

    >>> from crmkit.working_hours import working_hours
    >>> at = [dt.datetime(2025, 3, 7, 17, 30)], [dt.datetime(2025, 3, 10, 9, 15)]
    >>> rows = ibis.memtable({"came": at[0], "answered": at[1]})
    >>> found = with_working_time(
    ...     rows, working_hours("Mon-Fri 09:00-18:00"), {"wait": ("came", "answered")},
    ...     timezone="UTC", first=dt.date(2025, 3, 1), last=dt.date(2025, 3, 31))
    >>> found.wait.execute().tolist()
    [2700]
    """
    days, pieces = _days(hours, timezone, first, last)
    until = periods.day_end(last, timezone)
    for name, (start, end) in spans.items():
        for column, made in ((start, "from"), (end, "to")):
            rows = _spent(rows, days, pieces, column, f"_{made}_{name}", timezone, until)
        rows = rows.mutate(**{name: rows[f"_to_{name}"] - rows[f"_from_{name}"]})
        rows = rows.drop(f"_to_{name}", f"_from_{name}")
    return rows


def _spent(
    rows: ir.Table,
    days: ir.Table,
    pieces: int,
    column: str,
    name: str,
    timezone: str,
    until: dt.datetime,
) -> ir.Table:
    """Rows with the working time spent by an instant since the first day."""
    at = rows.mutate(_day=periods.day_number(rows[column], timezone, until=until))
    named = days.rename({f"_{each}": each for each in days.columns if each != "day"})
    met = at.left_join(named, at["_day"] == named["day"])
    seconds = met[column].epoch_seconds().cast("int64")
    spent = met["_spent"]
    for piece in range(pieces):
        start, end = met[f"_start{piece}"], met[f"_end{piece}"]
        spent = spent + ibis.greatest(ibis.least(seconds, end) - start, ibis.literal(0, "int64"))
    return met.mutate(**{name: spent}).select(*rows.columns, name)


def _days(
    hours: WorkingHours, timezone: str, first: dt.date, last: dt.date
) -> tuple[ir.Table, int]:
    """A row a local day: its number, working seconds spent before it, its hours as UTC seconds."""
    every = [first + dt.timedelta(days=n) for n in range((last - first).days + 1)]
    spans = [list(_instants(hours.of(day), day, timezone)) for day in every]
    pieces = max(1, max(map(len, spans), default=1))
    columns: dict[str, list[int]] = {"day": [], "spent": []}
    columns |= {f"{side}{n}": [] for n in range(pieces) for side in ("start", "end")}
    spent = 0
    for day, found in zip(every, spans, strict=True):
        columns["day"].append((day - dt.date(1970, 1, 1)).days)
        columns["spent"].append(spent)
        for piece in range(pieces):
            start, end = found[piece] if piece < len(found) else (0, 0)
            columns[f"start{piece}"].append(start)
            columns[f"end{piece}"].append(end)
            spent += end - start
    kinds = dict.fromkeys(columns, "int64")
    return ibis.memtable(columns, schema=ibis.schema(kinds)), pieces


def _instants(spans: Iterable[Span], day: dt.date, timezone: str) -> Iterator[Span]:
    """Hours on the wall clock of a day as seconds since 1970, in UTC."""
    place = periods.zone(timezone)

    def instant(seconds: int) -> int:
        wall = dt.datetime.combine(day, dt.time()) + dt.timedelta(seconds=seconds)
        return int(wall.replace(tzinfo=place).timestamp())

    for start, end in spans:
        yield instant(start), max(instant(start), instant(end))
