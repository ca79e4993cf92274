"""What a campaign without a holdout brought, in words, tables and charts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from crmkit import text
from crmkit.blocks import Column, Definition, Figure, Kind, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import change, message, money, number, say, span

__all__ = ["CampaignEffect"]

_METHODS = {
    "weekdays": message("Same weekdays before"),
    "control": message("Against untouched customers"),
    "model": message("Forecast of the days before"),
}
_ASSUMED = {
    "weekdays": message("Nothing but the campaign changed: no season, no price, no trend."),
    "control": message("Without it both groups would have changed by the same share."),
    "model": message(
        "The level wandered on as before, and untouched customers show what else happened."
    ),
}
_WINDOWS = {"during": message("During"), "after": message("After")}


@dataclass(frozen=True, kw_only=True)
class CampaignEffect(Result):
    """A campaign's days against what they would have been; see `campaign_effect` for the frames.

    `days_known` is how many days there were to learn from; `controlled`, whether untouched
    customers were compared with.
    """

    effects: pd.DataFrame = field(repr=False)
    days: pd.DataFrame = field(repr=False)
    placebos: pd.DataFrame = field(repr=False)
    start: str
    end: str
    as_of: str
    measure: str
    timezone: str
    controlled: bool
    days_known: int

    @property
    def empty(self) -> bool:
        """Whether there was too little before the campaign to compare with."""
        return self.effects.empty

    @property
    def best(self) -> "pd.Series[float]":
        """The effect that asks least of the reader's faith: the model's, during the campaign."""
        return self.effects[self.effects.method == "model"].iloc[0]

    @property
    def trusted(self) -> bool:
        """Whether the placebo found nothing."""
        return not self.placebos.shown.astype(bool).any()

    @property
    def headline(self) -> str:
        """What the campaign brought, and whether the placebo agrees."""
        if self.empty:
            return say(
                "The campaign of {start} cannot be judged: {n} days before it are known, and six "
                "weeks with orders are needed.",
                start=text.day(self.start),
                n=number(self.days_known),
            )
        best = self.best
        words = {
            "extra": self._amount(best.extra),
            "low": self._amount(best.extra_low),
            "high": self._amount(best.extra_high),
            "change": change(best.change),
        }
        if not best.shown:
            return say(
                "No effect is shown: {change} on what was expected ({low} to {high}).", **words
            )
        if not self.trusted:
            return say(
                "{change} on what was expected, but days without a campaign show such swings too.",
                **words,
            )
        return say(
            "The campaign changed its days by {extra} ({low} to {high}), {change} on what was "
            "expected.",
            **words,
        )

    def _amount(self, value: float) -> str:
        if self.measure == "revenue":
            return money(value, short=True)
        return say("{n} orders", n=number(value))

    @property
    def definition(self) -> Definition:
        """Every decision taken, and what each method takes for granted."""
        methods = list(dict.fromkeys(self.effects.method))
        return Definition(
            (
                (
                    say("Campaign"),
                    say(
                        "{start} to {end}, without a holdout.",
                        start=text.day(self.start),
                        end=text.day(self.end),
                    ),
                ),
                *((say(_METHODS[key]), say(_ASSUMED[key])) for key in methods),
                (
                    say("Interval"),
                    say(
                        "95%; of the forecast 90 to 94% in simulated series. Days vary more than "
                        "chance alone, as measured before the campaign."
                    ),
                ),
                (
                    say("Placebo"),
                    say("The forecast for earlier days of the same number, without a campaign."),
                ),
                (say("Data until"), say("{day}, included", day=text.day(self.as_of))),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """The effect by each method, and the placebos."""
        kind: Kind = "money" if self.measure == "revenue" else "count"
        effects = self.effects.assign(
            name=[say(_METHODS[key]) for key in self.effects.method],
            when=[say(_WINDOWS[key]) for key in self.effects.window],
        )
        shared = (
            Column("actual", say("Actual"), kind, 0),
            Column("expected", say("Expected without it"), kind, 0),
            Column("extra", say("Difference"), kind, 0, low="extra_low", high="extra_high"),
            Column("change", say("Change"), "rate", low="change_low", high="change_high"),
        )
        return {
            "effects": Table(
                "campaign-effect",
                say("What the campaign brought, by three methods."),
                effects,
                (Column("name", say("Method")), Column("when", say("When")), *shared),
            ),
            "placebos": Table(
                "campaign-placebos",
                say("The same forecast for earlier days, where there is nothing to find."),
                self.placebos,
                (Column("from", say("From"), "day"), Column("to", say("To"), "day"), *shared),
            ),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Actual against expected, day by day."""
        return {"days": self._days}

    def _days(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        actual, expected = say("Actual"), say("Expected without it")
        shown = self.days.iloc[-56 - int(self.days.expected.notna().sum()) :]
        parts = [
            pd.DataFrame({"day": shown.index, "value": shown.value, "line": actual}),
            pd.DataFrame(
                {
                    "day": shown.index,
                    "value": shown.expected,
                    "low": shown.low,
                    "high": shown.high,
                    "line": expected,
                }
            ).dropna(subset="value"),
        ]
        best = self.best
        return draw.curves(
            pd.concat(parts, ignore_index=True),
            x="day",
            y="value",
            by="line",
            low="low",
            high="high",
            accent=(actual, expected),
            dashed=(expected,),
            kind="money" if self.measure == "revenue" else "count",
            name="campaign-days",
            title=self.headline,
            subtitle=say(
                "By day; expected from {start} on, with its 95% interval.",
                start=text.day(self.start),
            ),
            alt=say(
                "{actual} against {expected} expected.",
                actual=self._amount(best.actual),
                expected=self._amount(best.expected),
            ),
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The change on what was expected."""
        if self.empty:
            return ()
        best = self.best
        return (
            KeyFigure(
                name="campaign_change",
                label=say("Change during the campaign"),
                value=float(best.change),
                kind="rate",
                low=float(best.change_low),
                high=float(best.change_high),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """What it brought, and that a holdout would tell more."""
        if self.empty:
            return ()
        best = self.best
        return (
            Finding(
                words=say(
                    "Without a holdout: {change} during the campaign ({span}).",
                    change=change(best.change),
                    span=span(best.change_low, best.change_high),
                ),
                action=say("Keep a random tenth of customers out of the next campaign."),
                weight=min(abs(float(best.change)), 1.0),
            ),
        )
