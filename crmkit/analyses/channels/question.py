"""What each channel brings, costs and is worth."""

from collections.abc import Sequence

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.analyses.channels.conversion import conversion
from crmkit.analyses.channels.corners import placed
from crmkit.analyses.channels.history import history
from crmkit.analyses.channels.measures import ALL, Asked, Counts, by_age, measured, paybacks
from crmkit.analyses.channels.result import Channels
from crmkit.analyses.channels.rows import counted
from crmkit.analyses.channels.span import Span
from crmkit.analyses.channels.unmatched import unmatched
from crmkit.errors import InputError, ParameterError

__all__ = ["channels"]

_NEEDED = {
    "customers": ("customer_id", "created_at", "channel"),
    "purchases": ("order_id", "customer_id", "ordered_at", "amount"),
    "spend": ("day", "channel", "cost"),
    "touches": ("customer_id", "occurred_at", "channel", "kind"),
    "events": ("visitor_id", "customer_id", "occurred_at", "channel"),
    "leads": ("customer_id", "source", "created_at"),
}


def channels(
    customers: ir.Table,
    purchases: ir.Table,
    *,
    as_of: periods.Day,
    start: periods.Day | None = None,
    spend: ir.Table | None = None,
    touches: ir.Table | None = None,
    events: ir.Table | None = None,
    leads: ir.Table | None = None,
    timezone: str = "UTC",
    margin: float = 1.0,
    ages: Sequence[int] = (30, 90, 180),
    repeat_age: int = 90,
    horizon: int = 360,
    lookback: int = 30,
    within: int = 30,
    quality: str = "repeat",
) -> Channels:
    """New customers by channel: how many, what they cost, how many buy again, what they are worth.

    A customer belongs to the channel that brought it, and is won at created_at, or at the first
    purchase where that is earlier. Repeat rate and value at an age are those of the customers of an
    equally long period moved back by that age: the latest who were all watched that long. Spend
    counts on its own day. Purchases are credited to the last touch that was not direct within
    `lookback` days, and count on the day of that touch.

    Parameters:
        customers: the canonical table.
        purchases: orders that count (`crmkit.purchases`).
        as_of, start: the last and the first local day of the period; 90 days by default. The period
            before it is as long.
        spend, touches: without spend there are no costs; without touches no CPA and ROAS.
        events, leads: visitors and leads, for conversion; leads by their source.
        timezone: IANA zone of days.
        margin: share of revenue left after the cost of goods, 0 to 1.
        ages: days at which value per customer is told.
        repeat_age: days within which a second purchase counts.
        horizon: days within which value counts for LTV:CAC and payback, at most; 30 or more. Where
            the tables do not reach so far back, the longest months of 30 days that they tell of.
        lookback: days from a touch to a purchase.
        within: days from a first visit or a lead to the first purchase.
        quality: what the quadrant holds against volume, "repeat" or "value".

    Returns: `Channels` with the frames `channels` (a row each; `total` is the row of all),
        `quadrant`, `curve` (margin per customer by months, against cost), `conversion`, `history`
        (by period) and `unmatched` (spend without customers of that name).
    Raises: ParameterError for arguments that cannot be; InputError for missing columns.
    Intervals, 95%: Wilson for rates, Student for means, exact Poisson for counts and CAC; for CPA,
    ROAS and LTV:CAC the delta method on the logarithm, sums over customers as compound Poisson.

    >>> import datetime as dt, ibis
    >>> day = dt.datetime(2025, 5, 1)
    >>> people = ibis.memtable({"customer_id": ["a", "b"], "channel": ["ads", "ads"],
    ...     "created_at": [day, day]})
    >>> bought = ibis.memtable({"order_id": ["1", "2", "3"], "customer_id": ["a", "a", "b"],
    ...     "ordered_at": [day, day + dt.timedelta(days=9), day], "amount": [10.0, 20.0, 30.0]})
    >>> cost = ibis.memtable({"day": [day.date()], "channel": ["ads"], "cost": [50.0]})
    >>> found = channels(people, bought, spend=cost, start="2025-05-01", as_of="2025-07-29")
    >>> found.channels[["channel", "customers", "cac"]].values.tolist()
    [['ads', 2.0, 25.0]]
    """
    span = Span.of(start, as_of, timezone)
    tables = {"customers": customers, "purchases": purchases, "spend": spend, "touches": touches}
    _check_tables(tables | {"events": events, "leads": leads})
    limits = _checked(ages, repeat_age, horizon, lookback, within, margin)
    if quality not in ("repeat", "value"):
        raise ParameterError(f"quality is {quality!r}. Give 'repeat' or 'value'.")
    measure = "again" if quality == "repeat" else f"value_{repeat_age}"
    told = tuple(sorted({*limits, repeat_age} if quality == "value" else limits))
    raw = counted(
        customers,
        purchases,
        span=span,
        ages=sorted({*told, repeat_age, *range(30, horizon + 1, 30)}),
        spend=spend,
        touches=touches,
        events=events,
        leads=leads,
        lookback=lookback,
        within=within,
    ).execute()
    counts = Counts(raw, span)
    _check_sums(counts)
    asked = Asked(ages=told, repeat_age=repeat_age, horizon=counts.horizon(horizon), margin=margin)
    sides = (counts, counts.together())
    both = pd.concat([measured(side, asked) for side in sides], ignore_index=True)
    curve = pd.concat(
        [paybacks(side, both[both.channel.isin(side.channels)], asked) for side in sides],
        ignore_index=True,
    )
    both = both.merge(by_age(curve), on="channel", how="left")
    rows = both[both.channel != ALL].sort_values(
        ["customers", "cost", "channel"], ascending=[False, False, True], ignore_index=True
    )
    return Channels(
        channels=rows,
        total=both[both.channel == ALL].reset_index(drop=True),
        quadrant=placed(both, quality=measure),
        curve=curve[curve.n > 0].reset_index(drop=True),
        history=history(counts),
        conversion=conversion(counts, within=within),
        unmatched=unmatched(counts, rows),
        undated=int(counts.raw.n[(counts.raw.part == "won") & counts.raw.span.isna()].sum()),
        orphans=int(counts.raw.n[counts.raw.part == "orphans"].sum()),
        costed=spend is not None,
        credited=touches is not None,
        span=span,
        margin=margin,
        ages=told,
        repeat_age=repeat_age,
        horizon=asked.horizon,
        lookback=lookback,
        within=within,
        quality=measure,
        spend_since=counts.first_day("spend") if spend is not None else np.nan,
    )


def _check_tables(tables: dict[str, ir.Table | None]) -> None:
    for name, table in tables.items():
        missing = [c for c in _NEEDED[name] if table is not None and c not in table.columns]
        if missing and table is not None:
            raise InputError(
                f"The table {name} has no column {', '.join(missing)}. "
                f"It has: {', '.join(table.columns)}."
            )


def _checked(
    ages: Sequence[int], repeat_age: int, horizon: int, lookback: int, within: int, margin: float
) -> tuple[int, ...]:
    """The ages in order, once each.

    Raises: ParameterError for an age below a day, or a margin outside 0 to 1.
    """
    if not ages:
        raise ParameterError("ages is empty. Give days such as (30, 90, 180).")
    days = {"repeat_age": repeat_age, "horizon": horizon, "lookback": lookback, "within": within}
    for name, value in [*(("ages", age) for age in ages), *days.items()]:
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise ParameterError(f"{name} has {value!r}. Give whole days of 1 or more.")
    if horizon < 30:
        raise ParameterError(f"horizon is {horizon} days. Give a month of 30 days or more.")
    if not 0 < margin <= 1:
        raise ParameterError(f"margin is {margin!r}. Give a share of revenue above 0, up to 1.")
    return tuple(sorted(set(ages)))


def _check_sums(counts: Counts) -> None:
    """Customers, spend rows and purchases of the parts sum to those of their tables."""
    raw = counts.raw

    def total(part: str) -> int:
        return int(raw.n[raw.part == part].sum())

    assert total("won") == total("first_won")
    if counts.has("spend"):
        assert total("spend") == total("first_spend")
    if counts.has("credit"):
        assert total("credit") == total("orders")
        money = raw.total[raw.part == "credit"].sum()
        assert np.isclose(money, raw.total[raw.part == "orders"].fillna(0).sum())
