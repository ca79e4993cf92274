"""The rows that matching needs: step events and excluded events, marked, in one definite order."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from crmkit.activity import value_of
from crmkit.persons import with_unit
from crmkit.steps.matching import Matching
from crmkit.steps.step import Step

__all__ = ["NEVER", "Marked", "mark", "span", "with_exclusions"]

NEVER = dt.datetime(1, 1, 1)
"""An instant before all others: nothing happened before."""
FAR = dt.datetime(9999, 1, 1)


def span(how: Matching) -> ir.IntervalScalar:
    """The length of the window; it is whole seconds."""
    return ibis.interval(seconds=int(how.window.total_seconds()))


@dataclass(frozen=True)
class Marked:
    """Rows with `at`, `has_1` to `has_k`, `out_1` to `out_e`, and their place in the stream.

    `keys` are the columns that tell streams apart; `order` the columns that order one. `before` is
    the last instant before that of the row at which anything happened (strict matching only).
    """

    rows: ir.Table
    keys: tuple[str, ...]
    order: tuple[str, ...] = ("at", "place", "event_id")

    def earlier(self) -> object:
        """The window of the rows before this one in its stream."""
        return ibis.window(group_by=self.keys, order_by=self.order, preceding=(None, 1))


def mark(
    events: ir.Table,
    steps: Sequence[Step],
    how: Matching,
    *,
    start: dt.datetime,
    end: dt.datetime,
    identities: ir.Table | None,
) -> Marked:
    """The rows from `start` until the last window that begins before `end` is over."""
    rows = events.mutate(at=events.occurred_at).filter(ibis._.at.notnull())
    rows = with_unit(rows, how.unit, identities=identities)
    if how.breakdown is not None:
        rows = rows.mutate(value=value_of(rows, how.breakdown))
    rows = rows.mutate(
        **{f"has_{j}": step.holds(rows) for j, step in enumerate(steps, 1)},
        **{f"out_{e}": out.holds(rows) for e, out in enumerate(how.exclusions, 1)},
        **{
            f"did_{j}": (rows.event == step.event).fill_null(False)
            for j, step in enumerate(steps, 1)
            if step.first == "ever"
        },
    )
    rows = _first_times(rows, steps)
    rows = rows.filter(rows.at >= start, rows.at < end + how.window)
    keys = ("unit", "value") if how.breakdown and how.credit == "all_events" else ("unit",)
    if how.order == "strict":
        rows = _with_instant_before(rows, keys)
    wanted = [rows[c] for c in rows.columns if c.startswith(("has_", "out_"))]
    rows = rows.filter(ibis.or_(*wanted))
    if how.breakdown and how.credit == "step":
        rows = _by_value_at(rows, how.at_step)
        keys = ("unit", "value")
    if how.order != "unordered":
        rows = rows.mutate(has_1=rows.has_1 & (rows.at < end))
    rows = _placed(rows, steps, keys)
    kept = ["event_id", "at", "place", "unit"]
    kept += ["value"] if how.breakdown else []
    kept += ["before"] if how.order == "strict" else []
    kept += [c for c in rows.columns if c.startswith(("has_", "out_"))]
    return Marked(rows.select(kept), keys)


def _first_times(rows: ir.Table, steps: Sequence[Step]) -> ir.Table:
    """A step that must be the first time holds only in the first row of its unit."""
    for j, step in enumerate(steps, 1):
        if not step.first:
            continue
        what = f"did_{j}" if step.first == "ever" else f"has_{j}"
        turn = ibis.row_number().over(group_by=["unit", what], order_by=["at", "event_id"])
        rows = rows.mutate(turn=turn)
        rows = rows.mutate(**{f"has_{j}": rows[f"has_{j}"] & rows[what] & (rows.turn == 0)})
        rows = rows.drop("turn")
    return rows


def _with_instant_before(rows: ir.Table, keys: tuple[str, ...]) -> ir.Table:
    """The last instant at which the stream had any event, before that of the row."""
    last = rows.at.lag().over(group_by=keys, order_by=["at", "event_id"])
    rows = rows.mutate(last=last)
    begins = ibis.ifelse(rows["last"] < rows.at, rows["last"], ibis.null("timestamp"))
    running = ibis.cumulative_window(group_by=keys, order_by=["at", "event_id"])
    rows = rows.mutate(before=begins.max().over(running)).drop("last")
    return rows.mutate(before=ibis.coalesce(rows.before, ibis.literal(NEVER)))


def _by_value_at(rows: ir.Table, step: int) -> ir.Table:
    """Each value that a unit has at a step, with all its other rows; null for units without."""
    at_step = rows[f"has_{step}"]
    values = rows.filter(at_step).select("unit", theirs="value").distinct()
    joined = rows.left_join(values, "unit").drop("unit_right")
    same = joined["value"].identical_to(joined.theirs)
    joined = joined.mutate(**{f"has_{step}": joined[f"has_{step}"] & same})
    return joined.mutate(value=joined.theirs).drop("theirs")


def _placed(rows: ir.Table, steps: Sequence[Step], keys: tuple[str, ...]) -> ir.Table:
    """Places among the events of one instant: in the order of the steps, exclusions last.

    Where steps share events, the rows of one instant that fit the same steps stand for these in
    turn, so that each row is used once.
    """
    has = [rows[f"has_{j}"] for j in range(1, len(steps) + 1)]
    names = [step.event for step in steps]
    last = ibis.literal(len(steps) + 1)
    if len(set(names)) == len(names) and None not in names:
        place = ibis.cases(*((flag, j) for j, flag in enumerate(has, 1)), else_=last)
        return rows.mutate(place=place.cast("int64"))
    fits = sum((flag.ifelse(2**j, 0) for j, flag in enumerate(has)), start=ibis.literal(0))
    rows = rows.mutate(fits=fits.cast("int64"))
    turn = ibis.row_number().over(group_by=[*keys, "at", "fits"], order_by="event_id")
    rows = rows.mutate(turn=turn)
    counts = [
        sum((f.ifelse(1, 0) for f in has[:j]), start=ibis.literal(0))
        for j in range(1, len(has) + 1)
    ]
    wanted = rows.turn % ibis.greatest(counts[-1], 1) + 1
    choices = (
        (flag & (count == wanted), j)
        for j, (flag, count) in enumerate(zip(has, counts, strict=True), 1)
    )
    return rows.mutate(place=ibis.cases(*choices, else_=last).cast("int64")).drop("fits", "turn")


def with_exclusions(marked: Marked, exclusions: int, rows: ir.Table | None = None) -> ir.Table:
    """Add `last_out_e` and `next_out_e`: the excluded event's nearest other instants."""
    rows = marked.rows if rows is None else rows
    later = ibis.window(group_by=marked.keys, order_by=marked.order, following=(1, None))
    for e in range(1, exclusions + 1):
        at = rows[f"out_{e}"].ifelse(rows.at, ibis.null("timestamp"))
        rows = rows.mutate(
            seen=ibis.coalesce(at.max().over(marked.earlier()), ibis.literal(NEVER)),
            ahead=ibis.coalesce(at.min().over(later), ibis.literal(FAR)),
        )
        instant = [*marked.keys, "at"]
        rows = rows.mutate(
            **{
                f"last_out_{e}": rows.seen.min().over(group_by=instant),
                f"next_out_{e}": rows.ahead.max().over(group_by=instant),
            }
        ).drop("seen", "ahead")
    return rows
