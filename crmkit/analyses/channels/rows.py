"""The one expression of channels: customers, money and touches counted by channel and period."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from crmkit.analyses.channels.credit import credited
from crmkit.analyses.channels.people import aged, people, won
from crmkit.analyses.channels.prospects import from_leads, from_visitors
from crmkit.analyses.channels.span import BACK, Span

__all__ = ["counted"]

_EPOCH = "1970-01-01"
_COUNTS = ("span", "age", "until", "touched", "n", "hits")


def counted(
    customers: ir.Table,
    purchases: ir.Table,
    *,
    span: Span,
    ages: Sequence[int],
    spend: ir.Table | None,
    touches: ir.Table | None,
    events: ir.Table | None,
    leads: ir.Table | None,
    lookback: int,
    within: int,
) -> ir.Table:
    """All counts in one table: the column `part` says which a row belongs to.

    `won`, `aged`, `spend`, `credit`, `visitors`, `leads`: as their functions give them; for each of
    them `first_...` has in `span` the first day its table tells of, and its rows in `n`; `orders`:
    purchases and their money; `orphans`: purchases of customers who are not in the table.
    """
    rows = people(customers, purchases, span, ages)
    bought = purchases.filter(purchases.ordered_at < span.end)
    parts = [
        _part("won", won(rows, span)),
        _part("aged", aged(rows, bought, span, ages)),
        _part("first_won", rows.aggregate(span=rows.day.min(), n=rows.count())),
        _part(
            "orders",
            bought.aggregate(n=bought.count(), total=bought.amount.sum().cast("float64")),
        ),
        _part("orphans", _orphans(bought, customers)),
    ]
    if spend is not None:
        parts += [_part("spend", _spent(spend, span)), _part("first_spend", _since(_day(spend)))]
    if touches is not None:
        known = span.day_of(touches.occurred_at)
        parts += [
            _part("credit", credited(purchases, touches, span, lookback=lookback)),
            _part("first_credit", _since(known)),
        ]
    if events is not None:
        parts += [
            _part("visitors", from_visitors(events, rows, span, within=within)),
            _part("first_visitors", _since(span.day_of(events.occurred_at))),
        ]
    if leads is not None:
        parts += [
            _part("leads", from_leads(leads, rows, span, within=within)),
            _part("first_leads", _since(span.day_of(leads.created_at))),
        ]
    return ibis.union(*parts)


def _orphans(bought: ir.Table, customers: ir.Table) -> ir.Table:
    lost = bought.anti_join(customers, "customer_id")
    return lost.aggregate(n=lost.count())


def _day(spend: ir.Table) -> ir.IntegerValue:
    return spend.day.delta(ibis.date(_EPOCH), unit="day").cast("int64")


def _spent(spend: ir.Table, span: Span) -> ir.Table:
    """Money spent by channel and period of its day: 1 is later, -13 all that is earlier."""
    index = ibis.least(ibis.greatest(span.index(_day(spend)), -BACK - 1), 1)
    rows = spend.select("channel", "cost", span=index)
    return rows.group_by(["channel", "span"]).aggregate(
        n=rows.count(), total=rows.cost.sum().cast("float64")
    )


def _since(day: ir.IntegerColumn) -> ir.Table:
    """The first day that a table tells of, and its rows."""
    return day.as_table().aggregate(span=day.min(), n=day.count())


def _part(name: str, table: ir.Table) -> ir.Table:
    """Rows of one part, with the columns that all parts have."""

    def column(what: str, type_: str) -> ir.Value:
        return table[what].cast(type_) if what in table.columns else ibis.null(type_)

    return table.select(
        part=ibis.literal(name),
        channel=column("channel", "string"),
        **{what: column(what, "int64") for what in _COUNTS},
        **{what: column(what, "float64") for what in ("total", "squares")},
    )
