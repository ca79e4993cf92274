"""Orders and revenue by local day, of those a campaign reached and of those it left alone."""

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.activity import matching

__all__ = ["daily"]


def daily(
    purchases: ir.Table, *, control: object, first: dt.date, last: dt.date, timezone: str
) -> pd.DataFrame:
    """Every day from first to last, in order; a day without an order has zeros.

    Returns: index day; columns orders, revenue, and control_orders, control_revenue of the rows
    that match the condition `control`; without one those are 0 and the others hold all rows.
    """
    begin, end = periods.day_start(first, timezone), periods.day_end(last, timezone)
    rows = purchases.filter(purchases.ordered_at >= begin, purchases.ordered_at < end)
    untouched = matching(rows, control, name="control")
    counts = (
        rows.mutate(
            day=periods.day_number(rows.ordered_at, timezone, until=end),
            untouched=ibis.literal(False) if untouched is None else untouched,
        )
        .group_by(["day", "untouched"])
        .aggregate(orders=lambda t: t.count(), revenue=lambda t: t.amount.sum())
        .execute()
    )
    days = pd.RangeIndex(periods.number_of(first, "day"), periods.number_of(last, "day") + 1)
    frame = pd.DataFrame(index=days)
    for prefix, part in (("", counts[~counts.untouched]), ("control_", counts[counts.untouched])):
        sums = part.set_index("day")[["orders", "revenue"]].astype("float64")
        frame[[f"{prefix}orders", f"{prefix}revenue"]] = sums.reindex(days, fill_value=0.0)
    frame.index = pd.DatetimeIndex(pd.to_datetime(days, unit="D"), freq="D", name="day")
    return frame
