"""A week's roster tried out on the simulated floor, many times, before anybody works it."""

import datetime as dt
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.errors import InputError, ParameterError
from crmkit.simulate.dialer.leads import LeadBatch
from crmkit.simulate.dialer.log import FloorLog
from crmkit.simulate.dialer.run import dial
from crmkit.simulate.floor import Floor
from crmkit.simulate.floor_parts import EVERY_DAY, Duration, Inbound, Shift, Window
from crmkit.simulate.parts import positive

__all__ = ["rehearse"]

Wholes = npt.NDArray[np.int64]

_COLUMNS = ("weekday", "minute", "arrivals", "agents")
_DAY, _HOUR, _MS = 24 * 60, 60, 60_000
_MONDAY = dt.date(2024, 1, 1)
_SPARE_LINES = 500


def rehearse(
    plan: pd.DataFrame,
    *,
    handle: float | Duration,
    patience: float | Duration | None,
    within: float = 20.0,
    runs: int = 100,
    seed: int = 20250303,
    engine: str = "auto",
) -> pd.DataFrame:
    """Simulate a week's roster so many times, call by call, and count who was answered in time.

    Callers come as a Poisson process at the plan's rate of each hour of the day, and are answered
    in the order in which they came; each weekday of each run begins with an empty queue. An agent
    who goes home finishes the call in hand.
    Parameters: `plan`, one row a weekday and interval: weekday (0 is Monday), minute (of the day at
    which the interval begins), arrivals (calls in it), agents (at work in it); intervals that are
    left out have neither. `handle`, seconds of talk and wrap: a mean (exponential) or a `Duration`;
    `patience`, the same, None for callers who never give up; `within`, the seconds promised;
    `runs`, how many weeks; `seed`; `engine`, as in `dial`.
    Returns: one row a run, weekday and interval of the plan with callers: run, weekday, minute,
    offered, quick (answered within the seconds promised), abandoned.
    Raises: InputError for a plan without the columns; ParameterError for one that cannot be.

    >>> half_hours = {"weekday": 0, "minute": [540, 570], "arrivals": 20.0, "agents": [3, 4]}
    >>> plan = pd.DataFrame(half_hours)
    >>> found = rehearse(plan, handle=180.0, patience=120.0, runs=20, engine="python")
    >>> bool(700 < found.offered.sum() < 900), sorted(found.run.unique().tolist())[-1]
    (True, 19)
    """
    missing = [name for name in _COLUMNS if name not in plan.columns]
    if missing:
        raise InputError(f"plan has no column {', '.join(missing)}. See Staffing.roster.")
    if isinstance(runs, bool) or not isinstance(runs, int) or not 1 <= runs <= 400:
        raise ParameterError(f"runs is {runs!r}. Give a whole number from 1 to 400.")
    length = _interval(plan)
    talk = handle if isinstance(handle, Duration) else Duration.exponential(_known(handle))
    leave = patience if patience is None or isinstance(patience, Duration) else _mean(patience)
    parts = [
        _by_interval(
            _counted(_simulated(day, length, talk, leave, runs, seed + weekday, engine), within),
            weekday,
            length,
        )
        for weekday, day in ((n, plan[plan.weekday == n]) for n in range(7))
        if day.arrivals.sum() > 0
    ]
    columns = ["run", "weekday", "minute", "offered", "quick", "abandoned"]
    made = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    return made[columns].astype("int64")


def _known(seconds: float) -> float:
    positive("handle", seconds)
    return float(seconds)


def _mean(seconds: float) -> Duration:
    positive("patience", seconds)
    return Duration.exponential(float(seconds))


def _interval(plan: pd.DataFrame) -> int:
    """Minutes of an interval: the least step between two of a weekday, else of the day."""
    if plan.duplicated(["weekday", "minute"]).any():
        raise InputError("plan has a weekday and minute twice.")
    if (plan[["arrivals", "agents"]] < 0).any(axis=None) or not plan.minute.between(
        0, _DAY - 1
    ).all():
        raise InputError("plan has arrivals or agents below 0, or minutes outside the day.")
    starts = np.unique(plan.minute.to_numpy(dtype=np.int64))
    return int(np.gcd.reduce(np.diff(starts))) if len(starts) > 1 else _HOUR


def _simulated(
    day: pd.DataFrame,
    length: int,
    talk: Duration,
    patience: Duration | None,
    runs: int,
    seed: int,
    engine: str,
) -> FloorLog:
    """The log of one weekday, worked `runs` days in a row."""
    shifts = tuple(_shifts(day, length))
    floor = Floor(
        agents=max(len(shifts), 1),
        trunks=_lines(day),
        mode="progressive",
        shifts=shifts or (Shift("00:00", "00:01", breaks=(), weekdays=EVERY_DAY),),
        window=Window("00:00", "24:00"),
        absence=0.0,
        speed_sd=0.0,
        inbound=Inbound(_hourly(day), patience=patience, talk=talk, wrap=Duration.constant(0.0)),
        start=_MONDAY,
        days=runs,
        timezone="UTC",
        seed=seed,
    )
    return dial(floor, LeadBatch.draw(floor, 0), engine=engine)


def _hourly(day: pd.DataFrame) -> tuple[float, ...]:
    """Calls an hour, by hour of the day."""
    hour = day.minute.to_numpy(dtype=np.int64) // _HOUR
    return tuple(
        np.bincount(hour, weights=day.arrivals.to_numpy(dtype=float), minlength=24).tolist()
    )


def _lines(day: pd.DataFrame) -> int:
    """More lines than callers of the day are ever there at once, so that none is turned away."""
    return min(int(2 * day.agents.sum() + 3 * day.arrivals.sum()) + _SPARE_LINES, 65_535)


def _shifts(day: pd.DataFrame, length: int) -> Iterable[Shift]:
    """One shift an agent, so that in every interval as many are there as the plan says.

    The first agent is there whenever anyone is, the second whenever two are, and so on; each
    stretch without a gap is an agent's shift.
    """
    agents = np.zeros(-(-_DAY // length) + 1, dtype=np.int64)
    agents[day.minute.to_numpy(dtype=np.int64) // length] = day.agents.to_numpy(dtype=np.int64)
    for rank in range(1, int(agents.max()) + 1):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], (agents >= rank).astype(int)])))
        for begin, end in zip(edges[::2], edges[1::2], strict=True):
            last = min(int(end) * length, _DAY)
            yield Shift(_clock(int(begin) * length), _clock(last), breaks=(), weekdays=EVERY_DAY)


def _clock(minute: int) -> str:
    return f"{minute // 60:02d}:{minute % 60:02d}"


def _counted(log: FloorLog, within: float) -> pd.DataFrame:
    """One row a caller: run, minute, whether answered in time, whether given up."""
    calls = log.calls
    waited = calls.agent_at - calls.queued
    answered = calls.agent >= 0
    return pd.DataFrame(
        {
            "run": calls.started // (_DAY * _MS),
            "minute": calls.started % (_DAY * _MS) // _MS,
            "offered": 1,
            "quick": answered & (waited <= within * 1000),
            "abandoned": ~answered,
        }
    )


def _by_interval(calls: pd.DataFrame, weekday: int, length: int) -> pd.DataFrame:
    return (
        calls.assign(minute=calls.minute // length * length, weekday=weekday)
        .groupby(["run", "weekday", "minute"], as_index=False)[["offered", "quick", "abandoned"]]
        .sum()
    )
