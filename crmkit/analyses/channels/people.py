"""Customers with the day they were won and what they spent up to each age."""

from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from crmkit.analyses.channels.span import BACK, Span

__all__ = ["aged", "people", "won"]

_MONEY = "decimal(18, 2)"  # whole cents, so that squares are exact and the same in any order


def people(customers: ir.Table, purchases: ir.Table, span: Span, ages: Sequence[int]) -> ir.Table:
    """One row for each customer known by the end of the period.

    Returns: customer_id, channel, at (won: created_at, or the first purchase where that is earlier
    or created_at unknown; null where both are), day (its number), and for each age A in days
    value_A and orders_A: what was bought on days up to A days after.
    """
    bought = purchases.filter(purchases.ordered_at < span.end)
    first = bought.group_by("customer_id").aggregate(first_at=bought.ordered_at.min())
    known = customers.select("customer_id", "created_at", "channel")
    joined = known.left_join(first, "customer_id").select(*known.columns, "first_at")
    won_at = ibis.least(
        joined.created_at.coalesce(joined.first_at), joined.first_at.coalesce(joined.created_at)
    )
    rows = joined.mutate(at=won_at)
    rows = rows.filter(rows["at"].isnull() | (rows["at"] < span.end))
    rows = rows.select("customer_id", "channel", "at", day=span.day_of(rows["at"]))
    spent = _spent(rows, bought, span, ages)
    filled = {name: spent[name].fill_null(0) for name in spent.columns if name != "customer_id"}
    together = rows.left_join(spent, "customer_id")
    return together.select(
        *(rows[name] for name in rows.columns),
        **{name: together[name].fill_null(0) for name in filled},
    )


def _spent(rows: ir.Table, bought: ir.Table, span: Span, ages: Sequence[int]) -> ir.Table:
    """Money and purchases of each customer up to each age."""
    known = rows.filter(rows["at"].notnull()).select("customer_id", "day")
    sales = bought.select(
        "customer_id", amount=bought.amount.cast(_MONEY), bought_on=span.day_of(bought.ordered_at)
    ).inner_join(known, "customer_id")
    age = sales.bought_on - sales.day
    sums: dict[str, ir.Value] = {}
    for limit in ages:
        sums[f"value_{limit}"] = sales.amount.sum(where=age <= limit).cast(_MONEY)
        sums[f"orders_{limit}"] = (age <= limit).cast("int64").sum()
    return sales.group_by("customer_id").aggregate(**sums)


def won(rows: ir.Table, span: Span) -> ir.Table:
    """Customers won by channel and period, not below -13; of an unknown day, without a period."""
    index = ibis.greatest(span.index(rows.day), -BACK - 1)
    placed = rows.select("channel", span=ibis.ifelse(rows["at"].isnull(), None, index))
    return placed.group_by(["channel", "span"]).aggregate(n=placed.count())


def aged(rows: ir.Table, purchases: ir.Table, span: Span, ages: Sequence[int]) -> ir.Table:
    """What the customers of this period and the one before, moved back by each age, bought by then.

    Customers won before the first purchase of the data are left out: their early ones are missing.
    Returns: channel, span, age (by which the period is moved back), until (purchases up to that age
    count, not above `age`), n, hits (customers of two purchases or more), total, squares.
    """
    first = purchases.aggregate(first_day=span.day_of(purchases.ordered_at.min()))
    known = rows.filter(rows["at"].notnull()).cross_join(first)
    each = _for_each(known.filter(known.day >= known.first_day), ages, "age")
    each = each.mutate(span=span.index(each.day, age=each.age))
    each = each.filter(each.span.isin([0, -1]))
    sums: dict[str, ir.Value] = {}
    for until in ages:
        value = each[f"value_{until}"]
        sums[f"hits_{until}"] = (each[f"orders_{until}"] >= 2).cast("int64").sum()
        sums[f"total_{until}"] = value.sum().cast("float64")
        sums[f"squares_{until}"] = (value * value).sum().cast("float64")
    counts = each.group_by(["channel", "span", "age"]).aggregate(n=each.count(), **sums)
    told = _for_each(counts, ages, "until")
    told = told.filter(told.until <= told.age)
    picked = {
        what: ibis.cases(*((told.until == age, told[f"{what}_{age}"]) for age in ages))
        for what in ("hits", "total", "squares")
    }
    return told.select("channel", "span", "age", "until", "n", **picked)


def _for_each(rows: ir.Table, ages: Sequence[int], name: str) -> ir.Table:
    """Each row once for every age, which is put into a column of that name."""
    every = rows.mutate(every=ibis.array(list(ages)).unnest())  # alone: Spark nests no generator
    return every.mutate(**{name: every.every.cast("int64")}).drop("every")
