"""The funnel itself: from events to a result."""

from collections.abc import Sequence

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit.analyses.funnel import frames
from crmkit.analyses.funnel.bridge import bridged, unplaced
from crmkit.analyses.funnel.question import Span, counted
from crmkit.analyses.funnel.result import Funnel
from crmkit.steps import Matching, Step, steps_of

__all__ = ["funnel"]


def funnel(
    events: ir.Table,
    *,
    steps: Sequence[str | Step],
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 28,
    how: Matching | None = None,
    period: calendar.Period | None = "week",
    identities: ir.Table | None = None,
    orders: ir.Table | None = None,
    leads: ir.Table | None = None,
) -> Funnel:
    """How many units get how far through a row of steps, and how long they take.

    Units enter by the first step in the `days` up to `as_of`, and may go on while their window
    lasts; what happens after `as_of` is not known, so late entries may still finish. The rate of
    a step is of those who made the last step before it that is not optional.

    Parameters: `events`, canonical; `steps`, event names or `Step`s; `as_of`, the last day,
    included; `timezone`, of the calendar; `days`, in which units enter; `how`, the decisions
    (order, window, re-entry, exclusions, unit, breakdown); `period`, of the trend, or None for
    none; `identities`, to know persons across visitors; `orders` and `leads`, to reconcile with.
    Returns: Funnel with frames `steps` (step, name, units, n, rate, total, lost, mean_ and
    median_from_last and _from_first in seconds; in any order, step k are those who made k
    different steps), `values` (by breakdown: n, units, rate, p, rest), `leaks` (value, step: n
    who made the step before, units, rate, rest, p over all values and steps), `trend` (period, n,
    units, rate, open, partial, cut: the period began before the days asked for), `times` (left,
    right, units; seconds) and `bridge` (line, units); rates have _low and _high (Wilson).
    Raises: ParameterError for steps or options that mean nothing.
    The decisions follow the reference of product analytics; see
    docs/decisions/0013-funnel-semantics.md.

    >>> import datetime, ibis
    >>> day = datetime.datetime(2025, 1, 1)
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": ["1", "2", "3"],
    ...         "customer_id": ["c", "c", "d"],
    ...         "occurred_at": [day, day + datetime.timedelta(hours=1), day],
    ...         "event": ["view", "buy", "view"],
    ...     }
    ... )
    >>> funnel(rows, steps=["view", "buy"], as_of="2025-01-01").steps.units.tolist()
    [2, 1]
    """
    how = how if how is not None else Matching()
    chosen = steps_of(steps)
    day = calendar.day(as_of)
    end = calendar.day_end(day, timezone)
    first = calendar.window_start(day, days)
    span = Span(
        start=calendar.day_start(first, timezone), end=end, timezone=timezone, period=period
    )
    known = events.filter(events.occurred_at.isnull() | (events.occurred_at < end))
    asked = counted(known, chosen, how, span, identities)
    bridge = bridged(known, chosen, how, span, identities, orders, leads)
    answer = asked.union(bridge).execute()
    table = frames.stepped(answer, chosen, how.order)
    values = frames.compared(answer, chosen) if how.breakdown else None
    if values is not None and how.credit in ("first_touch", "last_touch"):
        whole = answer[(answer.part == "value") & (answer.step == 1)].units.sum()
        assert whole == table.units.iloc[0], "values do not add up to all who entered"
    return Funnel(
        steps=table,
        values=values,
        leaks=None if values is None else frames.leaks(values, chosen, how.order),
        trend=frames.trend(answer, chosen, period, first) if period else None,
        times=frames.histogram(answer),
        bridge=answer[answer.part == "bridge"][["value", "units"]].reset_index(drop=True),
        open=_open(answer),
        unplaced=unplaced(answer),
        how=how,
        names=tuple(step.name for step in chosen),
        start=str(first),
        as_of=str(day),
        timezone=timezone,
        period=period,
    )


def _open(answer: pd.DataFrame) -> int:
    part = answer[answer.part == "all"]
    return int(np.nan_to_num(part.open.max())) if len(part) else 0
