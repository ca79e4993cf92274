"""The decisions of a staffing plan, checked before anything is counted."""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from crmkit import periods
from crmkit.analyses.staffing.grid import unit_minutes
from crmkit.analyses.staffing.history import Opening
from crmkit.analyses.staffing.need import Promise
from crmkit.analyses.staffing.shifts import ShiftPattern, minutes, read_patterns
from crmkit.errors import ParameterError

__all__ = ["Options", "opening_of", "shifts_of"]

_SHIFTS = "shifts is {given!r}. Give ShiftPattern objects, the path of a CSV file, or None."


@dataclass(frozen=True, kw_only=True)
class Options:
    """What was asked: see `staffing` for each."""

    as_of: dt.date
    timezone: str
    interval: int
    weeks: int
    ahead: int
    opening: Opening
    promise: Promise
    handle: float | None
    patience: float | None
    shrinkage: Mapping[str, float]
    shifts: tuple[ShiftPattern, ...] | None
    headcount: int | None
    seats: int | None
    wage: float | None
    outbound_agents: int | None
    drop_target: float
    grace: float
    blocking: float

    def __post_init__(self) -> None:
        periods.zone(self.timezone)
        unit_minutes(self.interval)
        for name in ("weeks", "ahead"):
            _whole(name, getattr(self, name), 1)
        for name in ("headcount", "seats", "outbound_agents"):
            if getattr(self, name) is not None:
                _whole(name, getattr(self, name), 1)
        for name in ("handle", "patience", "wage"):
            value = getattr(self, name)
            if value is not None and not 0 < value < float("inf"):
                raise ParameterError(f"{name} is {value!r}. Give a number above 0, or None.")
        for name in ("drop_target", "blocking"):
            if not 0 < getattr(self, name) < 1:
                raise ParameterError(
                    f"{name} is {getattr(self, name)!r}. Give a share, as in 0.03."
                )
        if not 0 <= self.grace < float("inf"):
            raise ParameterError(f"grace is {self.grace!r}. Give seconds of 0 or more.")

    @property
    def last_monday(self) -> dt.date:
        """The first day of the last week that is over by `as_of`."""
        following = self.as_of + dt.timedelta(1)
        return following - dt.timedelta(7 + following.weekday())

    @property
    def start(self) -> dt.date:
        """The first day that is counted."""
        return self.last_monday - dt.timedelta(7 * (self.weeks - 1))

    @property
    def monday(self) -> dt.date:
        """The first day of the week to plan."""
        first = self.as_of + dt.timedelta(1)
        return first + dt.timedelta((7 - first.weekday()) % 7 + 7 * (self.ahead - 1))

    @property
    def weeks_ahead(self) -> int:
        """How many weeks lie from the last complete one to the one to plan."""
        return (self.monday - self.last_monday).days // 7


def opening_of(
    hours: Sequence[str] | None, holidays: Sequence[periods.Day], interval: int
) -> Opening:
    """When the floor is open, from what was given."""
    days = tuple(sorted(periods.day(day) for day in holidays))
    if hours is None:
        return Opening(holidays=days)
    if isinstance(hours, str) or len(hours) != 2:
        raise ParameterError(
            f"hours is {hours!r}. Give two times of day, as in ('09:00', '20:00')."
        )
    first, last = (minutes("hours", time) for time in hours)
    if first >= last or first % interval or last % interval:
        raise ParameterError(
            f"hours are {hours[0]} to {hours[1]}. Let them end later than they begin, at whole "
            f"intervals of {interval} minutes."
        )
    return Opening(holidays=days, first=first // interval, last=last // interval)


def shifts_of(
    given: str | Path | Sequence[ShiftPattern] | None,
) -> tuple[ShiftPattern, ...] | None:
    """The shifts there are, from what was given."""
    if given is None:
        return None
    if isinstance(given, str | Path):
        return read_patterns(given)
    patterns = tuple(given)
    if not patterns or not all(isinstance(pattern, ShiftPattern) for pattern in patterns):
        raise ParameterError(_SHIFTS.format(given=given))
    return patterns


def _whole(name: str, value: object, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ParameterError(f"{name} is {value!r}. Give a whole number of {least} or more.")
