"""The one expression of a trial: what each arm of each campaign did, before it and in its time."""

import datetime as dt

import ibis
import ibis.expr.types as ir

__all__ = ["arms"]

_MONEY = "decimal(18, 2)"  # whole cents, so that squares are exact and the same in any order


def arms(
    interventions: ir.Table,
    purchases: ir.Table,
    campaigns: ir.Table | None,
    *,
    end: dt.datetime,
    days: int,
) -> ir.Table:
    """One row for each campaign, arm and end of its time, with sums over its customers.

    Returns: campaign, arm (treated, holdout, or both for customers who were put into both), begins
    and ends (of the window, UTC), n, cost, settings, and for the window and the equally long time
    before it (`_before`): buyers, orders, revenue and squares, the sum of squared revenue of
    customers.
    """
    people = _people(interventions, campaigns, end=end, days=days)
    bought = _bought(people, purchases, end)
    rows = people.left_join(bought, ["campaign", "customer_id"])
    sums = {
        f"{name}{when}": rows[f"{name}{when}"].fill_null(0).sum()
        for when in ("", "_before")
        for name in ("orders", "revenue", "squares")
    }
    buyers = {
        f"buyers{when}": rows[f"orders{when}"].fill_null(0).__gt__(0).cast("int64").sum()
        for when in ("", "_before")
    }
    return rows.group_by(["campaign", "arm"]).aggregate(
        begins=rows.begins.min(),
        ends=rows.ends.max(),
        n=rows.count(),
        cost=rows.cost.sum(),
        settings=rows.settings.max(),
        **buyers,
        **sums,
    )


def _people(
    interventions: ir.Table, campaigns: ir.Table | None, *, end: dt.datetime, days: int
) -> ir.Table:
    """Customers of campaigns, once each: from the first assignment to the end of the campaign."""
    rows = interventions.filter(
        interventions.reason == "campaign",
        interventions.action.notnull(),
        interventions.assigned_at < end,
    )
    people = rows.group_by(campaign=rows.action, customer_id=rows.customer_id).aggregate(
        begins=rows.assigned_at.min(),
        cost=rows.cost.fill_null(0).sum(),
        first=rows.arm.min(),
        last=rows.arm.max(),
    )
    people = people.mutate(
        arm=ibis.ifelse(people["first"] == people["last"], people["first"], "both"),
        by_days=people.begins + ibis.interval(days=days),
    )
    if campaigns is None:
        return people.mutate(ends=people.by_days, settings=ibis.null("string"))
    known = campaigns.select("settings", campaign="campaign_id", over="ended_at")
    joined = people.left_join(known, "campaign")
    ends = ibis.ifelse(joined.over > joined.begins, joined.over, joined.by_days)
    return joined.select(*people.columns, "settings", ends=ends.coalesce(joined.by_days))


def _bought(people: ir.Table, purchases: ir.Table, end: dt.datetime) -> ir.Table:
    """Orders and revenue of each customer of a campaign, in its window and right before it."""
    window = people.select(
        "campaign", "customer_id", "begins", "ends", length=people.ends - people.begins
    )
    rows = window.inner_join(
        purchases.select("customer_id", "ordered_at", "amount"), "customer_id"
    ).filter(lambda t: t.ordered_at < end)
    inside = (rows.ordered_at >= rows.begins) & (rows.ordered_at < rows.ends)
    before = (rows.ordered_at < rows.begins) & (rows.ordered_at >= rows.begins - rows.length)
    each = rows.group_by(["campaign", "customer_id"]).aggregate(
        orders=inside.cast("int64").sum(),
        orders_before=before.cast("int64").sum(),
        revenue=_paid(rows, inside),
        revenue_before=_paid(rows, before),
    )
    return each.mutate(
        squares=each.revenue * each.revenue,
        squares_before=each.revenue_before * each.revenue_before,
    )


def _paid(rows: ir.Table, counted: ir.BooleanValue) -> ir.DecimalValue:
    return ibis.ifelse(counted, rows.amount, 0).sum().fill_null(0).cast(_MONEY)
