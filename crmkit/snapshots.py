"""What was known of every customer on several days, and what came after: for models that warn.

Features are cut at the snapshot; the label begins after a gap. All days are asked at once: rows are
summed by customer and by the span between two edges of any window, and only these sums meet the
days.
"""

import datetime as dt
from collections.abc import Iterator, Sequence

import ibis
import ibis.expr.types as ir
import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit import periods
from crmkit.errors import ParameterError
from crmkit.persons import with_unit
from crmkit.purchases import purchases

__all__ = ["SIGNS", "rhythm", "snapshots"]

SIGNS = ("complaint", "bad_review", "search_discount")
"""Events that tell why a customer may leave."""
_EPOCH = dt.date(1970, 1, 1)
_WINDOWS = {"7": (7, 0), "30": (30, 0), "before_30": (60, 30), "90": (90, 0)}
"""Days before the snapshot, from and to: those of `_before_30` are the thirty before `_30`."""


def snapshots(
    orders: ir.Table,
    events: ir.Table | None = None,
    calls: ir.Table | None = None,
    *,
    days: Sequence[periods.Day],
    timezone: str = "UTC",
    followed: int = 180,
    gap: int = 0,
    signs: Sequence[str] = SIGNS,
    identities: ir.Table | None = None,
    ends: ir.Table | None = None,
    until: periods.Day | None = None,
) -> ir.Table:
    """One row for each day and each customer who had bought by then: features, and what followed.

    A snapshot is taken at the end of its local day. Features use nothing later; `next_in`,
    `next_active_in` and `end_in` use nothing else.

    Parameters: `orders`, `events` and `calls`, canonical; `days`, of the snapshots; `gap`, the days
    after it that count for nothing; `followed`, the days after the gap in which the next order is
    looked for; `signs`, events counted by themselves; `identities`, to know whose events are;
    `ends`, rows of customer_id and ended_at (UTC), such as contracts that ended; `until`, the last
    day of the data (the latest of `days`), included.
    Returns: customer_id, snapshot (days since 1970-01-01), tenure and recency (days since the first
    and the last order), silent (since the last order or event), orders, spend, orders_30,
    orders_before_30 (the thirty days before), spend_90, active_7, active_30, active_before_30
    (events), calls_30, calls_before_30, one column of the last 90 days for each sign, next_in (days
    to the first order after the gap; null where there is none in the `followed` days),
    next_active_in (the same of orders and events), end_in (of ends; the gap included), known (days
    after the snapshot of which there are data). Customers that ended before are left out.
    Raises: ParameterError without days, or for a day after `until`.

    >>> rows = ibis.memtable(
    ...     {
    ...         "order_id": ["1", "2"],
    ...         "customer_id": ["c", "c"],
    ...         "ordered_at": [dt.datetime(2025, 1, 1), dt.datetime(2025, 3, 1)],
    ...         "amount": [10.0, 20.0],
    ...         "refunded": [False, False],
    ...     }
    ... )
    >>> found = snapshots(rows, days=["2025-01-31"], until="2025-03-31").execute()
    >>> found[["recency", "orders", "next_in", "known"]].to_numpy().tolist()
    [[30, 1, 29, 59]]
    """
    numbers = sorted({(periods.day(day) - _EPOCH).days for day in days})
    if not numbers:
        raise ParameterError("days is empty. Give the days of the snapshots.")
    last = numbers[-1] if until is None else (periods.day(until) - _EPOCH).days
    if last < numbers[-1]:
        day = _EPOCH + dt.timedelta(days=numbers[-1])
        raise ParameterError(f"The snapshot of {day} lies after the last day, {until}.")
    end = periods.day_end(_EPOCH + dt.timedelta(days=last), timezone)
    edges = _edges(numbers, gap, followed)
    stream = _stream(orders, events, calls, timezone, end, signs, identities)
    if ends is not None:
        stream = stream.union(_part(ends, "ended_at", timezone, end, "end", None))
    return _at_each(_sums(stream, edges, signs), numbers, edges, (gap, followed, last), signs)


def _edges(numbers: Sequence[int], gap: int, followed: int) -> list[int]:
    """The last days of the spans that no window cuts."""
    back = {length for window in _WINDOWS.values() for length in window}
    return sorted({n + b for n in numbers for b in (*(-b for b in back), gap, gap + followed)})


def _stream(
    orders: ir.Table,
    events: ir.Table | None,
    calls: ir.Table | None,
    timezone: str,
    end: dt.datetime,
    signs: Sequence[str],
    identities: ir.Table | None,
) -> ir.Table:
    """Everything a customer did, as rows of day, kind, amount."""
    parts = [_part(purchases(orders), "ordered_at", timezone, end, "order", "amount")]
    if events is not None:
        known = events
        if identities is not None and "visitor_id" in events.columns:
            units = with_unit(events, identities=identities)
            mine = units.filter(units.unit.startswith("c:"))
            known = mine.mutate(customer_id=mine.unit.substr(2))
        kind = known.event.isin(list(signs)).ifelse(known.event, "event")
        parts.append(_part(known.mutate(kind=kind), "occurred_at", timezone, end, "kind", None))
    if calls is not None:
        parts.append(_part(calls, "started_at", timezone, end, "call", None))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _part(
    rows: ir.Table, time: str, timezone: str, end: dt.datetime, kind: str, amount: str | None
) -> ir.Table:
    rows = rows.filter(~rows.customer_id.isnull(), rows[time] < end)
    money = rows[amount].cast("float64") if amount else ibis.literal(0.0)
    return rows.select(
        "customer_id",
        day=periods.day_number(rows[time], timezone, until=end),
        kind=rows["kind"] if kind == "kind" else ibis.literal(kind),
        # Whole cents: sums are then the same in any order.
        cents=(money * 100).round().cast("int64"),
    )


def _sums(stream: ir.Table, edges: Sequence[int], signs: Sequence[str]) -> ir.Table:
    """One row a customer and span: what was done in it, and the days of its orders."""
    span = _span_of(stream.day, edges)
    rows = stream.mutate(span=span)
    is_order = rows.kind == "order"
    nothing = ibis.null("int64")
    counted = {f"n_{sign}": (rows.kind == sign).ifelse(1, 0).sum() for sign in signs}
    is_event = ~rows.kind.isin(["order", "call", "end"])
    acts = is_order | is_event
    return rows.group_by(["customer_id", "span"]).aggregate(
        n_orders=is_order.ifelse(1, 0).sum(),
        cents=rows.cents.sum(),
        first=is_order.ifelse(rows.day, nothing).min(),
        last=is_order.ifelse(rows.day, nothing).max(),
        first_act=acts.ifelse(rows.day, nothing).min(),
        last_act=acts.ifelse(rows.day, nothing).max(),
        end=(rows.kind == "end").ifelse(rows.day, nothing).min(),
        n_events=is_event.ifelse(1, 0).sum(),
        n_calls=(rows.kind == "call").ifelse(1, 0).sum(),
        **counted,
    )


def _span_of(day: ir.IntegerValue, edges: Sequence[int]) -> ir.IntegerValue:
    """The number of edges before a day, by halves: few comparisons a row."""

    def place(low: int, high: int) -> ir.IntegerValue:
        if low == high:
            return ibis.literal(low, type="int64")
        middle = (low + high) // 2
        return (day <= edges[middle]).ifelse(place(low, middle), place(middle + 1, high))

    return place(0, len(edges))


def _windows(
    number: int, edges: Sequence[int], gap: int, followed: int
) -> Iterator[dict[str, int]]:
    """Which spans belong to which windows of a snapshot."""
    for span in range(len(edges) + 1):
        begin = edges[span - 1] + 1 if span else None
        over = edges[span] if span < len(edges) else None
        past = over is not None and over <= number
        gone = begin is not None and number < begin <= number + gap + followed
        if past or gone:
            yield {
                "span": span,
                "snapshot": number,
                "past": int(past),
                "ahead": int(begin is not None and number + gap < begin <= number + gap + followed),
                **{
                    f"in_{name}": int(
                        past and begin is not None and number - a < begin <= number - b
                    )
                    for name, (a, b) in _WINDOWS.items()
                },
            }


def _at_each(
    sums: ir.Table,
    numbers: Sequence[int],
    edges: Sequence[int],
    known: tuple[int, int, int],
    signs: Sequence[str],
) -> ir.Table:
    """The sums of the spans put together for each snapshot."""
    gap, followed, until = known
    rows = [row for number in numbers for row in _windows(number, edges, gap, followed)]
    which = ibis.memtable(
        {name: [row[name] for row in rows] for name in rows[0]},
        schema=dict.fromkeys(rows[0], "int64"),
    )
    joined = sums.inner_join(which, "span")

    def total(column: str, window: str) -> ir.IntegerScalar:
        return (joined[column] * joined[window]).sum()

    is_past, is_ahead = joined.past == 1, joined.ahead == 1
    nothing = ibis.null("int64")
    found = joined.group_by(["customer_id", "snapshot"]).aggregate(
        first=is_past.ifelse(joined["first"], nothing).min(),
        last=is_past.ifelse(joined["last"], nothing).max(),
        last_act=is_past.ifelse(joined.last_act, nothing).max(),
        following=is_ahead.ifelse(joined["first"], nothing).min(),
        following_act=is_ahead.ifelse(joined.first_act, nothing).min(),
        ended=is_past.ifelse(joined.end, nothing).min(),
        end=is_past.ifelse(nothing, joined.end).min(),
        orders=total("n_orders", "past"),
        cents=total("cents", "past"),
        orders_30=total("n_orders", "in_30"),
        orders_before_30=total("n_orders", "in_before_30"),
        cents_90=total("cents", "in_90"),
        active_7=total("n_events", "in_7"),
        active_30=total("n_events", "in_30"),
        active_before_30=total("n_events", "in_before_30"),
        calls_30=total("n_calls", "in_30"),
        calls_before_30=total("n_calls", "in_before_30"),
        **{sign: total(f"n_{sign}", "in_90") for sign in signs},
    )
    found = found.filter(found.orders > 0, found.ended.isnull())
    counts = ["orders", "orders_30", "orders_before_30", "active_7", "active_30"]
    counts += ["active_before_30", "calls_30", "calls_before_30", *signs]
    return found.select(
        "customer_id",
        "snapshot",
        tenure=(found.snapshot - found["first"]).cast("int64"),
        recency=(found.snapshot - found["last"]).cast("int64"),
        silent=(found.snapshot - found.last_act).cast("int64"),
        spend=found.cents.cast("float64") / 100,
        spend_90=found.cents_90.cast("float64") / 100,
        **{name: found[name].cast("int64") for name in counts},
        next_in=(found.following - found.snapshot).cast("int64"),
        next_active_in=(found.following_act - found.snapshot).cast("int64"),
        end_in=(found.end - found.snapshot).cast("int64"),
        known=ibis.literal(until) - found.snapshot,
    )


def rhythm(rows: pd.DataFrame) -> npt.NDArray[np.float64]:
    """Each customer's mean days between orders, drawn to that of the snapshot by one gap.

    Who bought once has the mean of all; without anybody who bought twice, that is 30 days.
    """
    gaps = rows.orders.to_numpy(dtype=float) - 1
    days = (rows.tenure - rows.recency).to_numpy(dtype=float)
    frame = pd.DataFrame({"gaps": gaps, "days": days, "snapshot": rows.snapshot.to_numpy()})
    sums = frame.groupby("snapshot")[["days", "gaps"]].transform("sum")
    usual = np.where(sums.gaps > 0, sums.days / np.maximum(sums.gaps, 1), 30.0)
    found: npt.NDArray[np.float64] = np.maximum((days + usual) / (gaps + 1), 1.0)
    return found
