"""How far each unit got through the steps, and when."""

import datetime as dt
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from crmkit.steps.chain import chained
from crmkit.steps.matching import Matching
from crmkit.steps.nearest import can_join, joined
from crmkit.steps.rows import mark
from crmkit.steps.step import Step, steps_of
from crmkit.steps.unordered import gathered

__all__ = ["LEVEL", "reach", "times"]

LEVEL = "reached"
"""The column with the number of the last step made."""


def times(steps: int) -> list[str]:
    """The columns with the instants of the steps.

    >>> times(2)
    ['at_1', 'at_2']
    """
    return [f"at_{i}" for i in range(1, steps + 1)]


def reach(
    events: ir.Table,
    steps: Sequence[str | Step],
    how: Matching,
    *,
    start: dt.datetime,
    end: dt.datetime,
    identities: ir.Table | None = None,
) -> ir.Table:
    """How far each unit got: the attempt that was the first to finish, or else got furthest.

    An attempt begins at a first step in [start, end) and may go on after `end` while its window
    lasts. Of attempts that got equally far without finishing, the newest counts. Events of one
    instant are taken in the order of the steps, each once; neither strictness nor exclusions hold
    within an instant. See docs/decisions/0013-funnel-semantics.md.

    Parameters: `events`, canonical; `steps`, event names or steps; `how`, the decisions; `start`
    and `end`, UTC instants, the second excluded; `identities`, for persons.
    Returns: one row a unit that made the first step (any step, where they have no order), and a
    breakdown's `value`: unit, reached (the number of the last step made; in any order, of
    different steps), at_1 to at_k (UTC; null where not made).
    Raises: ParameterError for steps or options that mean nothing.

    >>> import datetime, ibis
    >>> day = datetime.datetime(2025, 1, 1)
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": ["1", "2"],
    ...         "customer_id": ["c", "c"],
    ...         "occurred_at": [day, day + datetime.timedelta(hours=1)],
    ...         "event": ["view", "buy"],
    ...     }
    ... )
    >>> end = day + datetime.timedelta(days=1)
    >>> reach(rows, ["view", "buy"], Matching(), start=day, end=end).reached.execute().tolist()
    [2]
    """
    chosen = steps_of(steps)
    how.fits(chosen)
    marked = mark(events, chosen, how, start=start, end=end, identities=identities)
    if can_join(events, chosen, how):
        found = joined(marked, chosen, how)
    elif how.order == "unordered":
        found = _best(gathered(marked, chosen, how, end=end), marked.keys, len(chosen))
    else:
        found = _best(chained(marked, chosen, how), marked.keys, len(chosen))
    found = found.select(*marked.keys, *times(len(chosen)), "reached")
    if how.breakdown and how.credit in ("first_touch", "last_touch"):
        found = _with_touch(found, marked.rows, len(chosen), last=how.credit == "last_touch")
    return found


def _best(found: ir.Table, keys: Sequence[str], steps: int) -> ir.Table:
    """The one attempt that tells of each stream."""
    best = ibis.row_number().over(group_by=list(keys), order_by=_best_first(found, steps))
    return found.mutate(best=best).filter(ibis._.best == 0).rename(reached="level")


def _best_first(found: ir.Table, steps: int) -> list[ir.Value]:
    """The furthest first; of those that finished the earliest, of the others the newest."""
    full = found.level == steps
    order = [ibis.desc(found.level)]
    for column in ("at", "place", "event_id"):
        mine = found[column]
        nothing = ibis.null(mine.type())
        order += [ibis.asc(full.ifelse(mine, nothing)), ibis.desc(full.ifelse(nothing, mine))]
    return order


def _with_touch(found: ir.Table, rows: ir.Table, steps: int, *, last: bool) -> ir.Table:
    """The value of the unit's first or last step event that has one; none after the finish."""
    is_step = ibis.or_(*(rows[f"has_{j}"] for j in range(1, steps + 1)))
    valued = rows.filter(is_step, rows["value"].notnull())
    full = found.reached == steps
    over = found.select("unit", over=full.ifelse(found[f"at_{steps}"], ibis.null("timestamp")))
    valued = valued.inner_join(over, "unit")
    valued = valued.filter(valued.over.isnull() | (valued["at"] <= valued.over))
    order = [ibis.desc(c) if last else ibis.asc(c) for c in ("at", "event_id")]
    turn = ibis.row_number().over(group_by="unit", order_by=order)
    touched = valued.mutate(turn=turn).filter(ibis._.turn == 0).select("unit", "value")
    return found.left_join(touched, "unit").drop("unit_right")
