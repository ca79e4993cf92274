"""Calls by week, weekday and interval: what the forecast learns from, and what it leaves out."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit import periods
from crmkit.analyses.staffing.grid import grid, slots, unit_minutes
from crmkit.analyses.staffing.rows import FIGURES

__all__ = ["History", "Opening", "cube", "history"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

_SURELY = 10.0
"""A day without calls, where this many are usual, was closed: chance gives that in 1 of 22,000."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """When the floor is open: local days that it is not, and times of day, or None to learn them.

    `first` and `last` are intervals of the day, `last` not included.
    """

    holidays: tuple[dt.date, ...] = ()
    first: int | None = None
    last: int | None = None

    def day_open(self, day: int) -> bool:
        """Whether a day, counted since 1970, is no holiday."""
        return periods.period_start(day, "day") not in self.holidays


@dataclass(frozen=True, kw_only=True)
class History:
    """Complete weeks of calls by weekday and interval.

    `weeks`, their numbers as in `periods.number_of`; `calls`, an array of week, weekday and
    interval; `length`, of the same shape, each interval's length in intervals: 1, but 0 or 2 where
    a zone skips or repeats an hour; `seen`, where the floor could be called: not on holidays, nor
    on days that were closed; `open`, by weekday and interval, when it takes calls; `closed`, days
    found to be closed; `outside`, calls that came outside the opening hours given.
    """

    weeks: tuple[int, ...]
    calls: Floats
    length: Floats
    seen: Flags
    open: Flags
    closed: tuple[dt.date, ...]
    outside: int

    def __len__(self) -> int:
        return len(self.weeks)

    def until(self, count: int) -> "History":
        """The first so many weeks only."""
        return History(
            weeks=self.weeks[:count],
            calls=self.calls[:count],
            length=self.length[:count],
            seen=self.seen[:count],
            open=self.open,
            closed=self.closed,
            outside=self.outside,
        )


def cube(units: pd.DataFrame, weeks: Sequence[int], interval: int, values: str) -> Floats:
    """A column of units summed by week, weekday and interval."""
    made = np.zeros((len(weeks), 7, slots(interval)))
    if len(units) and len(weeks):
        known = units[units.week.isin(weeks)]
        place = {week: row for row, week in enumerate(weeks)}
        row = known.week.map(place).to_numpy(dtype="int64")
        np.add.at(made, (row, known.weekday, known.slot), known[values].to_numpy(dtype=float))
    return made


def history(
    answer: pd.DataFrame,
    first: dt.date,
    as_of: dt.date,
    timezone: str,
    interval: int,
    opening: Opening,
) -> tuple[History, pd.DataFrame]:
    """The complete weeks that the forecast learns from, and every unit with its figures.

    A week counts where all its days lie between the first inbound call of all and `as_of`, and
    where anybody called at all.
    """
    units = grid(first, as_of, timezone, interval)
    figures = (
        answer[answer.kind == "calls"].drop_duplicates("unit").set_index("unit")[list(FIGURES)]
    )
    units = units.join(figures, on="unit").fillna(dict.fromkeys(FIGURES, 0.0))
    began = answer[answer.kind == "first"]
    anybody = len(began) > 0 and float(began["count"].sum()) > 0
    start = units.day[units.unit >= float(began.amount.iloc[0])].min() if anybody else None
    days = units.groupby("week").day.agg(["min", "nunique"])
    whole = days[(days["nunique"] == 7) & (days["min"] >= start)] if start is not None else days[:0]
    calling = units.groupby("week").offered.sum()
    weeks = tuple(int(week) for week in whole.index if calling[week] > 0)
    return _made(units, weeks, interval, opening), units


def _made(units: pd.DataFrame, weeks: tuple[int, ...], interval: int, opening: Opening) -> History:
    calls = cube(units, weeks, interval, "offered")
    whole = interval // unit_minutes(interval)
    length = cube(units.assign(one=1.0), weeks, interval, "one") / whole
    seen, closed = _seen(calls, weeks, opening)
    times = _open(calls * seen[:, :, None], opening)
    return History(
        weeks=weeks,
        calls=calls * times,
        length=length,
        seen=seen[:, :, None] & (length > 0),
        open=times,
        closed=closed,
        outside=int((calls * ~times).sum()),
    )


def _seen(
    calls: Floats, weeks: tuple[int, ...], opening: Opening
) -> tuple[Flags, tuple[dt.date, ...]]:
    """Days on which the floor could be called, by week and weekday, and those found closed."""
    totals = calls.sum(axis=2)
    first = np.array([periods.number_of(periods.period_start(w, "week"), "day") for w in weeks])
    days = first[:, None] + np.arange(7) if len(weeks) else np.zeros((0, 7), dtype=int)
    allowed = np.array([[opening.day_open(int(day)) for day in row] for row in days], dtype=bool)
    allowed = allowed.reshape(totals.shape)
    usual = np.array([_median(totals[allowed[:, d], d]) for d in range(7)])
    shut = allowed & (totals == 0) & (usual >= _SURELY)
    found = tuple(periods.period_start(int(day), "day") for day in days[shut])
    return allowed & ~shut, found


def _median(values: Floats) -> float:
    """The median of the days with calls; 0 where there are fewer than two."""
    some = values[values > 0]
    return float(np.median(some)) if len(some) > 1 else 0.0


def _open(calls: Floats, opening: Opening) -> Flags:
    """When the floor takes calls: as given, or between the first and last call of each weekday."""
    had = calls.sum(axis=0) > 0
    if opening.first is not None and opening.last is not None:
        slot = np.arange(had.shape[1])
        inside = (slot >= opening.first) & (slot < opening.last)
        return np.asarray(inside[None, :] & had.any(axis=1)[:, None])
    after = np.maximum.accumulate(had, axis=1)
    before = np.maximum.accumulate(had[:, ::-1], axis=1)[:, ::-1]
    return np.asarray(after & before)
