"""What is said of the cost of leads: by channel, in all, qualified and won."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crmkit import text
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import poisson_interval
from crmkit.text import message, money, number, say

__all__ = ["STAGES", "LeadCost"]

STAGES = {
    "interacted": message("Interacted"),
    "intent": message("Showed intent"),
    "won": message("Won"),
}
_FEWEST = 10
"""Qualified leads below which a price says little, and the bar is faded."""


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
                        stage=say(STAGES[self.qualified]),
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
