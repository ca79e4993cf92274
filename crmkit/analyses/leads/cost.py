"""What a lead costs by the channel that brought it: in all, qualified, and won."""

import datetime as dt

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit.analyses.leads.cost_result import STAGES, LeadCost
from crmkit.analyses.leads.rows import known_leads, known_steps
from crmkit.errors import ParameterError
from crmkit.stats import poisson_interval

__all__ = ["lead_cost"]


def lead_cost(
    leads: ir.Table,
    lead_events: ir.Table,
    touches: ir.Table,
    spend: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 180,
    window: int = 30,
    lookback: int = 30,
    qualified: str = "interacted",
) -> LeadCost:
    """Cost per lead, per qualified lead and per win of each channel: its spend over their number.

    A lead is of the channel of the last paid touch of its person in the `lookback` days before it
    came in; leads without one are of no channel and cost nothing here. Qualified: it interacted (or
    as `qualified` says) within `window` days. Spend is that of the same days as the leads.

    Parameters: `leads`, `lead_events`, `touches`, `spend`, canonical tables; `as_of`, the last day,
    included; `days`, looked back on; `window`, days, and leads younger than that are left out;
    `qualified`, "interacted", "intent" or "won".
    Returns: LeadCost with `channels`: channel ("" for none), cost, leads, qualified, won, and
    per_lead, per_qualified, per_won with limits, from the Poisson interval of the number.
    Raises: ParameterError for days below 1 or no more than the window, or another stage.
    """
    if qualified not in STAGES:
        raise ParameterError(f"qualified={qualified!r}. Give one of: {', '.join(STAGES)}.")
    if window < 1 or lookback < 1 or days <= window:
        raise ParameterError(
            f"days={days}, window={window}, lookback={lookback}: give at least 1, and more days "
            "than the window."
        )
    day = calendar.day(as_of)
    first, last = day - dt.timedelta(days=days - 1), day - dt.timedelta(days=window)
    start, stop = calendar.day_start(first, timezone), calendar.day_end(last, timezone)
    end = calendar.day_end(day, timezone)
    counted = _counted(leads, lead_events, touches, start, stop, end, window, lookback, qualified)
    paid = _spent(spend, first, last)
    raw = counted.outer_join(paid, counted.channel == paid.payer).select(
        channel=ibis.coalesce(counted.channel, paid.payer),
        **{c: counted[c].fill_null(0) for c in ("leads", "qualified", "won")},
        cost=paid.cost.fill_null(0.0),
    )
    return LeadCost(
        channels=_priced(raw.execute()),
        qualified=qualified,
        window=window,
        lookback=lookback,
        start=str(first),
        end=str(last),
    )


def _counted(
    leads: ir.Table,
    lead_events: ir.Table,
    touches: ir.Table,
    start: dt.datetime,
    stop: dt.datetime,
    end: dt.datetime,
    window: int,
    lookback: int,
    qualified: str,
) -> ir.Table:
    """Leads by channel, and those qualified and won in time."""
    made = known_leads(leads, stop)
    made = made.mutate(at=made.created_at.cast("timestamp"))
    made = made.filter(made["at"] >= ibis.literal(start).cast("timestamp"))
    steps = known_steps(lead_events, end).filter(ibis._.kind.isin([qualified, "won"]))
    steps = steps.select(_lead="lead_id", kind="kind", done="at")
    of = made.select("lead_id", "at")
    reached = of.inner_join(steps, of.lead_id == steps["_lead"])
    reached = reached.filter(reached.done < reached["at"] + ibis.interval(days=window))
    reached = reached.group_by(reached.lead_id.name("_who")).aggregate(
        is_qualified=(reached.kind == qualified).any(), is_won=(reached.kind == "won").any()
    )
    brought = _brought(made, touches, lookback)
    rows = made.left_join(reached, made.lead_id == reached["_who"])
    rows = rows.left_join(brought, rows.lead_id == brought.touched)
    channel = rows.channel.fill_null("")
    return rows.group_by(channel=channel).aggregate(
        leads=rows.count().cast("int64"),
        qualified=rows.is_qualified.fill_null(False).cast("int64").sum().cast("int64"),
        won=rows.is_won.fill_null(False).cast("int64").sum().cast("int64"),
    )


def _brought(made: ir.Table, touches: ir.Table, lookback: int) -> ir.Table:
    """The channel of the last paid touch before each lead: touched (the lead), channel."""
    paid = touches.filter(touches.kind == "paid", ~touches.channel.isnull())
    paid = paid.select(who="customer_id", when=paid.occurred_at.cast("timestamp"),
                       channel="channel")  # fmt: skip
    of = made.filter(~made.customer_id.isnull()).select("lead_id", "customer_id", "at")
    before = of.inner_join(paid, of.customer_id == paid.who)
    before = before.filter(
        before.when <= before["at"], before.when >= before["at"] - ibis.interval(days=lookback)
    )
    place = ibis.row_number().over(
        group_by=before.lead_id, order_by=[before.when.desc(), before.channel]
    )
    placed = before.mutate(place=place)
    return placed.filter(placed.place == 0).select("channel", touched="lead_id")


def _spent(spend: ir.Table, first: dt.date, last: dt.date) -> ir.Table:
    """What each channel cost on those days: payer, cost."""
    day = spend.day.cast("date")
    rows = spend.filter(day >= ibis.literal(first), day <= ibis.literal(last))
    rows = rows.mutate(payer=rows.channel.fill_null(""))
    return rows.group_by("payer").aggregate(cost=rows.cost.cast("float64").sum())


def _priced(raw: pd.DataFrame) -> pd.DataFrame:
    """What one costs, where something was paid; the limits are those of the number."""
    prices = {"leads": "per_lead", "qualified": "per_qualified", "won": "per_won"}
    frame = raw.astype(dict.fromkeys(prices, "int64") | {"cost": "float64"})
    cost = frame.cost.where(frame.cost > 0)
    for count, name in prices.items():
        low, high = poisson_interval(frame[count])
        frame[name] = cost / frame[count].where(frame[count] > 0)
        frame[f"{name}_low"] = cost / high
        frame[f"{name}_high"] = (cost / pd.Series(low, index=frame.index)).where(frame[count] > 0)
    return frame.sort_values(["cost", "leads", "channel"], ascending=[False, False, True],
                             ignore_index=True)  # fmt: skip
