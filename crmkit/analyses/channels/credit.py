"""Which touch a purchase is credited to: the last that was not direct, by the touch's date."""

import ibis
import ibis.expr.types as ir

from crmkit.analyses.channels.span import BACK, Span

__all__ = ["credited"]

_MONEY = "decimal(18, 2)"


def credited(purchases: ir.Table, touches: ir.Table, span: Span, *, lookback: int) -> ir.Table:
    """Purchases by channel and period of the touch that they are credited to.

    The last touch that was not direct within `lookback` days before the purchase; a direct one only
    where there is no other. A purchase without touch has no channel and counts in its own period.
    Returns: channel, touched (1 where there is a touch), span (not below -13), n purchases, total,
    squares of money and of purchases by customer.
    """
    bought = purchases.filter(purchases.ordered_at < span.end)
    sales = bought.select("order_id", "customer_id", "amount", at=bought.ordered_at)
    met = _met(touches, span)
    last = _last(sales, met)
    limit = ibis.interval(days=lookback)
    sales = sales.left_join(last, ["order_id", "customer_id"]).select(
        *(sales[name] for name in sales.columns), "other_at", "direct_at"
    )
    other = sales.other_at >= sales["at"] - limit
    direct = sales.direct_at >= sales["at"] - limit
    sales = sales.mutate(
        touch_at=ibis.ifelse(
            other.fill_null(False),
            sales.other_at,
            ibis.ifelse(direct.fill_null(False), sales.direct_at, None),
        ),
        touch_direct=ibis.ifelse(other.fill_null(False), 0, 1).cast("int64"),
    )
    placed = sales.left_join(
        met,
        [
            sales.customer_id == met.customer_id,
            sales.touch_at == met["at"],
            sales.touch_direct == met.direct,
        ],
    ).select(
        sales.customer_id,
        sales.amount,
        met.channel,
        touched=sales.touch_at.notnull().cast("int64"),
        day=span.day_of(sales.touch_at.coalesce(sales["at"])),
    )
    index = ibis.greatest(span.index(placed.day), -BACK - 1)
    each = (
        placed.mutate(span=index)
        .group_by(["channel", "touched", "span", "customer_id"])
        .aggregate(n=lambda t: t.count(), total=lambda t: t.amount.sum().cast(_MONEY))
    )
    return each.group_by(["channel", "touched", "span"]).aggregate(
        n=each.n.sum(),
        total=each.total.sum().cast("float64"),
        squares=(each.total * each.total).sum().cast("float64"),
        hits=(each.n * each.n).sum(),
    )


def _met(touches: ir.Table, span: Span) -> ir.Table:
    """Touches, one for each customer, instant and kind: of several, the last channel by name."""
    rows = touches.filter(
        touches.occurred_at < span.end, touches.customer_id.notnull(), touches.channel.notnull()
    )
    direct = (rows.kind == "direct").fill_null(False).cast("int64")
    rows = rows.select("customer_id", "channel", at=rows.occurred_at, direct=direct)
    return rows.group_by(["customer_id", "at", "direct"]).aggregate(channel=rows.channel.max())


def _last(sales: ir.Table, met: ir.Table) -> ir.Table:
    """The time of the last touch up to each purchase, direct or not."""
    touched = met.select(
        "customer_id",
        "at",
        order_id=ibis.null("string"),
        other_at=ibis.ifelse(met.direct == 0, met["at"], None),
        direct_at=ibis.ifelse(met.direct == 1, met["at"], None),
        place=met.direct,
    )
    asked = sales.select(
        "customer_id",
        "at",
        "order_id",
        other_at=ibis.null("timestamp"),
        direct_at=ibis.null("timestamp"),
        place=ibis.literal(2, type="int64"),
    )
    stream = ibis.union(touched, asked.cast(touched.schema()))
    so_far = ibis.cumulative_window(
        group_by=stream.customer_id, order_by=[stream["at"], stream.place, stream.order_id]
    )
    known = stream.mutate(
        other_at=stream.other_at.max().over(so_far), direct_at=stream.direct_at.max().over(so_far)
    )
    return known.filter(known.place == 2).select("order_id", "customer_id", "other_at", "direct_at")
