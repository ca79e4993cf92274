"""Assignments counted by who is credited with them, and what their sources would have given."""

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit.analyses.leads.rows import assignments, known_leads, known_steps

__all__ = ["against_expected", "win_cells"]

_PAID_DAYS = 7


def against_expected(cells: pd.DataFrame) -> pd.DataFrame:
    """Owners with their wins, and those at the rate of each source, first or given out again.

    Returns: agent, n, interacted, won, unpaid, revenue, expected, last; won and expected have the
    same total.
    """
    strata = cells.groupby(["source", "again"])[["n", "won"]].transform("sum")
    cells = cells.assign(expected=cells.n * strata.won / strata.n)
    measures = ["n", "interacted", "won", "unpaid", "revenue", "expected"]
    owners = cells.groupby("credited")[measures].sum()
    owners = owners.assign(last=cells.groupby("credited")["last"].max()).reset_index(names="agent")
    assert abs(owners.expected.sum() - owners.won.sum()) < 1e-6 * max(1, owners.won.sum())
    return owners


def win_cells(
    leads: ir.Table,
    lead_events: ir.Table,
    orders: ir.Table | None,
    start: dt.datetime,
    end: dt.datetime,
    window: int,
    rule: str = "holder",
    middle: dt.datetime | None = None,
) -> ir.Table:
    """Assignments to owners that are old enough, by who is credited, source, and time.

    Parameters: `start` and `end`, instants; `window`, days for a win; `rule`, "holder" or "first";
    `middle`, an instant that parts earlier from later.
    Returns: credited, source, again (given out before), late; n, interacted, won, unpaid, revenue,
    last (dispatched).
    """
    given = assignments(known_steps(lead_events, end))
    given = given.filter(~given.agent.isnull())
    first = given.agent.first().over(ibis.window(group_by=given.lead_id, order_by=given["round"]))
    given = given.mutate(credited=first if rule == "first" else given.agent)
    last = ibis.literal(end - dt.timedelta(days=window)).cast("timestamp")
    given = given.filter(given.dispatched >= start, given.dispatched < last)
    known = known_leads(leads, end).select(named="lead_id", source="source", who="customer_id")
    rows = given.inner_join(known, given.lead_id == known.named)
    soon = rows.dispatched + ibis.interval(days=window)
    rows = rows.mutate(
        is_won=(~rows.won.isnull() & (rows.won < soon)).fill_null(False),
        met=(~rows.interacted.isnull() & (rows.interacted < soon)).fill_null(False),
        again=rows["round"] > 1,
        late=rows.dispatched >= ibis.literal(middle or end).cast("timestamp"),
        source=rows.source.fill_null(""),
    )
    rows = _paid(rows, orders)
    return rows.group_by(["credited", "source", "again", "late"]).aggregate(
        n=rows.count(),
        interacted=rows.met.cast("int64").sum(),
        won=rows.is_won.cast("int64").sum(),
        unpaid=(rows.is_won & rows.amount.isnull()).cast("int64").sum(),
        revenue=rows.amount.fill_null(0.0).sum(),
        last=rows.dispatched.max(),
    )


def _paid(rows: ir.Table, orders: ir.Table | None) -> ir.Table:
    """Assignments with the amount of the first purchase from their win on, within a week."""
    if orders is None:
        return rows.mutate(amount=ibis.null("float64"))
    bought = orders.select(
        buyer="customer_id", order="order_id", at_=orders.ordered_at.cast("timestamp"),
        paid=orders.amount.cast("float64"),
    )  # fmt: skip
    wins = rows.filter(rows.is_won, ~rows.who.isnull()).select("lead_id", "round", "who", "won")
    met = wins.inner_join(
        bought,
        (wins.who == bought.buyer)
        & (bought.at_ >= wins.won)
        & (bought.at_ < wins.won + ibis.interval(days=_PAID_DAYS)),
    )
    place = ibis.row_number().over(
        group_by=[met.lead_id, met["round"]], order_by=[met.at_, met.order]
    )
    first = met.mutate(place=place)
    first = first.filter(first.place == 0).select(_lead="lead_id", _round="round", amount="paid")
    same = (rows.lead_id == first["_lead"]) & (rows["round"] == first["_round"])
    return rows.left_join(first, same).select(*rows.columns, "amount")
