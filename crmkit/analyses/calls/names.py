"""How results, weekdays, hours, modes and what has no name are called."""

import datetime as dt
from collections.abc import Iterable
from typing import Any

import pandas as pd
from babel.dates import format_date

from crmkit.text import message, reader, say

__all__ = [
    "day_label",
    "hour_label",
    "hour_ranges",
    "named",
    "result_name",
    "short_day",
    "weekday_name",
]

_RESULTS = {
    "human": message("Person answered"),
    "machine": message("Answering machine"),
    "no_answer": message("No answer"),
    "busy": message("Busy"),
    "rejected": message("Rejected"),
    "powered_off": message("Switched off"),
    "suspended": message("Suspended"),
    "empty_number": message("Empty number"),
    "unreachable": message("Unreachable"),
    "blocked": message("No free line"),
    "failed": message("Failed"),
    "cancelled": message("Cancelled"),
    "dropped": message("Answered, no agent free"),
}
_WEEKDAYS = (
    message("Mon"),
    message("Tue"),
    message("Wed"),
    message("Thu"),
    message("Fri"),
    message("Sat"),
    message("Sun"),
)
_MODES = {
    "manual": message("Manual"),
    "preview": message("Preview"),
    "progressive": message("Progressive"),
    "power": message("Power"),
    "predictive": message("Predictive"),
    "voice": message("Automatic voice"),
}


def named(value: Any) -> str:
    """A campaign, list or mode; a dialling mode in the reader's language; none said as such."""
    if value is None or pd.isna(value):
        return say("Not given")
    return say(_MODES[value]) if value in _MODES else str(value)


def result_name(value: Any) -> str:
    """The name of a result; one that is not canonical as it stands."""
    if value is None or pd.isna(value):
        return say("Not given")
    return say(_RESULTS[value]) if value in _RESULTS else str(value)


def weekday_name(weekday: int) -> str:
    """Monday is 0."""
    return say(_WEEKDAYS[int(weekday)])


def hour_label(hour: float) -> str:
    """The beginning of an hour, or of a part of one.

    >>> hour_label(9.5)
    '09:30'
    """
    minutes = round(60 * float(hour))
    return f"{minutes // 60:02d}:{minutes % 60:02d}"


def hour_ranges(hours: Iterable[float], width: float = 1.0) -> str:
    """Hours of the day from their beginnings, those that follow each other as one range.

    >>> hour_ranges([9, 10, 16])
    '09:00–11:00, 16:00–17:00'
    """
    ranges: list[list[float]] = []
    for hour in sorted(float(hour) for hour in hours):
        if ranges and abs(ranges[-1][1] - hour) < 1e-6:
            ranges[-1][1] = hour + width
        else:
            ranges.append([hour, hour + width])
    return say(", ").join(f"{hour_label(first)}–{hour_label(last)}" for first, last in ranges)


def short_day(value: Any) -> str:
    """A day without its year.

    >>> short_day(pd.Timestamp("2025-03-03"))
    '3 Mar'
    """
    chinese = reader().language == "zh"
    pattern, locale = ("M月d日", "zh_CN") if chinese else ("d MMM", "en_GB")
    return str(format_date(pd.Timestamp(value).date(), format=pattern, locale=locale))


def day_label(number: float) -> str:
    """A day by its number since 1970-01-01, without its year.

    >>> day_label(20150)
    '3 Mar'
    """
    return short_day(dt.date(1970, 1, 1) + dt.timedelta(days=round(number)))
