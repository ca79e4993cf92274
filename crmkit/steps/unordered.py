"""Steps in any order: how many different ones fall into one window."""

import datetime as dt
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from crmkit.steps.matching import Matching
from crmkit.steps.rows import NEVER, Marked, span, with_exclusions
from crmkit.steps.step import Step

__all__ = ["gathered"]


def gathered(marked: Marked, steps: Sequence[Step], how: Matching, *, end: dt.datetime) -> ir.Table:
    """The step events with how full the window is that ends there: `level`, `at_1` to `at_k`.

    A step that stands twice needs two events. An event that fits several different steps counts
    for the first of them. What came before an excluded event does not count after it. `at_1` to
    `at_k` are the instants of the first to the k-th different step of the window, each at its last
    time in it.
    """
    numbers = range(1, len(steps) + 1)
    rows = _last_times(_one_step_each(marked.rows, steps), marked, steps)
    rows = with_exclusions(marked, len(how.exclusions), rows)
    never = ibis.literal(NEVER)
    rows = rows.mutate(
        **{f"in_{j}": _counts(rows, j, how).ifelse(rows[f"last_{j}"], never) for j in numbers}
    )
    level = sum(((rows[f"in_{j}"] > never).ifelse(1, 0) for j in numbers), ibis.literal(0))
    in_time = (_nth(rows, 1, len(steps)) < ibis.literal(end)).ifelse(
        1, 0
    )  # it begins before the end
    is_step = ibis.or_(*(rows[f"has_{j}"] for j in numbers))
    rows = rows.mutate(level=(level * in_time).cast("int64"), is_step=is_step)
    rows = _without_spoiled_units(rows, marked, len(steps), how)
    rows = rows.filter(rows.is_step, rows.level > 0)
    kept = [*marked.keys, *marked.order, "level"]
    times = {f"at_{i}": _nth(rows, i, len(steps)).nullif(never) for i in numbers}
    return rows.select(*kept, **times)


def _one_step_each(rows: ir.Table, steps: Sequence[Step]) -> ir.Table:
    """An event that fits several different steps is the first of them."""
    for j in range(2, len(steps) + 1):
        others = [
            ~rows[f"has_{i}"] for i in range(1, j) if _same(steps[i - 1]) != _same(steps[j - 1])
        ]
        if others:
            rows = rows.mutate(**{f"has_{j}": ibis.and_(rows[f"has_{j}"], *others)})
    return rows


def _same(step: Step) -> tuple[str | None, int | None]:
    return step.event, None if step.where is None else id(step.where)


def _last_times(rows: ir.Table, marked: Marked, steps: Sequence[Step]) -> ir.Table:
    """`last_j`: when step j was last done up to the row; its second copy, the time before that."""
    upto = ibis.cumulative_window(group_by=marked.keys, order_by=marked.order)
    names = [_same(step) for step in steps]
    for j, name in enumerate(names, 1):
        turn = names[:j].count(name) - 1
        at = rows.at
        if turn:
            at = at.lag(turn).over(group_by=[*marked.keys, f"has_{j}"], order_by=marked.order)
        rows = rows.mutate(done=rows[f"has_{j}"].ifelse(at, ibis.null("timestamp")))
        last = ibis.coalesce(rows.done.max().over(upto), ibis.literal(NEVER))
        rows = rows.mutate(**{f"last_{j}": last}).drop("done")
    return rows


def _counts(rows: ir.Table, step: int, how: Matching) -> ir.BooleanValue:
    """Whether a step was done in the window that ends at the row, after what is excluded."""
    last = rows[f"last_{step}"]
    inside = last >= rows.at - span(how)
    return ibis.and_(
        inside, *(last >= rows[f"last_out_{e}"] for e in range(1, len(how.exclusions) + 1))
    )


def _without_spoiled_units(rows: ir.Table, marked: Marked, steps: int, how: Matching) -> ir.Table:
    """Leave out streams in which an excluded event fell into a window not yet full."""
    outs = [e for e, out in enumerate(how.exclusions, 1) if out.mode == "drop_user"]
    if not outs:
        return rows
    full = (rows.is_step & (rows.level == steps)).ifelse(1, 0)
    rows = rows.mutate(full=full.max().over(marked.earlier()))
    begun = ibis.or_(
        *(
            (rows[f"in_{j}"] > ibis.literal(NEVER)) & (rows[f"in_{j}"] < rows.at)
            for j in range(1, steps + 1)
        )
    )
    out = ibis.or_(*(rows[f"out_{e}"] for e in outs))
    hit = (out & begun & (rows.level > 0) & (ibis.coalesce(rows.full, 0) == 0)).ifelse(1, 0)
    rows = rows.mutate(hit=hit)
    rows = rows.mutate(hit=rows.hit.max().over(group_by=marked.keys))
    return rows.filter(rows.hit == 0).drop("hit", "full")


def _nth(rows: ir.Table, n: int, steps: int) -> ir.TimestampValue:
    """The n-th of the instants in the window, in the order of time."""
    never = ibis.literal(NEVER)
    choices = []
    for j in range(1, steps + 1):
        mine = rows[f"in_{j}"]
        earlier = sum(
            (
                (
                    (rows[f"in_{i}"] > never)
                    & ((rows[f"in_{i}"] < mine) | ((rows[f"in_{i}"] == mine) & (i < j)))
                ).ifelse(1, 0)
                for i in range(1, steps + 1)
                if i != j
            ),
            ibis.literal(1),
        )
        choices.append(((mine > never) & (earlier == n), mine))
    return ibis.cases(*choices, else_=never)
