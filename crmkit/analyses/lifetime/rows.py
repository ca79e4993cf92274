"""The expressions over purchases: each customer's history, counted, and scored."""

import ibis
import ibis.expr.types as ir
import numpy as np

from crmkit import periods
from crmkit.activity import activity
from crmkit.analyses.lifetime.options import LONGEST_HOLDOUT, Options
from crmkit.btyd.forecast import Customers, discounted
from crmkit.btyd.purchasing import Purchasing
from crmkit.btyd.spending import Spending
from crmkit.errors import InputError

__all__ = ["counted", "histories", "scored"]


def counted(purchases: ir.Table, options: Options) -> ir.Table:
    """Customers by history, those alike counted together, and repeat purchases by period.

    Returns: rows of kind "customer", `n` customers each (first and last period, x repeat periods,
    amount `spent` in them, and the same as known at the end `cut` of the calibration: `last_then`,
    `x_then`, -1 for who was not there yet); and rows of kind "period": `n` customers came again in
    the period `first`, `x_then` -1 where they were not there at the cut.
    """
    active = _active(purchases, options)
    people = _people(active).group_by(["first", "last", "x", "spent", "last_then", "x_then", "cut"])
    customers = people.aggregate(n=ibis._.count())
    again = active.filter(active.period > active["first"])
    again = again.mutate(x_then=ibis.ifelse(again["first"] <= again.cut, 0, -1))
    course = again.group_by(["period", "x_then", "cut"]).aggregate(n=again.count())
    zero = ibis.literal(0, "int64")
    course = course.select(
        kind=ibis.literal("period"),
        first=course.period,
        last=zero,
        x=zero,
        spent=ibis.literal(0.0),
        last_then=zero,
        x_then=course.x_then.cast("int64"),
        cut=course.cut,
        n=course.n,
    )
    customers = customers.select(
        kind=ibis.literal("customer"), **{name: customers[name] for name in course.columns[1:]}
    )
    return ibis.union(customers.cast(course.schema()), course)


def histories(purchases: ir.Table, options: Options) -> ir.Table:
    """One row a customer: first and last period, repeat periods x, amount spent in those."""
    return _people(_active(purchases, options)).drop("last_then", "x_then", "cut")


def _active(purchases: ir.Table, options: Options) -> ir.Table:
    """One row a customer and period with a purchase, with the first one and the cut beside it."""
    if "amount" not in purchases.columns:
        raise InputError(f"The table has no column amount. It has: {', '.join(purchases.columns)}.")
    rows = activity(purchases, end=options.end)
    rows = rows.filter(rows.customer_id.notnull())
    number = periods.period_number(rows.at, options.unit, options.timezone, until=options.end)
    placed = rows.select("customer_id", "amount", period=number.cast("int64"))
    sums = placed.group_by(["customer_id", "period"]).aggregate(amount=placed.amount.sum())
    active = sums.mutate(first=sums.period.min().over(group_by=sums.customer_id))
    last = ibis.literal(options.last, "int64")
    if options.holdout is not None:
        return active.mutate(cut=last - options.holdout * options.week)
    seen = active.aggregate(begin=active["first"].min())
    weeks = (last - seen.begin) // options.week
    held = ibis.least(weeks // 3, ibis.literal(LONGEST_HOLDOUT, "int64"))
    return active.cross_join(seen.select(cut=(last - held * options.week).cast("int64")))


def _people(active: ir.Table) -> ir.Table:
    again = active.period > active["first"]
    then = active.period <= active.cut
    return active.group_by(["customer_id", "first", "cut"]).aggregate(
        last=active.period.max(),
        x=active.count() - 1,
        spent=active.amount.sum(where=again).cast("float64").fill_null(0.0),
        last_then=active.period.max(where=then).fill_null(active["first"].max()),
        x_then=then.cast("int64").sum() - 1,
    )


def scored(
    purchases: ir.Table, options: Options, buying: Purchasing, paying: Spending, who: Customers
) -> ir.Table:
    """One row a customer: its history and what it is expected to do, most valuable first.

    What a customer still alive will do depends only on its number of repeats and its age; it comes
    as a small table that the engine joins.
    """
    known, _ = who.pairs
    plain, later = discounted(
        buying, known.real, known.imag, horizon=options.horizon, discount=options.discount
    )
    future = ibis.memtable(
        {
            "x": known.real.astype("int64"),
            "units": np.rint(known.imag * options.week).astype("int64"),
            "if_alive": plain,
            "discounted": later,
        }
    )
    people = histories(purchases, options)
    people = people.mutate(units=ibis.literal(options.last, "int64") - people["first"])
    joined = people.join(future, ["x", "units"])
    # As float64 before any arithmetic: Spark reads 7.0 as a decimal of few digits.
    x, units = joined.x.cast("float64"), joined.units.cast("float64")
    age = units / options.week
    recency = (joined["last"] - joined["first"]).cast("float64") / options.week
    odds = (
        float(np.log(buying.a))
        - (ibis.greatest(x, 1.0) + (buying.b - 1)).ln()
        + (x + buying.r) * ((age + buying.alpha).ln() - (recency + buying.alpha).ln())
    )
    alive = ibis.ifelse(joined.x == 0, 1.0, 1 / (1 + ibis.least(odds, 700.0).exp()))
    spend = paying.p * (joined.spent + paying.v) / (x * paying.p + (paying.q - 1))
    table = joined.select(
        "customer_id",
        repeats=joined.x,
        last_weeks_ago=age - recency,
        spent=joined.spent,
        p_alive=alive,
        expected_purchases=alive * joined.if_alive,
        expected_spend=spend,
        value=alive * joined.discounted * spend * options.margin,
    )
    return table.order_by(table.value.desc(), table.customer_id.asc())
