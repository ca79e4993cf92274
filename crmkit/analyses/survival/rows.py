"""Counts by duration: what ended there, and what was still open."""

import ibis
import ibis.expr.types as ir

from crmkit import periods
from crmkit.activity import activity, value_of
from crmkit.errors import InputError

__all__ = ["by_duration", "first_returns"]


def by_duration(spells: ir.Table, by: str | None) -> ir.Table:
    """Counts by group and duration: `ended` and all; one row more counts the rows not usable.

    Raises: InputError where `duration` or `ended` is absent or of another type.
    """
    missing = [name for name in ("duration", "ended") if name not in spells.columns]
    if missing:
        raise InputError(
            f"The table of spells has no column {' and no '.join(missing)}. It needs duration "
            f"(a number) and ended (true or false); it has: {', '.join(spells.columns)}."
        )
    if not spells.duration.type().is_numeric() or not spells.ended.type().is_boolean():
        raise InputError(
            f"duration must be a number and ended true or false; they are "
            f"{spells.duration.type()} and {spells.ended.type()}."
        )
    rows = spells.select(
        group=ibis.null("string") if by is None else value_of(spells, by),
        duration=spells.duration.cast("float64"),
        ended=spells.ended,
    )
    usable = (rows.duration >= 0) & rows.ended.notnull()
    rows = rows.mutate(usable=usable.fill_null(False) & ~rows.duration.isnan().fill_null(True))
    rows = rows.mutate(
        group=rows.usable.ifelse(rows.group, ibis.null("string")),
        duration=rows.usable.ifelse(rows.duration, ibis.null("float64")),
    )
    return rows.group_by(["usable", "group", "duration"]).aggregate(
        n=rows.count(), ended=rows.ended.fill_null(False).cast("int64").sum()
    )


def first_returns(
    events: ir.Table, *, as_of: periods.Day, timezone: str, by: str | None
) -> ir.Table:
    """One row a customer: days to the next calendar day with activity, or to `as_of`.

    Columns: `duration`, `ended`, `group` (of the least value at the customer's first instant); a
    customer without id keeps its rows, with no duration, so that they are counted as not usable.
    """
    end = periods.day_end(as_of, timezone)
    rows = activity(events, end=end)
    rows = rows.select(
        "customer_id",
        "at",
        day=periods.day_number(rows.at, timezone, until=end),
        group=ibis.null("string") if by is None else value_of(rows, by),
    )
    known = rows.drop_null("customer_id")
    dated = known.mutate(
        first=known.day.min().over(group_by=known.customer_id),
        first_at=known.at.min().over(group_by=known.customer_id),
    )
    each = dated.group_by(["customer_id", "first"]).aggregate(
        second=dated.day.min(where=dated.day > dated.first),
        group=dated.group.min(where=dated["at"] == dated.first_at),
    )
    last = periods.number_of(as_of, "day")
    spells = each.select(
        duration=(ibis.coalesce(each.second, last) - each.first).cast("float64"),
        ended=each.second.notnull(),
        group=each.group,
    )
    unknown = rows.filter(rows.customer_id.isnull()).select(
        duration=ibis.null("float64"), ended=ibis.literal(False), group=ibis.null("string")
    )
    return ibis.union(spells, unknown)
