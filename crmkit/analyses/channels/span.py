"""Periods of equal length that end on one day, and the customers old enough for an age."""

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir

from crmkit import periods
from crmkit.errors import ParameterError

__all__ = ["BACK", "Span"]

BACK = 12
"""Periods before this one that are looked at, for the history of key figures."""
_DAYS = 90


@dataclass(frozen=True)
class Span:
    """A period of days, and those of equal length before it: 0 is this one, -1 the one before."""

    start: dt.date
    as_of: dt.date
    timezone: str

    @classmethod
    def of(cls, start: periods.Day | None, as_of: periods.Day, timezone: str) -> "Span":
        """A checked period; of 90 days where no start is given.

        Raises: ParameterError where it begins after its end.
        """
        last = periods.day(as_of)
        first = last - dt.timedelta(days=_DAYS - 1) if start is None else periods.day(start)
        if first > last:
            raise ParameterError(f"start={first} lies after as_of={last}. Give an earlier start.")
        periods.zone(timezone)
        return cls(first, last, timezone)

    @property
    def days(self) -> int:
        """How many days the period has."""
        return (self.as_of - self.start).days + 1

    @property
    def end(self) -> dt.datetime:
        """The UTC instant at which the period is over."""
        return periods.day_end(self.as_of, self.timezone)

    @property
    def first(self) -> int:
        """The number of the first day."""
        return periods.number_of(self.start, "day")

    def day_of(self, instant: ir.TimestampValue) -> ir.IntegerValue:
        """The number of the local day of an instant."""
        return periods.day_number(instant, self.timezone, until=self.end)

    def index(self, day: ir.IntegerValue, *, age: ir.IntegerValue | int = 0) -> ir.IntegerValue:
        """Which period a day lies in, when each is moved back by an age in days.

        The customers of period 0 moved back by their age are the latest who were all watched for
        that age.
        """
        return ((day + age - self.first) // self.days).cast("int64")

    def starts(self, index: int, age: int = 0) -> dt.date:
        """The first day of a period, moved back by an age."""
        return self.start + dt.timedelta(days=index * self.days - age)

    def ends(self, index: int, age: int = 0) -> dt.date:
        """The last day of a period, moved back by an age."""
        return self.starts(index + 1, age) - dt.timedelta(days=1)
