"""How customers moved between RFM segments from one day to another."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import ibis.expr.types as ir

from crmkit import periods
from crmkit.analyses.movement import counts
from crmkit.analyses.movement.counts import Scale
from crmkit.analyses.movement.result import Movement
from crmkit.errors import ParameterError
from crmkit.scoring import Rule, Scoring, limits_found, measured
from crmkit.segmentation import SegmentTable

__all__ = ["Movement", "movement"]


def movement(
    purchases: ir.Table,
    *,
    as_of: periods.Day,
    previous: periods.Day | None = None,
    scale: Scale = "later",
    timezone: str = "UTC",
    bins: int = 5,
    rule: Rule = "quantile",
    thresholds: Mapping[str, Sequence[float]] | None = None,
    segments: str | Path | SegmentTable = "eleven",
    history: int | None = None,
    customers: ir.Table | None = None,
) -> Movement:
    """Who moved from which RFM segment to which between two days, and what they are worth.

    Customers are scored at both days by the SAME thresholds, so that a move is a change of what a
    customer did and not of where the quantiles lie.

    Parameters: as in `rfm`; `previous`, the earlier day (by default a month before `as_of`);
    `scale`, whose quantiles and mean scores hold for both days: those of the "later" or of the
    "earlier" day.
    Returns: a Movement with the frames `moves` (was, became, customers, value up to each day) and
    `segments` (customers and value of each segment at both days). Whoever had not bought by
    `previous` was "new_customer"; whoever has no purchase left in the `history` became "gone".
    `actions()` lists the customers who fell out of the good segments.
    Raises: ParameterError for arguments that cannot be, such as a `previous` not before `as_of`.

    >>> import ibis
    >>> from datetime import datetime
    >>> orders = ibis.memtable(
    ...     {
    ...         "customer_id": ["a", "a", "b"],
    ...         "ordered_at": [datetime(2024, 1, 5), datetime(2024, 3, 5), datetime(2024, 3, 1)],
    ...         "amount": [50.0, 70.0, 20.0],
    ...     }
    ... )
    >>> found = movement(orders, as_of="2024-03-31", segments="eight")
    >>> found.moves[["was", "became", "customers"]].values.tolist()
    [['general_win_back', 'key_core', 1], ['new_customer', 'general_win_back', 1]]
    """
    today = periods.day(as_of)
    before = periods.earlier(today, "month") if previous is None else periods.day(previous)
    if before >= today:
        raise ParameterError(f"previous is {before}. Give a day before as_of, {today}.")
    if scale not in get_args(Scale):
        raise ParameterError(f"scale is {scale!r}. Give one of: {', '.join(get_args(Scale))}.")
    if history is not None and history < 1:
        raise ParameterError(f"history is {history} days. Give at least 1, or None for all.")
    scoring = Scoring.of(bins, rule, thresholds)
    table = SegmentTable.of(segments).made_for(bins)
    people = measured(purchases, as_of=today, timezone=timezone, history=history, previous=before)
    people = people.filter((people.frequency > 0) | (people.frequency_before > 0))
    answer = counts.counted(people, scoring, scale).execute()
    cells = counts.segments_of_cells(answer, table, scale)
    moves = counts.move_frame(answer, cells, table)
    result = Movement(
        as_of=today,
        previous=before,
        scale=scale,
        timezone=timezone,
        history=history,
        scoring=scoring,
        segment_table=table,
        moves=moves,
        segments=counts.segment_frame(moves, table),
        cells=cells,
        limits=limits_found(answer, scoring),
        people=people,
        profiles=customers,
    )
    assert int(result.segments.customers.sum()) + result.gone == int(moves.customers.sum())
    assert int(result.segments.customers_before.sum()) + result.new == int(moves.customers.sum())
    return result
