"""What the campaigns with a holdout show, in words, tables and charts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import pandas as pd

from crmkit import text
from crmkit.analyses.campaigns.trial_words import VERDICTS, finding
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import number, percent, say

__all__ = ["Campaigns"]


@dataclass(frozen=True, kw_only=True)
class Campaigns(Result):
    """Campaigns against their holdouts; the frame `effects` has one row a campaign.

    Columns: campaign, name, begins, ends (local days), over; treated, holdout (customers), their
    buyers, rate and base (shares of buyers) with limits; lift (rate / base), gain (rate - base),
    extra (buyers), revenue (extra), profit, roi, each with _low and _high; cost; spent and
    spent_base (revenue per customer); shows, the least gain that the trial finds in 80 of 100
    cases; p, p_adjusted (Holm); placebo (the gain in the time before) with limits and placebo_p;
    verdict.
    """

    effects: pd.DataFrame = field(repr=False)
    both: int
    as_of: str
    timezone: str
    days: int
    margin: float

    @property
    def empty(self) -> bool:
        """Whether there was no campaign to look at."""
        return self.effects.empty

    @property
    def judged(self) -> pd.DataFrame:
        """The campaigns that are over and had a holdout like them."""
        frame = self.effects
        return frame[frame.verdict.isin(["worked", "harmed", "not_shown", "too_small"])]

    @property
    def headline(self) -> str:
        """How many worked, and what all of them brought."""
        if self.empty:
            return say("No campaign was found by {day}.", day=text.day(self.as_of))
        judged = self.judged
        if judged.empty:
            return say("No campaign can be judged yet: none is over and has a holdout.")
        worked = judged[judged.verdict == "worked"]
        if worked.empty:
            return say(
                "None of {n} campaigns is shown to have had an effect.", n=number(len(judged))
            )
        best = worked.sort_values("gain").iloc[-1]
        return say(
            "{worked} of {n} campaigns worked; {name} brought {extra} more buyers ({low}–{high}), "
            "{lift} times as many as without it.",
            worked=number(len(worked)),
            n=number(len(judged)),
            name=best["name"],
            extra=number(best.extra),
            low=number(best.extra_low),
            high=number(best.extra_high),
            lift=number(best.lift, 2),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("Treated and holdout"),
                    say(
                        "Customers chosen by chance; each counts once for a campaign, from the "
                        "first assignment. {n} customers were put into both groups and are left "
                        "out.",
                        n=number(self.both),
                    ),
                ),
                (
                    say("Time of a campaign"),
                    say(
                        "From its start to its end, or {days} days where it has no end; a purchase "
                        "counts in that time only.",
                        days=number(self.days),
                    ),
                ),
                (
                    say("Lift"),
                    say(
                        "Share of buyers among the treated over that of the holdout; score "
                        "interval (Koopman)."
                    ),
                ),
                (
                    say("Extra revenue"),
                    say(
                        "Difference of revenue per customer times the treated; Welch's interval. "
                        "Profit is {margin} of it less the cost.",
                        margin=percent(self.margin, 0),
                    ),
                ),
                (
                    say("Verdict"),
                    say(
                        "An effect is shown where p, adjusted for the number of campaigns (Holm), "
                        "is below 5%."
                    ),
                ),
                (
                    say("Placebo"),
                    say(
                        "The same comparison in the equally long time before. There can be no "
                        "effect, so a difference there (p below 0.1%) says that the groups were "
                        "not chosen by chance."
                    ),
                ),
                (say("Data until"), say("{day}, included", day=text.day(self.as_of))),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """Effects, money, and the placebo."""
        frame = self.effects.assign(
            verdict_words=[say(VERDICTS[v]) for v in self.effects.verdict],
            still=~self.effects.over.astype(bool),
        )
        name = Column("name", say("Campaign"))
        effects = (
            name,
            Column("begins", say("Begins"), "day", folded=True),
            Column("ends", say("Ends"), "day", partial="still"),
            Column("rate", say("Bought, treated"), "rate", low="rate_low", high="rate_high"),
            Column("base", say("Bought, holdout"), "rate", low="base_low", high="base_high"),
            Column("lift", say("Lift"), "number", 2, low="lift_low", high="lift_high"),
            Column("extra", say("Extra buyers"), "count", low="extra_low", high="extra_high"),
            Column("verdict_words", say("Verdict")),
            Column("treated", say("Treated"), "count", folded=True),
            Column("holdout", say("Holdout"), "count", folded=True),
            Column("p_adjusted", say("p, adjusted"), "number", 3, folded=True),
            Column("shows", say("Least gain it could show"), "rate", folded=True),
        )
        return {
            "effects": Table(
                "campaigns",
                say("Campaigns against those held out at random."),
                frame,
                effects,
            ),
            "money": Table(
                "campaign-money",
                say("What campaigns brought and cost."),
                frame,
                (
                    name,
                    Column("spent", say("Revenue per treated customer"), "money"),
                    Column("spent_base", say("Revenue per customer held out"), "money"),
                    Column(
                        "revenue", say("Extra revenue"), "money", 0, "revenue_low", "revenue_high"
                    ),
                    Column("cost", say("Cost"), "money", 0),
                    Column("profit", say("Profit"), "money", 0, "profit_low", "profit_high"),
                    Column("roi", say("Return per unit spent"), "number", 1, "roi_low", "roi_high"),
                ),
            ),
            "placebo": Table(
                "campaign-placebo",
                say("The same groups before the campaign, where there can be no effect."),
                frame,
                (
                    name,
                    Column(
                        "placebo", say("Difference"), "rate", low="placebo_low", high="placebo_high"
                    ),
                    Column("placebo_p", "p", "number", 3),
                ),
            ),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Lift of each campaign with its interval."""
        return {"gain": self._dots}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.effects[self.effects.gain.notna()]
        return draw.dots(
            frame,
            label="name",
            value="gain",
            low="gain_low",
            high="gain_high",
            name="campaigns",
            title=self.headline,
            subtitle=say(
                "Share of buyers among the treated less that of the holdout, 95% interval; the "
                "line is no effect."
            ),
            alt=self.headline,
            reference=0.0,
            accent=tuple(frame.name[frame.verdict.isin(["worked", "harmed"])]) or ("",),
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The profit of the campaign whose effect is surest; none where no effect is shown."""
        worked = self.judged[self.judged.verdict == "worked"].sort_values("p_adjusted")
        if worked.empty:
            return ()
        best = worked.iloc[0]
        return (
            KeyFigure(
                name="campaign_profit",
                label=say("Profit of {name}", name=best["name"]),
                value=float(best.profit),
                kind="money",
                low=float(best.profit_low),
                high=float(best.profit_high),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """What each campaign showed, and whether to repeat it."""
        return tuple(finding(row) for row in self.effects.itertuples())
