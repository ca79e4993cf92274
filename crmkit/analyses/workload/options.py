"""What a workload may be asked for."""

import datetime as dt
from dataclasses import dataclass
from math import gcd

from crmkit import periods
from crmkit.errors import ParameterError

__all__ = ["EPOCH", "Options"]

EPOCH = dt.datetime(1970, 1, 1)
_DAY = 1440


@dataclass(frozen=True, kw_only=True)
class Options:
    """The question: which days, cut into intervals of how many minutes, and what is too much."""

    as_of: dt.date
    start: dt.date
    timezone: str
    interval: int
    login_hours: float | None
    pause_share: float | None

    def __post_init__(self) -> None:
        periods.zone(self.timezone)
        if self.start > self.as_of:
            raise ParameterError(f"start is {self.start}, after as_of, {self.as_of}.")
        whole = isinstance(self.interval, int) and not isinstance(self.interval, bool)
        if not whole or not 1 <= self.interval <= _DAY or _DAY % self.interval:
            raise ParameterError(
                f"interval is {self.interval!r} minutes. Give a whole number that divides the day, "
                "such as 15, 30 or 60."
            )
        if self.login_hours is not None and not 0 < self.login_hours <= 24:
            raise ParameterError(f"login_hours is {self.login_hours!r}. Give hours of 0 to 24.")
        if self.pause_share is not None and not 0 < self.pause_share < 1:
            raise ParameterError(f"pause_share is {self.pause_share!r}. Give a share such as 0.15.")

    @property
    def begin(self) -> dt.datetime:
        """The UTC instant at which the first day begins."""
        return periods.day_start(self.start, self.timezone)

    @property
    def end(self) -> dt.datetime:
        """The UTC instant at which the last day is over."""
        return periods.day_end(self.as_of, self.timezone)

    @property
    def offsets(self) -> tuple[int, tuple[tuple[int, int], ...]]:
        """The zone's first UTC offset in these days, then each (epoch second, new offset)."""
        first, later = periods.transitions(self.timezone)
        for at, offset in later:
            if at <= self.begin:
                first = offset
        steps = tuple((seconds(at), offset) for at, offset in later if self.begin < at < self.end)
        return first, steps

    @property
    def step(self) -> int:
        """Seconds of the grid of UTC on which every local interval begins and ends."""
        first, later = self.offsets
        edges = [abs(first), *(abs(offset) for _, offset in later), *(at for at, _ in later)]
        return gcd(self.interval * 60, *edges)


def seconds(instant: dt.datetime) -> int:
    """Seconds from 1970 to a UTC instant."""
    return int((instant - EPOCH).total_seconds())
