"""Automatic voice calls beside those of people."""

import ibis.expr.types as ir

from crmkit import periods
from crmkit.analyses.calls.automatic import counts
from crmkit.analyses.calls.automatic.options import Costs
from crmkit.analyses.calls.automatic.result import Voice
from crmkit.analyses.calls.window import Window
from crmkit.dials import dials

__all__ = ["Voice", "voice"]


def voice(
    calls: ir.Table,
    dispositions: ir.Table | None = None,
    agent_states: ir.Table | None = None,
    *,
    as_of: periods.Day,
    days: int = 7,
    history: int = 12,
    period: periods.Period = "week",
    agent_hour: float | None = None,
    line_minute: float | None = None,
    timezone: str = "UTC",
) -> Voice:
    """The load of people and of automatic voice: dials, answers, hours, outcomes, cost.

    An automatic call (mode "voice") is a contact where a person answered it, a call of people where
    an agent also took it. Interest is the flag interest or sale of the outcome, out of contacts of
    known outcome. Cost is agents' hours times `agent_hour` plus connected minutes times
    `line_minute`; agents' hours are those logged in, or talk and wrap without `agent_states`.

    Parameters: `calls`, `dispositions`, `agent_states`, canonical; `as_of`, the last local day,
    included; `days`, how many are told; `history`, how many stretches of as many days before;
    `period`, of the trend; `agent_hour` and `line_minute`, in the book's currency; `timezone`.
    Returns: `Voice` with `kinds` (two rows: people, voice) and `before` (the same of the days
    before), `trend` (period, people, voice).
    Raises: ParameterError for costs, days, a period or zone that cannot be.

    >>> import datetime as dt, ibis
    >>> at = dt.datetime(2025, 3, 3, 10)
    >>> end = at + dt.timedelta(minutes=3)
    >>> log = ibis.memtable({"call_id": ["1", "2"], "started_at": [at, at], "answered_at": [at, at],
    ...     "ended_at": [end, end], "mode": ["voice", "power"], "result": ["human", "human"]})
    >>> voice(log, as_of="2025-03-03").kinds[["kind", "dials", "contacts"]].values.tolist()
    [['people', 1.0, 0.0], ['voice', 1.0, 1.0]]
    """
    window = Window.of(as_of, days=days, history=history, timezone=timezone)
    periods.number_of(window.as_of, period)
    costs = Costs(agent_hour=agent_hour, line_minute=line_minute)
    rows = dials(calls, dispositions, as_of=window.as_of, start=window.start, timezone=timezone)
    answer = counts.counted(rows, agent_states, window).execute()
    cells = answer[answer.part == "calls"].drop(columns=["part", "logged"])
    cells = cells.astype({name: "int64" for name in cells.columns if name != "voice"})
    cells = cells.astype({"voice": "bool"}).reset_index(drop=True)
    stretch = (window.last - cells.day) // window.days
    logged = answer.logged[answer.part == "states"].astype("float64").sum(min_count=1) / 3.6e6
    compared = len(window.stretches(int(cells.day.min()) if len(cells) else None)) > 1
    none = Costs()
    return Voice(
        window=window,
        period=period,
        costs=costs,
        logged=float(logged),
        kinds=counts.kind_frame(cells[stretch == 0], float(logged), costs),
        before=counts.kind_frame(cells[stretch == 1], float("nan"), none) if compared else None,
        trend=counts.trend_frame(cells, window, period),
    )
