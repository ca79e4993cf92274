"""The hours that a firm works: by weekday, without holidays, with the weekends that are worked."""

import datetime as dt
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import pairwise

from crmkit import periods
from crmkit.errors import ParameterError

__all__ = ["USUAL", "Span", "WorkingHours", "working_hours"]

Span = tuple[int, int]
"""Seconds of the wall clock since midnight: from, until."""

_NAMES = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
_DAY = 86_400
_PART = re.compile(r"([a-z]{3})(?:-([a-z]{3}))? +(.+)")
_SPAN = re.compile(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})")


@dataclass(frozen=True)
class WorkingHours:
    """The hours of each weekday from Monday, days off, and days off that are worked.

    A holiday has no hours. A `workday` has Monday's, whatever weekday it is: weekends are moved
    around the long Chinese holidays.
    """

    week: tuple[tuple[Span, ...], ...]
    holidays: frozenset[dt.date] = field(default_factory=frozenset)
    workdays: frozenset[dt.date] = field(default_factory=frozenset)

    def of(self, day: dt.date) -> tuple[Span, ...]:
        """The hours of a day."""
        if day in self.workdays:
            return self.week[0]
        return () if day in self.holidays else self.week[day.weekday()]


def working_hours(
    words: str, *, holidays: Iterable[periods.Day] = (), workdays: Iterable[periods.Day] = ()
) -> WorkingHours:
    """Working hours from words.

    Parameters: `words`, weekdays with their hours on the wall clock, parts set off by semicolons,
    as "Mon-Fri 09:00-12:00, 13:30-18:00; Sat 09:00-12:00"; hours that end at or before their start
    end on the next day. `holidays`, days off; `workdays`, weekend days that are worked.
    Raises: ParameterError saying what cannot be read.

    >>> working_hours("Mon-Fri 09:00-18:00").of(dt.date(2025, 3, 3))
    ((32400, 64800),)
    """
    week: list[list[Span]] = [[] for _ in _NAMES]
    for part in filter(None, (each.strip() for each in words.lower().split(";"))):
        found = _PART.fullmatch(part)
        if not found or not {found[1], found[2] or found[1]} <= set(_NAMES):
            raise _unreadable(words, part)
        first, last = (_NAMES.index(name) for name in (found[1], found[2] or found[1]))
        spans = [_span(words, each) for each in found[3].split(",")]
        for weekday in range(first, last + 1 + 7 * (last < first)):
            for start, end in spans:
                _add(week, weekday % 7, start, end)
    days = [tuple(sorted(spans)) for spans in week]
    if any(before[1] > after[0] for spans in days for before, after in pairwise(spans)):
        raise ParameterError(f"hours = {words!r}: hours of a day overlap. Give each once.")
    return WorkingHours(
        tuple(days),
        frozenset(periods.day(each) for each in holidays),
        frozenset(periods.day(each) for each in workdays),
    )


def _add(week: list[list[Span]], weekday: int, start: int, end: int) -> None:
    """Add hours to a weekday; what goes on after midnight is of the next one."""
    if end > start:
        week[weekday].append((start, end))
        return
    week[weekday].append((start, _DAY))
    if end:
        week[(weekday + 1) % 7].append((0, end))


def _span(words: str, given: str) -> Span:
    found = _SPAN.fullmatch(given.strip())
    if not found:
        raise _unreadable(words, given)
    hours = [int(each) for each in found.groups()]
    start, end = hours[0] * 3600 + hours[1] * 60, hours[2] * 3600 + hours[3] * 60
    if max(start, end) > _DAY or hours[1] > 59 or hours[3] > 59:
        raise _unreadable(words, given)
    return start, end


def _unreadable(words: str, part: str) -> ParameterError:
    return ParameterError(
        f"hours = {words!r}: {part.strip()!r} cannot be read. Give weekdays and hours, such as "
        "'Mon-Fri 09:00-12:00, 13:30-18:00; Sat 09:00-12:00'."
    )


USUAL = working_hours("Mon-Fri 09:00-18:00")
"""The hours of a firm that names none."""
