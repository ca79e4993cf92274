"""The one expression of the feedback: what those on the lists did, by action, arm and score."""

import datetime as dt

import ibis
import ibis.expr.types as ir

from crmkit import periods

__all__ = ["LEVELS", "counts"]

LEVELS = 20
"""Groups of equal size that the score is cut into for the Qini curve."""
_MONEY = "decimal(18, 2)"  # whole cents, so that squares are exact and the same in any order
_YEAR = 365
_MICRO = 1_000_000  # chances are summed in millionths, the same in any order


def counts(
    interventions: ir.Table,
    orders: ir.Table,
    scores: ir.Table | None = None,
    *,
    begin: dt.datetime | None = None,
    end: dt.datetime,
    horizon_days: int,
    timezone: str = "UTC",
) -> ir.Table:
    """One row for each reason, action, arm, whether the horizon is over, and level of score.

    The lists are what was assigned from `begin` to before `end` (UTC), campaigns aside. A customer
    counts once, at the first assignment; who was put into the other arm too before the horizon was
    over has the arm "both". An order counts from the instant of the assignment to before that of
    the horizon's end, the rule of campaigns too. Both arms are watched for the same time.

    The score is the chance of the last `scores` (customer_id, snapshot, chance) whose local day was
    not after the assignment; without scores it is what the customer spent in the year before.

    Returns: reason, action, arm, over, level (0 the highest, of `LEVELS`), n, buyers, revenue,
    squares (of customers' revenue), cost, scored (customers with a chance), chance (their sum in
    millionths).
    """
    listed = _people(interventions, begin=begin, end=end, days=horizon_days)
    bought = _bought(listed, orders, end)
    rows = listed.left_join(bought, "customer_id").drop("customer_id_right")
    if scores is None:
        scored = rows.mutate(chance=ibis.null("int64"), score=rows.before.fill_null(0))
    else:
        chances = _chances(listed, scores, timezone, end)
        scored = rows.left_join(chances, "customer_id").drop("customer_id_right")
        scored = scored.mutate(score=scored.chance.fill_null(-1))
    ranked = _levelled(scored)
    revenue = ranked.revenue.fill_null(0)
    return ranked.group_by(["reason", "action", "arm", "over", "level"]).aggregate(
        n=ranked.count(),
        buyers=(ranked.orders.fill_null(0) > 0).cast("int64").sum(),
        revenue=revenue.sum(),
        squares=(revenue * revenue).sum(),
        cost=ranked.cost.sum(),
        scored=(~ranked.chance.isnull()).cast("int64").sum(),
        chance=ranked.chance.fill_null(0).sum(),
    )


def _people(
    interventions: ir.Table, *, begin: dt.datetime | None, end: dt.datetime, days: int
) -> ir.Table:
    """Customers of the lists, once each, at their first assignment."""
    rows = interventions.filter(
        interventions.reason.fill_null("") != "campaign", interventions.assigned_at < end
    )
    if begin is not None:
        rows = rows.filter(rows.assigned_at >= begin)
    order = [rows.assigned_at, rows.reason, rows.action, rows.arm]
    placed = rows.mutate(
        place=ibis.row_number().over(ibis.window(group_by="customer_id", order_by=order)),
        begins=rows.assigned_at.min().over(ibis.window(group_by="customer_id")),
    )
    placed = placed.mutate(ends=placed.begins + ibis.interval(days=days))
    watched = placed.filter(placed.assigned_at < placed.ends)
    arms = watched.group_by("customer_id").aggregate(
        least=watched.arm.min(), most=watched.arm.max()
    )
    both = placed.filter(placed.place == 0).inner_join(arms, "customer_id")
    return both.select(
        "customer_id",
        "reason",
        "action",
        "begins",
        "ends",
        arm=ibis.ifelse(both.least == both.most, both.arm, "both"),
        over=both.ends <= end,
        cost=both.cost.fill_null(0),
    )


def _bought(listed: ir.Table, orders: ir.Table, end: dt.datetime) -> ir.Table:
    """What each customer of the lists bought within the horizon, and spent in the year before."""
    found = listed.select("customer_id", "begins", "ends").inner_join(
        orders.select("customer_id", "ordered_at", "amount"), "customer_id"
    )
    found = found.filter(found.ordered_at < end)
    inside = (found.ordered_at >= found.begins) & (found.ordered_at < found.ends)
    before = (found.ordered_at < found.begins) & (
        found.ordered_at >= found.begins - ibis.interval(days=_YEAR)
    )
    return found.group_by("customer_id").aggregate(
        orders=inside.cast("int64").sum(), revenue=_paid(found, inside), before=_paid(found, before)
    )


def _paid(rows: ir.Table, counted: ir.BooleanValue) -> ir.DecimalValue:
    return ibis.ifelse(counted, rows.amount, 0).sum().fill_null(0).cast(_MONEY)


def _chances(listed: ir.Table, scores: ir.Table, timezone: str, end: dt.datetime) -> ir.Table:
    """Each customer's chance of leaving as it was known at the assignment, in millionths."""
    known = scores.select("customer_id", "chance", day=scores.snapshot.cast("date"))
    assigned = listed.select(
        "customer_id", local=periods.local_time(listed.begins, timezone, until=end).date()
    )
    found = assigned.inner_join(known, "customer_id")
    found = found.filter(found.day <= found.local)
    order = [found.day.desc(), found.chance.desc()]
    last = found.mutate(
        place=ibis.row_number().over(ibis.window(group_by="customer_id", order_by=order))
    ).filter(lambda t: t.place == 0)
    return last.select("customer_id", chance=(last.chance * _MICRO).round().cast("int64"))


def _levelled(rows: ir.Table) -> ir.Table:
    """Customers who can be compared, in groups of equal size by score; equal scores together."""
    compared = rows.over & (rows.arm != "both")
    by_score = ibis.window(group_by=compared, order_by=rows.score.desc())
    everyone = ibis.window(group_by=compared)
    ranked = rows.mutate(place=ibis.rank().over(by_score), among=ibis._.count().over(everyone))
    return ranked.mutate(level=ranked.place * LEVELS // ranked.among)
