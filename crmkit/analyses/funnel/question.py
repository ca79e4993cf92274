"""What the engine is asked for a funnel: one expression, its counts pulled up."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

import ibis
import ibis.expr.types as ir

from crmkit import periods as calendar
from crmkit.steps import Matching, Step, reach, times

__all__ = ["COLUMNS", "Span", "counted", "levels", "seconds"]

COLUMNS = {
    "part": "string",
    "value": "string",
    "period": "int64",
    "step": "int64",
    "units": "int64",
    "open": "int64",
    "mean": "float64",
    "median": "float64",
    "left": "float64",
    "width": "float64",
}


@dataclass(frozen=True, kw_only=True)
class Span:
    """The instants between which units enter, and how the calendar is read."""

    start: dt.datetime
    end: dt.datetime
    timezone: str
    period: calendar.Period | None


def counted(
    events: ir.Table,
    steps: Sequence[Step],
    how: Matching,
    span: Span,
    identities: ir.Table | None,
) -> ir.Table:
    """Counts by level of all units, of each value, of each period; times; bins of conversion."""
    whole = replace(how, breakdown=None)
    reached = partial(reach, start=span.start, end=span.end, identities=identities)
    all_units = reached(events, steps, whole)
    parts = [
        levels(all_units, "all", how, span.end),
        _times(all_units, len(steps)),
        _bins(all_units, len(steps)),
    ]
    if how.breakdown is not None:
        parts.append(levels(reached(events, steps, how), "value", how, span.end))
    if span.period is not None:
        number = calendar.period_number(
            events.occurred_at, span.period, span.timezone, until=span.end
        )
        by_entry = replace(whole, breakdown="entered", credit="step", at_step=1)
        entered = reached(events.mutate(entered=number.cast("string")), steps, by_entry)
        found = levels(entered, "period", how, span.end)
        parts.append(found.mutate(period=found["value"].cast("int64"), value=ibis.null("string")))
    return ibis.union(*(_fitted(part) for part in parts))


def levels(found: ir.Table, part: str, how: Matching, end: dt.datetime) -> ir.Table:
    """How many units made each step, by value: one row a step made last, optional steps apart.

    `open` are those that may still go on: they have not finished and their window is not over.
    """
    steps = len([c for c in found.columns if c.startswith("at_")])
    value = found["value"] if "value" in found.columns else ibis.null("string")
    closes = found.at_1 + ibis.interval(seconds=int(how.window.total_seconds()))
    is_open = (found.reached < steps) & (closes >= ibis.literal(end))
    rows = found.mutate(
        group=value, is_open=is_open.ifelse(1, 0), **{c: found[c] for c in times(steps)}
    )
    made = [
        rows.group_by("group").aggregate(
            step=ibis.literal(j, type="int64"),
            units=(~rows[f"at_{j}"].isnull()).ifelse(1, 0).sum(),
            open=rows.is_open.sum(),
        )
        for j in range(1, steps + 1)
    ]
    counts = ibis.union(*made) if len(made) > 1 else made[0]
    return counts.mutate(part=ibis.literal(part), value=counts.group).drop("group")


def seconds(later: ir.TimestampValue, earlier: ir.TimestampValue) -> ir.FloatingValue:
    """Elapsed seconds from one instant to another."""
    return later.delta(earlier, unit="microsecond").cast("float64") / 1e6


def _times(found: ir.Table, steps: int) -> ir.Table:
    """Mean and median seconds from the step made before to each step, and from the first."""
    parts = []
    for j in range(2, steps + 1):
        at = found[f"at_{j}"]
        before = ibis.coalesce(*(found[f"at_{i}"] for i in range(j - 1, 0, -1)))
        for part, since in (("from_last", before), ("from_first", found.at_1)):
            parts.append(
                found.filter(~at.isnull()).select(
                    part=ibis.literal(part),
                    step=ibis.literal(j, type="int64"),
                    took=seconds(at, since),
                )
            )
    if not parts:
        return _nothing()
    rows = ibis.union(*parts)
    keys = ["part", "step"]
    rows = rows.mutate(
        turn=ibis.row_number().over(group_by=keys, order_by="took"),
        n=rows.count().over(group_by=keys),
    )
    middle = (rows.turn == (rows.n - 1) // 2) | (rows.turn == rows.n // 2)
    return rows.group_by(keys).aggregate(
        units=rows.count(), mean=rows.took.mean(), median=rows.took.mean(where=middle)
    )


def _bins(found: ir.Table, steps: int) -> ir.Table:
    """Times to convert in ceil(cube root of n) bins; a bin holds its lower edge."""
    if steps < 2:
        return _nothing()
    last = found[f"at_{steps}"]
    rows = found.filter(~last.isnull()).select(took=seconds(last, found.at_1))
    everything = ibis.window()
    rows = rows.mutate(
        n=rows.count().over(everything),
        low=rows.took.min().over(everything),
        high=rows.took.max().over(everything),
    )
    bins = (rows.n.cast("float64") ** (1 / 3) - 1e-9).ceil().cast("float64")
    width = ibis.greatest(((rows.high - rows.low) / bins).ceil().cast("float64"), 1.0)
    rows = rows.mutate(width=width)
    place = ((rows.took - rows.low) / rows.width).floor().cast("float64")
    rows = rows.mutate(left=rows.low + place * rows.width)
    return (
        rows.group_by(["left", "width"])
        .aggregate(units=rows.count())
        .mutate(part=ibis.literal("bin"))
    )


def _nothing() -> ir.Table:
    return ibis.memtable({"part": ["none"]}, schema={"part": "string"})


def _fitted(part: ir.Table) -> ir.Table:
    """The part with all columns of the answer, in their order and type."""
    return part.select(
        **{
            name: part[name].cast(kind) if name in part.columns else ibis.null(kind)
            for name, kind in COLUMNS.items()
        }
    )
