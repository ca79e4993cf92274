"""The days that are told, and the equal stretches of days before them."""

import datetime as dt
from dataclasses import dataclass

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.errors import ParameterError
from crmkit.text import day, say

__all__ = ["Window"]

_EPOCH = dt.date(1970, 1, 1)


@dataclass(frozen=True, kw_only=True)
class Window:
    """The last `days` local days up to `as_of`, and `history` stretches of as many before.

    Stretches are numbered backwards: 0 is the one that is told, 1 the one before it.

    >>> week = Window.of("2025-03-09", days=7, history=2, timezone="UTC")
    >>> str(week.first), str(week.start)
    ('2025-03-03', '2025-02-17')
    """

    as_of: dt.date
    days: int
    history: int
    timezone: str

    @classmethod
    def of(cls, as_of: periods.Day, *, days: int, history: int, timezone: str) -> "Window":
        """A window of whole days.

        Raises: ParameterError for no days, a history below 0, or an unknown day or zone.
        """
        periods.zone(timezone)
        for what, value, least in (("days", days, 1), ("history", history, 0)):
            if isinstance(value, bool) or not isinstance(value, int) or value < least:
                raise ParameterError(
                    f"{what} is {value!r}. Give a whole number of {least} or more."
                )
        return cls(as_of=periods.day(as_of), days=days, history=history, timezone=timezone)

    @property
    def first(self) -> dt.date:
        """The first day that is told."""
        return self._first(0)

    @property
    def start(self) -> dt.date:
        """The first day that is read."""
        return self._first(self.history)

    @property
    def last(self) -> int:
        """The number of the last day."""
        return (self.as_of - _EPOCH).days

    @property
    def compared(self) -> dt.date:
        """The first day of those that are told or compared with."""
        return self._first(min(1, self.history))

    def _first(self, stretch: int) -> dt.date:
        return self.as_of - dt.timedelta(days=self.days * (stretch + 1) - 1)

    def stretch(self, day_number: ir.IntegerValue) -> ir.IntegerValue:
        """The stretch of a day, by its number, as an expression."""
        return ((self.last - day_number) // self.days).cast("int64")

    def stretches(self, first_seen: int | None) -> pd.DataFrame:
        """The stretches that the log covers, from the last one back.

        The stretch that is told is always there; one before it only where the log begins by its
        first day, so that no short stretch is compared with a whole one.

        Parameters: `first_seen`, the number of the first day with a call; None where there is none.
        Returns: stretch, first, last (days), whole (the log covers all of it).
        """
        found = []
        for stretch in range(self.history + 1):
            first = self._first(stretch)
            whole = first_seen is not None and (first - _EPOCH).days >= first_seen
            if stretch == 0 or whole:
                last = first + dt.timedelta(days=self.days - 1)
                found.append((stretch, pd.Timestamp(first), pd.Timestamp(last), whole))
        return pd.DataFrame(found, columns=["stretch", "first", "last", "whole"])

    def partial(self, number: int, period: periods.Period, first_seen: int) -> bool:
        """Whether a calendar period is cut: by the first day of the log or by `as_of`."""
        begin = periods.period_start(number, period)
        end = periods.period_start(number + 1, period)
        known = max(first_seen, (self.start - _EPOCH).days)
        return (begin - _EPOCH).days < known or (end - _EPOCH).days > self.last + 1

    @property
    def words(self) -> str:
        """The days that are told."""
        if self.days == 1:
            return day(self.as_of)
        return say("{first} to {last}", first=day(self.first), last=day(self.as_of))
