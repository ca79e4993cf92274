"""The question: how many agents and lines next week needs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.analyses.staffing.calls_in import Measured, inbound
from crmkit.analyses.staffing.cover import cover
from crmkit.analyses.staffing.forecast import Band, Forecast, forecast
from crmkit.analyses.staffing.grid import slots, unit_minutes
from crmkit.analyses.staffing.history import History, history
from crmkit.analyses.staffing.need import Promise
from crmkit.analyses.staffing.options import Options, opening_of, shifts_of
from crmkit.analyses.staffing.pace import outbound
from crmkit.analyses.staffing.past import past_frame
from crmkit.analyses.staffing.pick import busiest
from crmkit.analyses.staffing.plan import (
    Week,
    days_frame,
    models_frame,
    needs,
    on_shift,
    shifts_frame,
    steps_frame,
)
from crmkit.analyses.staffing.result import Staffing
from crmkit.analyses.staffing.rows import counted
from crmkit.analyses.staffing.sensitivity import sensitivity
from crmkit.analyses.staffing.shifts import ShiftPattern, patterns_for
from crmkit.analyses.staffing.shrinkage import measured, shrinkage_steps, total

__all__ = ["staffing"]


def staffing(
    calls: ir.Table,
    agent_states: ir.Table | None = None,
    dispositions: ir.Table | None = None,
    *,
    as_of: periods.Day,
    timezone: str = "UTC",
    interval: int = 30,
    weeks: int = 8,
    ahead: int = 1,
    hours: Sequence[str] | None = None,
    holidays: Sequence[periods.Day] = (),
    service_level: float = 0.80,
    within: float = 20.0,
    abandonment: float | None = 0.05,
    occupancy: float | None = 0.88,
    handle: float | None = None,
    patience: float | None = None,
    shrinkage: Mapping[str, float] | None = None,
    shifts: str | Path | Sequence[ShiftPattern] | None = None,
    headcount: int | None = None,
    seats: int | None = None,
    wage: float | None = None,
    outbound_agents: int | None = None,
    drop_target: float = 0.03,
    grace: float = 2.0,
    blocking: float = 0.01,
) -> Staffing:
    """Agents, shifts and lines for the week to come, from the calls of complete weeks.

    Inbound calls are forecast by weekday and interval, by the model that erred least on weeks it
    had not seen; each interval needs the fewest agents that keep every promise (Erlang A), and
    plans needed / (1 - shrinkage), rounded up; shifts cover the plan with the least paid hours.
    Outbound agents are dialled for at the largest load that keeps the drop target (M/M/n+D).

    Parameters:
        calls, agent_states, dispositions: canonical tables; the last two may be absent: shrinkage
            is then assumed, and who answered is read from the result of the call.
        as_of: the last local calendar day that counts, included. A week that is not over is left
            out of the forecast.
        timezone: IANA zone of days and hours.
        interval: minutes: 5, 10, 15, 20, 30 or 60.
        weeks: complete weeks to learn from, at most; ahead: which week to plan, 1 is the first that
            begins after `as_of`.
        hours: local times between which calls are taken; None learns them for each weekday from its
            first and last call. holidays: local days on which the floor is closed, past and coming.
        service_level, within: the share of callers to be answered within so many seconds;
            abandonment: the largest share that may give up; occupancy: the largest share of the
            agents' time in talk and wrap; None lifts a promise.
        handle, patience: mean seconds of talk and wrap, and of patience; None measures them.
        shrinkage: shares by step ("breaks", "absence", "training", or a name of your own), in place
            of those measured or assumed.
        shifts: `ShiftPattern` objects or the path of a CSV file (see `read_patterns`); None makes
            days of 8, 6 and 4 hours from the opening hours. headcount, seats: agents in all, and at
            once, at most. wage: money for a paid hour.
        outbound_agents: agents to dial for; None takes the median of those at work on a day.
            drop_target: the share of answers that may be dropped; grace: seconds that an answered
            person waits; blocking: the share of calls that may find no line free.

    Returns: `Staffing` with the frames intervals, days, shifts, shrinkage, accuracy, models, steps,
        past, sensitivity and roster, and `outbound` with pace and workload.
    Raises: ParameterError for arguments that cannot be; InputError for tables or a file of shifts
        that cannot be read.
    Sources: Gans, Koole and Mandelbaum 2003 (queues); see `crmkit.queues` for each formula.

    >>> import datetime as dt
    >>> import ibis
    >>> day = dt.datetime(2025, 3, 3, 9)
    >>> rows = [
    ...     {"call_id": f"{d} {n}", "direction": "inbound", "queued_at": at, "started_at": at,
    ...      "agent_at": at, "ended_at": at + dt.timedelta(minutes=3)}
    ...     for d in range(14)
    ...     for n in range(20)
    ...     for at in [day + dt.timedelta(days=d, minutes=3 * n)]
    ... ]
    >>> plan = staffing(ibis.memtable(rows), as_of="2025-03-16", patience=120.0)
    >>> plan.intervals[["time", "forecast", "needed", "planned"]].head(2).values.tolist()
    [['09:00', 10.0, 3, 4], ['09:30', 10.0, 3, 4]]
    """
    asked = Options(
        as_of=periods.day(as_of),
        timezone=timezone,
        interval=interval,
        weeks=weeks,
        ahead=ahead,
        opening=opening_of(hours, holidays, interval),
        promise=Promise(
            service_level=service_level,
            within=within,
            abandonment=abandonment,
            occupancy=occupancy,
        ),
        handle=handle,
        patience=patience,
        shrinkage=dict(shrinkage or {}),
        shifts=shifts_of(shifts),
        headcount=headcount,
        seats=seats,
        wage=wage,
        outbound_agents=outbound_agents,
        drop_target=drop_target,
        grace=grace,
        blocking=blocking,
    )
    answer = counted(
        calls,
        agent_states,
        dispositions,
        start=asked.start,
        as_of=asked.as_of,
        timezone=timezone,
        within=within,
        unit=unit_minutes(interval),
    ).execute()
    return _planned(answer, asked, states=agent_states is not None)


def _planned(answer: pd.DataFrame, asked: Options, *, states: bool) -> Staffing:
    """The plan that the counts and the decisions make."""
    past, units = history(
        answer, asked.start, asked.as_of, asked.timezone, asked.interval, asked.opening
    )
    measures = inbound(units, handle=asked.handle, patience=asked.patience)
    gap = _gap(units, past, measures)
    said = _nothing(past) if gap else forecast(past, ahead=asked.weeks_ahead)
    steps = shrinkage_steps(
        asked.shrinkage,
        measured(answer),
        breaks_in_shifts=any(pattern.breaks for pattern in asked.shifts or ()),
    )
    week = _week(asked, measures, total(steps), known=not gap)
    frame, worked, patterns, chosen = _roster(needs(week, said, past.open & (not gap)), week, asked)
    out = outbound(
        units,
        answer,
        past.weeks,
        interval=asked.interval,
        agents=asked.outbound_agents,
        target=asked.drop_target,
        grace=asked.grace,
        blocking=asked.blocking,
    )
    top = busiest(frame) if len(frame) else None
    return Staffing(
        asked=asked,
        gap=gap,
        states=states,
        past_weeks=past,
        measured=measures,
        said=said,
        shrinkage=steps,
        intervals=frame,
        days=days_frame(frame, said, week),
        shifts=worked,
        patterns=len(patterns),
        proven=chosen,
        models=pd.DataFrame() if top is None else models_frame(top, week),
        steps=pd.DataFrame() if top is None else steps_frame(top, week),
        past=past_frame(
            units,
            answer,
            past.weeks,
            interval=asked.interval,
            target=asked.promise.service_level,
        ),
        outbound=out,
        sensitivity=sensitivity(frame, week, out),
        offered=int(units.offered.sum()),
        last_level=_last_levels(units, past.weeks),
    )


def _week(asked: Options, measures: Measured, shrinkage: float, *, known: bool) -> Week:
    return Week(
        monday=asked.monday,
        timezone=asked.timezone,
        interval=asked.interval,
        opening=asked.opening,
        handle=measures.handle if known else 1.0,
        patience=measures.patience,
        promise=asked.promise,
        shrinkage=shrinkage,
    )


def _gap(units: pd.DataFrame, past: History, measures: Measured) -> str:
    """Why inbound calls cannot be planned; nothing where they can."""
    if units.offered.sum() == 0:
        return "no_calls"
    if len(past) == 0:
        return "no_week"
    return "" if measures.handle > 0 else "no_handle"


def _nothing(past: History) -> Forecast:
    return Forecast(
        mean=np.zeros(past.open.shape),
        band=Band(),
        model="",
        accuracy=pd.DataFrame(columns=["model", "wape", "weeks", "chosen", "chance"]),
        covered=float("nan"),
    )


def _roster(
    frame: pd.DataFrame, week: Week, asked: Options
) -> tuple[pd.DataFrame, pd.DataFrame, tuple[ShiftPattern, ...], bool]:
    """The intervals with the shifts that cover them, and the shifts."""
    wanted = np.zeros((7, slots(asked.interval)), dtype=np.int64)
    wanted[frame.weekday.astype(int), frame.slot.astype(int)] = frame.planned.astype(int)
    patterns = (
        asked.shifts if asked.shifts is not None else patterns_for(wanted > 0, asked.interval)
    )
    found = cover(wanted, patterns, asked.interval, headcount=asked.headcount, seats=asked.seats)
    return (
        on_shift(frame, week, found),
        shifts_frame(patterns, found, asked.wage),
        patterns,
        found.proven,
    )


def _last_levels(units: pd.DataFrame, weeks: tuple[int, ...]) -> tuple[float, ...]:
    """The service level of each complete week, the last one last."""
    sums = units[units.week.isin(weeks)].groupby("week")[["quick", "offered"]].sum()
    return tuple((sums.quick / sums.offered.where(sums.offered > 0)).tolist())
