"""The quarter hours of a run of local days: which day, weekday and interval each of them is in."""

import datetime as dt
import math

import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.errors import ParameterError

__all__ = ["INTERVALS", "clock", "grid", "slots", "unit_minutes"]

INTERVALS = (5, 10, 15, 20, 30, 60)
_EPOCH = dt.datetime(1970, 1, 1)


def unit_minutes(interval: int) -> int:
    """Minutes of the units that rows are counted in: whole in an interval and in a zone's offset.

    >>> unit_minutes(30), unit_minutes(20)
    (15, 5)
    """
    if interval not in INTERVALS:
        raise ParameterError(
            f"interval is {interval!r} minutes. Give one of: {', '.join(map(str, INTERVALS))}."
        )
    return math.gcd(interval, 15)


def slots(interval: int) -> int:
    """Intervals of a day."""
    return 24 * 60 // interval


def clock(slot: int, interval: int) -> str:
    """The local time at which an interval of the day begins.

    >>> clock(19, 30)
    '09:30'
    """
    return f"{slot * interval // 60:02d}:{slot * interval % 60:02d}"


def grid(first: dt.date, last: dt.date, timezone: str, interval: int) -> pd.DataFrame:
    """Every unit of the local days from `first` to `last`, both included.

    Returns: one row a unit: unit (whole number since 1970 in UTC), day (days since 1970-01-01),
    week (as in `periods.number_of`), weekday (0 is Monday), slot (interval of the local day). An
    hour that a zone skips has no units; one that it repeats has twice as many.

    >>> units = grid(dt.date(2025, 3, 30), dt.date(2025, 3, 30), "Europe/London", 30)
    >>> len(units) / 4, sorted(set(range(48)) - set(units.slot))
    (23.0, [2, 3])
    """
    step = 60 * unit_minutes(interval)
    begin = int((periods.day_start(first, timezone) - _EPOCH).total_seconds())
    end = int((periods.day_end(last, timezone) - _EPOCH).total_seconds())
    units = np.arange(begin // step, -(-end // step))
    local = units * step + _offsets(units * step, timezone)
    day = local // 86_400
    found = pd.DataFrame(
        {
            "unit": units,
            "day": day,
            "week": (day + 3) // 7,  # 1970-01-01 was a Thursday
            "weekday": (day + 3) % 7,
            "slot": local % 86_400 // (60 * interval),
        }
    )
    asked = (periods.number_of(first, "day"), periods.number_of(last, "day"))
    return found[found.day.between(*asked)].reset_index(drop=True)


def _offsets(
    seconds: "np.ndarray[tuple[int], np.dtype[np.int64]]", timezone: str
) -> "np.ndarray[tuple[int], np.dtype[np.int64]]":
    """The zone's offset, in seconds, at each UTC instant."""
    first, later = periods.transitions(timezone)
    at = np.array([(instant - _EPOCH).total_seconds() for instant, _ in later], dtype=np.int64)
    offsets = np.array([first, *(offset for _, offset in later)], dtype=np.int64)
    return offsets[np.searchsorted(at, seconds, side="right")]
