"""The workload of agents: from one answer of the engine to a result."""

import ibis.expr.types as ir

from crmkit import periods
from crmkit.analyses.workload.frames import by_agent, by_day, by_interval, by_pause, by_team
from crmkit.analyses.workload.options import Options
from crmkit.analyses.workload.pieces import FAULTS, counted
from crmkit.analyses.workload.result import Workload

__all__ = ["workload"]


def workload(
    agent_states: ir.Table,
    *,
    as_of: periods.Day,
    start: periods.Day,
    timezone: str = "UTC",
    interval: int = 30,
    agents: ir.Table | None = None,
    login_hours: float | None = None,
    pause_share: float | None = None,
) -> Workload:
    """Time in each state by interval of the day, day, agent and team.

    A state is cut exactly at the edges of intervals and of local days. An open one (without an end)
    lasts until the agent's next state, or to the end of the last day; where two states overlap, the
    later begins when the earlier ends; both are counted and said. Login is all time but offline.

    Parameters:
        agent_states: the canonical table.
        as_of: the last local day, included; `start`, the first.
        timezone: IANA zone of days and intervals. When clocks go back, an interval of that night
            holds twice its time.
        interval: minutes, a divisor of the day.
        agents: the canonical table, for teams; its names are not read.
        login_hours: hours of login a day below which is too little; by default four fifths of the
            median agent's.
        pause_share: the share of login above which pauses are too long; by default five fourths of
            the floor's.

    Returns: `Workload` with frames, seconds in each state a column (offline, ready, preview,
        ringing, talk, hold, wrap, pause, other), and login, handle, occupancy (handle over handle
        and ready), occupancy_waiting (preview and ringing count as waiting), utilisation (handle
        over login) and pause_share:
        days (agent_id, day), agents (with hours_a_day and pause_a_day, their Student intervals over
        days, and the flags short_login and long_pauses), teams, intervals (day, place, at, online),
        team_intervals, pauses (by reason). `day()` is the timeline of one agent's day; `actions()`
        lists agents to talk with about login and pauses.
    Raises: ParameterError for arguments that cannot be; InputError where a column is missing.

    >>> import datetime as dt, ibis
    >>> at = dt.datetime(2025, 3, 3, 9, 0)
    >>> rows = [("ann", "ready", at, at + dt.timedelta(minutes=20)),
    ...     ("ann", "talk", at + dt.timedelta(minutes=20), at + dt.timedelta(minutes=40))]
    >>> names = ["agent_id", "state", "started_at", "ended_at"]
    >>> states = ibis.memtable(rows, columns=names)
    >>> found = workload(states, as_of="2025-03-03", start="2025-03-03")
    >>> found.intervals[["at", "ready", "talk"]].values.tolist()
    [['09:00', 1200.0, 600.0], ['09:30', 0.0, 600.0]]
    """
    options = Options(
        as_of=periods.day(as_of),
        start=periods.day(start),
        timezone=timezone,
        interval=interval,
        login_hours=login_hours,
        pause_share=pause_share,
    )
    answer = counted(agent_states, agents, options).execute()
    sums = ["micros", *FAULTS]  # a sum may come as a wider type than it is declared
    answer[sums] = answer[sums].fillna(0).astype("int64")
    all_time = int(answer.micros[answer.kind == "whole"].sum())
    for kind in ("day", "interval", "team"):  # nothing is lost in cutting or summing
        assert int(answer.micros[answer.kind == kind].sum()) == all_time, kind
    days = by_day(answer)
    return Workload(
        options=options,
        days=days,
        agents=by_agent(days, options),
        teams=by_team(days),
        intervals=by_interval(answer, options),
        team_intervals=by_interval(answer, options, team=True),
        pauses=by_pause(answer),
        faults={name: int(answer[name].sum()) for name in FAULTS},
        states=agent_states,
    )
