"""Service of callers and the agents' time: waits, abandonment, handle time, occupancy."""

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.analyses.calls.answering import counts
from crmkit.analyses.calls.answering.counts import COUNTS, served, shares
from crmkit.analyses.calls.answering.result import Service
from crmkit.analyses.calls.measures import by_size, summed
from crmkit.analyses.calls.slots import Slots
from crmkit.analyses.calls.window import Window
from crmkit.dials import dials
from crmkit.errors import ParameterError

__all__ = ["Service", "service"]


def service(
    calls: ir.Table,
    agent_states: ir.Table | None = None,
    *,
    as_of: periods.Day,
    days: int = 7,
    history: int = 12,
    period: periods.Period = "week",
    threshold: float = 20.0,
    short: float = 5.0,
    target: float = 0.8,
    timezone: str = "UTC",
) -> Service:
    """How callers are served, how long calls take, and how busy agents are.

    A caller is an inbound call that reached the queue, an agent, or a busy signal; each is handled,
    abandoned (the caller left), turned away (the system ended the wait), blocked (no line was
    free), or unfinished. Service level within `threshold` seconds, side by side: answered within it
    / callers; / (answered + abandoned); / (callers - abandoned before it). ASA is the mean wait of
    those answered. AHT is (talk + hold + wrap) / handled, of callers and dials. Occupancy is handle
    / (handle + ready), without pauses; utilisation handle / logged in: both need `agent_states`.

    Parameters: `calls` and `agent_states`, canonical; `as_of`, the last local day, included;
    `days`, how many are told; `history`, how many stretches of as many days before; `period`, of
    the trend; `threshold`, seconds; `short`, seconds below which an abandoned call is left out of
    one variant; `target`, the share of callers to be answered within the threshold; `timezone`.
    Returns: `Service` with `totals` (a row a stretch), `queues`, `hours` (of the day), `trend`,
    `handle_times` (callers and dials), `states` (hours of each). Columns: counts, level_offered,
    level_answered, level_patient, abandon_queued, abandon_late, blocked_share, asa, aht (seconds),
    occupancy, utilisation, each with _low and _high. What the log does not tell is NaN.
    Raises: ParameterError for days, seconds, a target, period or zone that cannot be.

    >>> import datetime as dt, ibis
    >>> at = dt.datetime(2025, 3, 3, 10)
    >>> later = [at + dt.timedelta(seconds=s) for s in (10, 30)]
    >>> log = ibis.memtable(
    ...     {"call_id": ["1", "2"], "started_at": [at, at], "queued_at": [at, at],
    ...      "agent_at": later, "direction": ["inbound", "inbound"]})
    >>> service(log, as_of="2025-03-03").totals[["level_offered", "asa"]].values.tolist()
    [[0.5, 20.0]]
    """
    window = Window.of(as_of, days=days, history=history, timezone=timezone)
    periods.number_of(window.as_of, period)
    _check(threshold, short, target)
    slots = Slots.of(window.start, window.as_of, timezone=timezone)
    rows = dials(calls, as_of=window.as_of, start=window.start, timezone=timezone)
    answer = counts.counted(rows, agent_states, slots, threshold=threshold, short=short).execute()
    cells = answer[answer.part == "calls"].reset_index(drop=True)
    kinds = dict.fromkeys(COUNTS, "float64") | {"day": "int64", "hour": "int64"}
    cells = cells.astype({**kinds, "outbound": "bool"})
    states = counts.state_cells(answer[answer.part == "states"], slots)
    cells, states = (
        frame.assign(stretch=(window.last - frame.day) // window.days) for frame in (cells, states)
    )
    callers = cells[~cells.outbound]
    queued = bool(
        callers[["handled", "abandoned", "turned_away", "unfinished"]].to_numpy().sum() > 0
        or callers[["blocked", "unqueued"]].to_numpy().sum() == 0
    )
    current, now = callers[callers.stretch == 0], states[states.stretch == 0]
    by_direction = served(summed(cells[cells.stretch == 0], ["outbound"], COUNTS), queued=queued)
    return Service(
        window=window,
        period=period,
        threshold=threshold,
        short=short,
        target=target,
        queued=queued,
        with_states=agent_states is not None and len(states) > 0,
        totals=_totals(cells, states, window, queued=queued),
        queues=by_size(
            served(summed(current, ["campaign_id"], COUNTS), queued=queued),
            "offered",
            "campaign_id",
        ),
        hours=_hours(current, now, queued=queued),
        trend=counts.trend_frame(cells, states, window, period, queued=queued),
        handle_times=by_direction[by_direction.all_handled > 0].reset_index(drop=True),
        states=by_size(now.groupby("state", as_index=False)[["seconds"]].sum(), "seconds", "state"),
    )


def _check(threshold: float, short: float, target: float) -> None:
    for what, value in (("threshold", threshold), ("short", short)):
        if not 0 <= value < 86_400:
            raise ParameterError(f"{what} is {value!r}. Give seconds, such as 20.")
    if not 0 < target <= 1:
        raise ParameterError(f"target is {target!r}. Give a share such as 0.8.")


def _totals(
    cells: pd.DataFrame, states: pd.DataFrame, window: Window, *, queued: bool
) -> pd.DataFrame:
    days = pd.concat([cells.day, states.day])
    stretches = window.stretches(int(days.min()) if len(days) else None)
    sums = summed(cells, ["stretch"], COUNTS).astype({"stretch": "int64"})
    frame = stretches.merge(sums, on="stretch", how="left").fillna(dict.fromkeys(COUNTS, 0))
    busy = shares(states, "stretch").astype({"stretch": "int64"})
    return served(frame, queued=queued).merge(busy, on="stretch", how="left")


def _hours(callers: pd.DataFrame, states: pd.DataFrame, *, queued: bool) -> pd.DataFrame:
    """One row an hour of the day: the service and the occupancy."""
    sums = summed(callers, ["hour"], COUNTS).astype({"hour": "int64"})
    busy = shares(states, "hour").astype({"hour": "int64"})
    frame = sums.merge(busy, on="hour", how="outer").fillna(dict.fromkeys(COUNTS, 0))
    rates = served(frame, queued=queued)
    return rates.sort_values("hour", ignore_index=True)
