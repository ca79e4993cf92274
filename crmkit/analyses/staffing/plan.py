"""The week to come, interval by interval: calls, agents needed, planned and on shift."""

import datetime as dt
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit import periods
from crmkit.analyses.staffing.cover import Cover
from crmkit.analyses.staffing.forecast import LEVELS, Forecast
from crmkit.analyses.staffing.grid import clock, grid, slots, unit_minutes
from crmkit.analyses.staffing.history import Opening, cube
from crmkit.analyses.staffing.need import Need, Promise, queue_of
from crmkit.analyses.staffing.shifts import ShiftPattern
from crmkit.analyses.staffing.shrinkage import planned
from crmkit.queues import Patient, erlang_b, fewest, fewest_lines

__all__ = ["Week", "days_frame", "models_frame", "needs", "on_shift", "shifts_frame", "steps_frame"]

Floats = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]
_AROUND = 3
"""How many agents more and fewer the table of steps shows."""


@dataclass(frozen=True, kw_only=True)
class Week:
    """What the week to come is planned by.

    `monday`, its first day; `timezone`, `interval` (minutes), `opening`; `handle` and `patience` in
    seconds; `promise`, what must be kept; `shrinkage`, the share of planned agents not at work.
    """

    monday: dt.date
    timezone: str
    interval: int
    opening: Opening
    handle: float
    patience: float
    promise: Promise
    shrinkage: float

    def length(self) -> Floats:
        """Each interval's length in intervals by weekday and interval; 0 on holidays."""
        units = grid(self.monday, self.monday + dt.timedelta(6), self.timezone, self.interval)
        number = periods.number_of(self.monday, "week")
        made = cube(units.assign(one=1.0), [number], self.interval, "one")[0]
        first = periods.number_of(self.monday, "day")
        open_ = [self.opening.day_open(first + weekday) for weekday in range(7)]
        whole = self.interval // unit_minutes(self.interval)
        return np.asarray(made / whole * np.array(open_)[:, None])

    def rate(self, calls: float, length: float) -> float:
        """Calls a second."""
        return calls / (60 * self.interval * length) if length > 0 else 0.0


def needs(week: Week, said: Forecast, open_: Flags) -> pd.DataFrame:
    """One row an open interval of the week: forecast with bands, agents needed and what binds.

    Columns: day, weekday, slot, time, length, forecast, low80, high80, low95, high95, needed,
    needed_low and needed_high (for the ends of the 80 % band), binding, load, service_level,
    abandonment, occupancy (with the agents needed, Erlang A), planned.
    """
    length = week.length()
    calls = said.mean * length
    ends = {level: said.band.limits(calls, level) for level in LEVELS}
    rows = []
    for weekday in range(7):
        for slot in range(slots(week.interval)):
            if length[weekday, slot] == 0 or not open_[weekday, slot]:
                continue
            here = [
                float(array[weekday, slot])
                for array in (calls, *(end for level in LEVELS for end in ends[level]))
            ]
            rows.append(_row(week, weekday, slot, float(length[weekday, slot]), here))
    return pd.DataFrame(rows, columns=_COLUMNS)


_COLUMNS = [
    "day",
    "weekday",
    "slot",
    "time",
    "length",
    "forecast",
    "low80",
    "high80",
    "low95",
    "high95",
    "needed",
    "needed_low",
    "needed_high",
    "binding",
    "load",
    "service_level",
    "abandonment",
    "occupancy",
    "planned",
]


def _row(
    week: Week, weekday: int, slot: int, length: float, calls: Sequence[float]
) -> tuple[object, ...]:
    rates = [week.rate(value, length) for value in calls[:3]]
    mean, low, high = (Need.of(rate, week.handle, week.patience, week.promise) for rate in rates)
    queue = queue_of(mean.agents, rates[0], week.handle, week.patience)
    any_ = mean.agents > 0
    return (
        pd.Timestamp(week.monday + dt.timedelta(weekday)),
        weekday,
        slot,
        clock(slot, week.interval),
        length,
        *calls,
        mean.agents,
        low.agents,
        high.agents,
        "+".join(mean.binding),
        queue.load,
        queue.within(week.promise.within) if any_ else math.nan,
        queue.p_abandon if any_ else math.nan,
        queue.occupancy if any_ else math.nan,
        planned(mean.agents, week.shrinkage),
    )


def on_shift(frame: pd.DataFrame, week: Week, cover: Cover) -> pd.DataFrame:
    """The needs with the shifts beside them.

    Further columns: rostered, agents on shift; at_work, those of them who are not on a break,
    absent or in training, rounded down; over, rostered less planned, below 0 where short;
    roster_level, roster_abandonment and roster_occupancy, with the agents at work (Erlang A).
    """
    rostered = cover.present[frame.weekday, frame.slot] if len(frame) else np.zeros(0)
    at_work = np.floor(rostered * (1 - week.shrinkage) + 1e-9).astype(np.int64)
    levels = [
        _kept(week, int(agents), week.rate(calls, length))
        for agents, calls, length in zip(at_work, frame.forecast, frame.length, strict=True)
    ]
    kept = np.array(levels).reshape(-1, 3)
    return frame.assign(
        rostered=rostered,
        at_work=at_work,
        over=rostered - frame.planned,
        roster_level=kept[:, 0],
        roster_abandonment=kept[:, 1],
        roster_occupancy=kept[:, 2],
    )


def _kept(week: Week, agents: int, rate: float) -> tuple[float, float, float]:
    if rate == 0:
        return math.nan, math.nan, math.nan
    queue = queue_of(agents, rate, week.handle, week.patience)
    return queue.within(week.promise.within), queue.p_abandon, queue.occupancy


def days_frame(frame: pd.DataFrame, said: Forecast, week: Week) -> pd.DataFrame:
    """One row a day: calls with the 80 % band, and hours of agents needed, planned and on shift."""
    hours = week.interval / 60 * frame.length
    sums = (
        frame.assign(
            needed_hours=frame.needed * hours,
            planned_hours=frame.planned * hours,
            rostered_hours=frame.rostered * hours,
            short_hours=np.maximum(-frame.over, 0) * hours,
        )
        .groupby(["day", "weekday"], as_index=False)[
            ["forecast", "needed_hours", "planned_hours", "rostered_hours", "short_hours"]
        ]
        .sum()
    )
    low, high = said.band.limits(sums.forecast, LEVELS[0])
    most = frame.groupby("day").rostered.max()
    return sums.assign(low80=low, high80=high, seats=sums.day.map(most))


def shifts_frame(
    patterns: Sequence[ShiftPattern], cover: Cover, wage: float | None
) -> pd.DataFrame:
    """One row a shift that somebody works: agents, paid hours in the week, and their cost."""
    frame = pd.DataFrame(
        {
            "shift": [pattern.name for pattern in patterns],
            "start": [pattern.start for pattern in patterns],
            "hours": [float(pattern.hours) for pattern in patterns],
            "weekdays": [pattern.weekdays for pattern in patterns],
            "agents": cover.agents,
            "paid_hours": [pattern.paid_hours for pattern in patterns] * cover.agents,
        }
    )
    frame = frame.assign(cost=frame.paid_hours * (wage if wage is not None else math.nan))
    return frame[frame.agents > 0].sort_values(
        ["start", "hours", "shift"], kind="stable", ignore_index=True
    )


def models_frame(row: "pd.Series[float]", week: Week) -> pd.DataFrame:
    """Erlang B, C and A beside each other for one interval.

    One row a model: agents (those needed), wait (share who wait; of B: share lost), asa, level
    (service level), lost (share lost or given up), occupancy, and enough, the fewest agents by that
    model: for B at most the abandonment promised (else 5 %) is lost, for C and A every promise that
    they can tell is kept.
    """
    agents, promise = int(row.needed), week.promise
    rate = week.rate(float(row.forecast), float(row.length))
    load = rate * week.handle
    lost = erlang_b(load, agents)
    waits = Patient(arrivals=rate, handle=week.handle, agents=agents)
    leaves = queue_of(agents, rate, week.handle, week.patience)
    allowed = promise.abandonment if promise.abandonment is not None else 0.05
    rows = [
        ("B", lost, 0.0, 1 - lost, lost, load * (1 - lost) / agents if agents else math.nan),
        ("C", waits.p_wait, waits.asa, waits.within(promise.within), 0.0, waits.occupancy),
        (
            "A",
            leaves.p_wait,
            leaves.asa,
            leaves.within(promise.within),
            leaves.p_abandon,
            leaves.occupancy,
        ),
    ]
    enough = [fewest_lines(load, blocked=allowed), _patient_need(rate, week), agents]
    columns = ["model", "wait", "asa", "level", "lost", "occupancy"]
    return pd.DataFrame(rows, columns=columns).assign(agents=agents, enough=enough)


def _patient_need(rate: float, week: Week) -> int:
    """The fewest agents by Erlang C that keep the service level and the occupancy."""
    promise = week.promise

    def enough(agents: int) -> bool:
        queue = Patient(arrivals=rate, handle=week.handle, agents=agents)
        calm = promise.occupancy is None or queue.occupancy <= promise.occupancy + 1e-9
        return queue.within(promise.within) >= promise.service_level and calm

    return fewest(enough, start=1) if rate > 0 else 0


def steps_frame(row: "pd.Series[float]", week: Week) -> pd.DataFrame:
    """What some agents more or fewer do in one interval (Erlang A; level_c by Erlang C)."""
    rate = week.rate(float(row.forecast), float(row.length))
    rows = []
    for agents in range(max(int(row.needed) - _AROUND, 1), int(row.needed) + _AROUND + 1):
        queue = queue_of(agents, rate, week.handle, week.patience)
        patient = Patient(arrivals=rate, handle=week.handle, agents=agents)
        rows.append(
            (
                agents,
                queue.within(week.promise.within),
                queue.p_abandon,
                queue.asa,
                queue.occupancy,
                patient.within(week.promise.within),
            )
        )
    columns = ["agents", "service_level", "abandonment", "asa", "occupancy", "level_c"]
    return pd.DataFrame(rows, columns=columns)
