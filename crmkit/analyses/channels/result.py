"""What the question of channels gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from crmkit import text
from crmkit.actions import ActionList
from crmkit.analyses.channels import charts, tables, words
from crmkit.analyses.channels.span import Span
from crmkit.blocks import Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import change, money, number, percent, say

__all__ = ["Channels"]


@dataclass(frozen=True, kw_only=True)
class Channels(Result):
    """What channels bring, cost and are worth; see `channels` for the frames.

    `undated` customers have neither created_at nor a purchase and count in no period; `orphans` are
    purchases of customers who are not in the table; `horizon` is the one used.
    """

    channels: pd.DataFrame = field(repr=False)
    total: pd.DataFrame = field(repr=False)
    quadrant: pd.DataFrame = field(repr=False)
    curve: pd.DataFrame = field(repr=False)
    history: pd.DataFrame = field(repr=False)
    conversion: pd.DataFrame = field(repr=False)
    unmatched: pd.DataFrame = field(repr=False)
    undated: int
    orphans: int
    costed: bool
    credited: bool
    span: Span
    margin: float
    ages: tuple[int, ...]
    repeat_age: int
    horizon: int
    lookback: int
    within: int
    quality: str
    spend_since: float

    @property
    def empty(self) -> bool:
        """Whether there was neither a customer nor a cost in the period."""
        return self.channels.empty or not (
            self.channels.customers.sum() > 0 or self.channels.cost.sum() > 0
        )

    @property
    def won(self) -> float:
        """Customers won in the period."""
        return float(self.channels.customers.sum())

    @property
    def headline(self) -> str:
        """New customers, the channel that brought most, and what a customer cost."""
        last = text.day(self.span.as_of)
        if self.empty:
            return say(
                "No new customer and no spend in the {days} days to {day}.",
                days=number(self.span.days),
                day=last,
            )
        best = self.channels.iloc[0]
        before = self.total.customers_before.iloc[0]
        filled = {
            "days": number(self.span.days),
            "day": last,
            "n": number(self.won),
            "channel": words.channel_name(best.channel),
            "share": percent(best.share),
            "change": change(self.won / before - 1) if before > 0 else "",
        }
        if self.won == 0:
            return say(
                "{cost} spent in the {days} days to {day}, and no new customer.",
                cost=money(self.channels.cost.sum(), short=True),
                **filled,
            )
        now = self.history.iloc[-1]
        if pd.notna(now.cac):
            filled["cac"] = money(now.cac, short=True)
            if before > 0:
                return say(
                    "{n} new customers in {days} days ({change}), {share} of them from {channel}; "
                    "one from a paid channel cost {cac}.",
                    **filled,
                )
            return say(
                "{n} new customers in {days} days, {share} of them from {channel}; one from a paid "
                "channel cost {cac}.",
                **filled,
            )
        if before > 0:
            return say(
                "{n} new customers in {days} days ({change}), {share} of them from {channel}.",
                **filled,
            )
        return say("{n} new customers in {days} days, {share} of them from {channel}.", **filled)

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return words.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """Customers and cost, quality, quadrant, conversion, payback, names that do not match."""
        return tables.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The quadrant, cost per customer, worth against cost, payback, repeat rate."""
        return {
            "quadrant": lambda: charts.quadrant(self),
            "cac": lambda: charts.cost(self),
            "ltv_cac": lambda: charts.worth(self),
            "payback": lambda: charts.payback(self),
            "repeat": lambda: charts.repeat(self),
        }

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """New customers, cost per customer, ROAS, share of paid channels, repeat rate."""
        if self.empty:
            return ()
        whole = self.total.iloc[0]
        shown = [
            self._figure("new_customers", say("New customers"), "customers", "count", "up"),
            self._figure("cac", say("Cost per customer of paid channels"), "cac", "money", "down"),
            self._figure("roas", say("Revenue per unit spent (ROAS)"), "roas", "number", "up"),
            self._figure(
                "paid_share", say("Customers of paid channels"), "paid_share", "rate", "neither"
            ),
            KeyFigure(
                name="channel_repeat",
                label=say("Bought again within {days} days", days=number(self.repeat_age)),
                value=float(whole.again),
                previous=None if pd.isna(whole.again_before) else float(whole.again_before),
                kind="rate",
                low=float(whole.again_low),
                high=float(whole.again_high),
            ),
        ]
        return tuple(figure for figure in shown if pd.notna(figure.value))

    def _figure(self, name: str, label: str, column: str, kind: str, better: str) -> KeyFigure:
        values = self.history[column]
        return KeyFigure(
            name=name,
            label=label,
            value=float(values.iloc[-1]),
            previous=None if pd.isna(values.iloc[-2]) else float(values.iloc[-2]),
            kind=kind,
            better=better,
            history=tuple(float(value) for value in values.dropna()),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Where money earns least and most, who comes back less, what does not match."""
        return () if self.empty else words.findings(self)

    def actions(self) -> ActionList:
        """What to do about each channel, the largest first."""
        return tables.actions(self)
