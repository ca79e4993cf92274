"""Shift patterns: when they begin, for how long, on which weekdays, with what breaks."""

import csv
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from crmkit.errors import InputError, ParameterError

__all__ = ["ShiftPattern", "minutes", "patterns_for", "read_patterns"]

Flags = npt.NDArray[np.bool_]

_DAY, _WEEK = 24 * 60, 7 * 24 * 60
_LENGTHS, _DAYS = (8 * 60, 6 * 60, 4 * 60), 5
"""The patterns made where none are given: minutes of a day, and days of a week."""


def minutes(what: str, time: str) -> int:
    """Minutes after midnight of a time of day; "24:00" is the end of the day.

    >>> minutes("start", "09:30")
    570
    """
    found = re.fullmatch(r"(\d{1,2}):(\d\d)", str(time).strip())
    if found and int(found[2]) < 60 and int(found[1]) * 60 + int(found[2]) <= _DAY:
        return int(found[1]) * 60 + int(found[2])
    raise ParameterError(f"{what} is {time!r}. Give a time of day such as '09:30'.")


@dataclass(frozen=True)
class ShiftPattern:
    """A week of work that an agent can be given.

    `start`, local time; `hours` of presence, breaks included, up to 24: a night goes on into the
    next day; `weekdays` on which it begins, 0 is Monday; `breaks`, pairs of local time and minutes,
    in which nobody answers; `paid_breaks`, whether they are paid; `name`, for readers.

    >>> early = ShiftPattern("early", "08:00", 8.0, breaks=(("12:00", 60),))
    >>> early.paid_hours, float(early.coverage(60).sum())
    (35.0, 35.0)
    """

    name: str
    start: str
    hours: float
    weekdays: tuple[int, ...] = (0, 1, 2, 3, 4)
    breaks: tuple[tuple[str, int], ...] = ()
    paid_breaks: bool = False

    def __post_init__(self) -> None:
        minutes(f"start of shift {self.name!r}", self.start)
        if not 0 < self.hours <= 24:
            raise ParameterError(f"Shift {self.name!r} has {self.hours!r} hours. Give up to 24.")
        if not self.weekdays or not set(self.weekdays) <= set(range(7)):
            raise ParameterError(
                f"Shift {self.name!r} has the weekdays {self.weekdays!r}. "
                "Give at least one from 0 (Monday) to 6 (Sunday)."
            )
        for at, lasting in self.breaks:
            if minutes(f"break of shift {self.name!r}", at) < 0 or lasting <= 0:
                raise ParameterError(f"A break of shift {self.name!r} has {lasting!r} minutes.")
        if sum(lasting for _, lasting in self.breaks) >= 60 * self.hours:
            raise ParameterError(f"The breaks of shift {self.name!r} fill it. Make them shorter.")

    @property
    def paid_hours(self) -> float:
        """Hours paid in a week."""
        rest = 0 if self.paid_breaks else sum(lasting for _, lasting in self.breaks) / 60
        return (self.hours - rest) * len(self.weekdays)

    def coverage(self, interval: int) -> npt.NDArray[np.float64]:
        """The share of each interval of a week that is worked: an array of weekday and interval.

        The week is a circle: a Sunday night goes on into Monday.
        """
        begin = minutes("start", self.start)
        at_work = np.zeros(_WEEK)
        for weekday in self.weekdays:
            first = weekday * _DAY + begin
            here = (np.arange(round(self.hours * 60)) + first) % _WEEK
            at_work[here] += 1
            for at, lasting in self.breaks:
                later = (minutes("break", at) - begin) % _DAY
                at_work[(np.arange(lasting) + first + later) % _WEEK] -= 1
        shares = np.clip(at_work, 0, 1).reshape(7, _DAY // interval, interval).mean(axis=2)
        return np.asarray(shares)


def patterns_for(needed: Flags, interval: int) -> tuple[ShiftPattern, ...]:
    """Days of 8, 6 and 4 hours from every full hour, on five of the days that are open.

    Parameters: `needed`, by weekday and interval, where anybody is. Where the floor is open for
    less than a shift, the shift is as long as that.
    """
    if not needed.any():
        return ()
    slots = np.flatnonzero(needed.any(axis=0))
    first, last = int(slots[0]) * interval, (int(slots[-1]) + 1) * interval
    days = [int(day) for day in np.flatnonzero(needed.any(axis=1))]
    found: dict[tuple[int, int, tuple[int, ...]], ShiftPattern] = {}
    for length in _LENGTHS:
        lasting = min(length, last - first)
        begins = [*range(first, last - lasting + 1, 60), last - lasting]
        for begin in begins:
            for week in _weeks(days):
                name = f"{_clock(begin)}-{_clock(begin + lasting)} {_named(week)}"
                found[begin, lasting, week] = ShiftPattern(name, _clock(begin), lasting / 60, week)
    return tuple(found.values())


def _weeks(days: Sequence[int]) -> list[tuple[int, ...]]:
    """Five open days in a row, in every way; all of them where there are no more."""
    if len(days) <= _DAYS:
        return [tuple(days)]
    turns = [[days[(k + n) % len(days)] for n in range(_DAYS)] for k in range(len(days))]
    return [tuple(sorted(turn)) for turn in turns]


def _named(week: Sequence[int]) -> str:
    """Weekdays as numbers, Monday being 1."""
    return "".join(str(day + 1) for day in week)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def read_patterns(path: str | Path) -> tuple[ShiftPattern, ...]:
    """Shift patterns from a CSV file that a planner edits.

    Columns: name, start (09:00), hours (8.5), weekdays (digits, 1 is Monday: 12345), breaks
    (12:00+60 15:30+15, or empty), and paid_breaks (yes or no), which may be missing.
    Raises: InputError for a file that cannot be read, naming the line.
    """
    try:
        with Path(path).open(encoding="utf-8-sig", newline="") as file:
            return tuple(_pattern(row, line) for line, row in enumerate(csv.DictReader(file), 2))
    except (OSError, UnicodeDecodeError, ParameterError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"The shifts in {path} cannot be read: {error}. Each line gives name, start, hours, "
            "weekdays and breaks, as in: early,08:00,9,12345,12:00+60"
        ) from error


def _pattern(row: dict[str, str], line: int) -> ShiftPattern:
    try:
        made = ShiftPattern(
            row["name"].strip(),
            row["start"].strip(),
            float(row["hours"]),
            tuple(sorted({int(day) - 1 for day in row["weekdays"].strip()})),
            tuple(
                (at, int(lasting))
                for at, lasting in (pair.split("+") for pair in (row.get("breaks") or "").split())
            ),
        )
    except (ParameterError, KeyError, ValueError, AttributeError) as error:
        raise ValueError(f"line {line}: {error}") from error
    paid = (row.get("paid_breaks") or "").strip().lower() in ("yes", "true", "1")
    return replace(made, paid_breaks=paid)
