"""What a lead costs by the channel that brought it: in all, qualified, and won."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.analyses.leads.rows import known_leads, known_steps
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import poisson_interval
from crmkit.text import message, money, number, say

__all__ = ["LeadCost", "lead_cost"]

_STAGES = {
    "interacted": message("Interacted"),
    "intent": message("Showed intent"),
    "won": message("Won"),
}
_FEWEST = 10
"""Qualified leads below which a price says little, and the bar is faded."""


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
) -> "LeadCost":
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
    if qualified not in _STAGES:
        raise ParameterError(f"qualified={qualified!r}. Give one of: {', '.join(_STAGES)}.")
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
    counts = ["leads", "qualified", "won"]
    frame = raw.astype(dict.fromkeys(counts, "int64") | {"cost": "float64"})
    cost = frame.cost.where(frame.cost > 0)
    for count in counts:
        low, high = poisson_interval(frame[count])
        name = f"per_{count}".replace("per_leads", "per_lead")
        frame[name] = cost / frame[count].where(frame[count] > 0)
        frame[f"{name}_low"] = cost / high
        frame[f"{name}_high"] = (cost / pd.Series(low, index=frame.index)).where(frame[count] > 0)
    return frame.sort_values(["cost", "leads", "channel"], ascending=[False, False, True],
                             ignore_index=True)  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class LeadCost(Result):
    """What leads cost; see `lead_cost` for the frame."""

    channels: pd.DataFrame = field(repr=False)
    qualified: str
    window: int
    lookback: int
    start: str
    end: str

    @property
    def paid(self) -> pd.DataFrame:
        """Channels that cost something and brought a qualified lead, the cheapest first."""
        frame = self.channels[(self.channels.cost > 0) & (self.channels.qualified > 0)]
        return frame.sort_values("per_qualified", ignore_index=True)

    @property
    def empty(self) -> bool:
        """Whether no channel that cost something brought a qualified lead."""
        return self.paid.empty

    @property
    def headline(self) -> str:
        """The cheapest and the dearest channel."""
        if self.empty:
            return say("No channel with spend brought a qualified lead, so none has a price.")
        rows = records(self.paid)
        best, worst = rows[0], rows[-1]
        words = {"best": best.channel, "price": _price(best)}
        if len(rows) == 1:
            return say("A qualified lead from {best} costs {price}.", **words)
        return say(
            "A qualified lead costs {price} from {best}, and {most} from {worst}.",
            **words,
            worst=worst.channel,
            most=_price(worst),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        bare = self.channels[self.channels.cost <= 0].leads.sum() if len(self.channels) else 0
        return Definition(
            (
                (
                    say("Channel"),
                    say(
                        "Of the last paid touch in the {days} days before the lead came in; "
                        "{n} leads of channels without spend have no price.",
                        days=number(self.lookback),
                        n=number(bare),
                    ),
                ),
                (
                    say("Qualified"),
                    say(
                        "{stage} within {days} days.",
                        stage=say(_STAGES[self.qualified]),
                        days=number(self.window),
                    ),
                ),
                (
                    say("Cost"),
                    say("The channel's spend of the same days, whatever else it brought."),
                ),
                (say("Interval"), say("95%, of the number of leads as a Poisson count.")),
                (
                    say("Data"),
                    say(
                        "Leads and spend from {start} to {end}.",
                        start=text.day(self.start),
                        end=text.day(self.end),
                    ),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """Channels with what a lead, a qualified one and a win cost."""
        frame = self.channels
        names = frame.channel.where(frame.channel != "", say("no paid touch"))

        def price(name: str, label: str) -> Column:
            return Column(name, label, "money", 0, low=f"{name}_low", high=f"{name}_high")

        columns = (
            Column("name", say("Channel")),
            Column("cost", say("Cost"), "money", 0),
            Column("leads", say("Leads"), "count"),
            Column("qualified", say("Qualified leads"), "count"),
            Column("won", say("Won"), "count"),
            price("per_lead", say("Cost per lead")),
            price("per_qualified", say("Cost per qualified lead")),
            price("per_won", say("Cost per win")),
        )
        caption = say("What leads cost, by the channel that brought them.")
        return {"channels": Table("lead-cost", caption, frame.assign(name=names), columns)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The cost of a qualified lead by channel."""
        return {"channels": self._bars}

    def _bars(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.paid
        return draw.bars(
            frame.assign(weak=frame.qualified < _FEWEST),
            label="channel",
            value="per_qualified",
            low="per_qualified_low",
            high="per_qualified_high",
            weak="weak",
            name="lead-cost",
            title=self.headline,
            subtitle=say("Cost of a qualified lead by channel."),
            alt=self.headline,
            kind="money",
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """What a qualified lead costs over all channels that cost something."""
        if self.empty:
            return ()
        total = self.channels[self.channels.cost > 0][["cost", "qualified"]].sum()
        low, high = poisson_interval(total.qualified)
        return (
            KeyFigure(
                name="cost_per_qualified_lead",
                label=say("Cost per qualified lead"),
                value=float(total.cost / total.qualified),
                kind="money",
                better="down",
                low=float(total.cost / high),
                high=float(total.cost / low),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """A channel that is certainly dearer than the cheapest one."""
        rows = records(self.paid)
        if len(rows) < 2 or rows[-1].per_qualified_low <= rows[0].per_qualified_high:
            return ()
        best, worst = rows[0], rows[-1]
        words = say(
            "A qualified lead from {worst} costs {times} times as much as one from {best}.",
            worst=worst.channel,
            best=best.channel,
            times=number(worst.per_qualified / best.per_qualified, 1),
        )
        action = say(
            "Move some of the spend of {worst} to {best}, and see whether its leads stay as good.",
            worst=worst.channel,
            best=best.channel,
        )
        weight = float(worst.cost / self.paid.cost.sum())
        return (Finding(words=words, action=action, weight=weight),)


def _price(row: Any) -> str:
    value, low, high = (
        money(row, short=True)
        for row in (row.per_qualified, row.per_qualified_low, row.per_qualified_high)
    )
    return f"{value} ({low}–{high})"
