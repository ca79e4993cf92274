"""What is said of a lead score: how well it tells, and what its points should be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from crmkit import text
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.records import records
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import wilson
from crmkit.text import message, number, percent, say, span

__all__ = ["LeadScore"]

_METHODS = {"model": message("Model"), "table": message("Table of points")}


@dataclass(frozen=True, kw_only=True)
class LeadScore(Result):
    """A score of leads by points and by a model; see `lead_score` for the frames."""

    rules: pd.DataFrame = field(repr=False)
    terms: pd.DataFrame = field(repr=False)
    trials: pd.DataFrame = field(repr=False)
    tenths: pd.DataFrame = field(repr=False)
    chances: pd.DataFrame = field(repr=False)
    events: tuple[str, ...]
    window: int
    lookback: int
    start: str
    middle: str
    as_of: str

    @property
    def empty(self) -> bool:
        """Whether nothing could be learnt or judged."""
        return self.trials.empty or bool(self.trials.area.isna().all())

    def _trial(self, method: str) -> Any:
        """The trial of a method, or None."""
        found = records(self.trials[self.trials.method == method])
        return found[0] if found and not np.isnan(found[0].area) else None

    @property
    def headline(self) -> str:
        """How much more often the best tenth is won, and how well the score tells."""
        if self.empty:
            return say("There are too few wins to learn a score from, or none to judge it on.")
        row = self._trial("model") or self._trial("table")
        words = {
            "top": percent(row.top),
            "span": span(row.top_low, row.top_high),
            "lift": number(row.lift, 1),
            "area": number(row.area, 2),
            "limits": f"{number(row.area_low, 2)}–{number(row.area_high, 2)}",
            "n": number(row.n),
        }
        if row.area_low <= 0.5:
            return say(
                "The score does not certainly tell wins from the rest: area {area} ({limits}) on "
                "{n} later assignments.",
                **words,
            )
        return say(
            "The best tenth of {n} later assignments was won in {top} ({span}) of cases, {lift} "
            "times the usual; area {area} ({limits}).",
            **words,
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("Known"),
                    say(
                        "Source, list, earlier assignments, and events of the {days} days before "
                        "the lead came in; nothing that came later.",
                        days=number(self.lookback),
                    ),
                ),
                (
                    say("Won"),
                    say("Within {days} days of the assignment.", days=number(self.window)),
                ),
                (
                    say("Tried"),
                    say(
                        "Learnt from assignments that could be won before {day}, judged on those "
                        "given out after it.",
                        day=text.day(self.middle),
                    ),
                ),
                (say("Points"), say("Ten points stand for twice the odds.")),
                (
                    say("Fair points"),
                    say("What the odds came to with all other rules held equal; 95% interval."),
                ),
                (
                    say("Area"),
                    say("The chance that a win is ranked above another lead; DeLong's interval."),
                ),
                (
                    say("Data"),
                    say(
                        "Assignments from {start} to {end}.",
                        start=text.day(self.start),
                        end=text.day(self.as_of),
                    ),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """The trials, the rules with fair points, the model's terms, and its calibration."""
        trials = self.trials.assign(name=[say(_METHODS[m]) for m in self.trials.method])
        area = Column("area", say("Area"), "number", 2, low="area_low", high="area_high", n="n")
        top = Column("top", say("Best tenth won"), "rate", low="top_low", high="top_high", n="best")
        fair = Column(
            "fair", say("Fair points"), "number", 1, low="fair_low", high="fair_high", n="n"
        )
        rate = Column("rate", say("Share won"), "rate", low="rate_low", high="rate_high", n="n")
        odds = self.terms.assign(
            name=[_term(term) for term in self.terms.term],
            odds=np.exp(self.terms.slope.astype(float)),
            odds_low=np.exp(self.terms.low.astype(float)),
            odds_high=np.exp(self.terms.high.astype(float)),
        )
        return {
            "trials": Table(
                "lead-score-trials",
                say("How well the scores tell, on later assignments."),
                trials,
                (
                    Column("name", say("Score")),
                    Column("n", say("Assigned leads"), "count"),
                    Column("won", say("Won"), "count"),
                    area,
                    top,
                    Column("lift", say("Times the usual"), "number", 1),
                ),
            ),
            "rules": Table(
                "lead-score-rules",
                say("The table of points, and what would be fair."),
                self.rules.assign(mark=np.where(self.rules.off, say("change"), "")),
                (
                    Column("name", say("Rule")),
                    Column("n", say("Assigned leads"), "count"),
                    rate,
                    Column("points", say("Points"), "number", 0),
                    fair,
                    Column("mark", say("To do")),
                ),
            ),
            "terms": Table(
                "lead-score-terms",
                say("What the model saw: odds of a win, all else held equal."),
                odds,
                (
                    Column("name", say("Trait")),
                    Column("odds", say("Odds"), "number", 2, low="odds_low", high="odds_high"),
                ),
            ),
            "tenths": Table(
                "lead-score-tenths",
                say("Promised and kept: later assignments by tenths of their chance."),
                self.tenths,
                (
                    Column("tenth", say("Tenth"), "count"),
                    Column("n", say("Assigned leads"), "count"),
                    Column("predicted", say("Promised"), "rate", 1),
                    rate,
                ),
            ),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The calibration by tenths, and the fair points of each rule."""
        return {"tenths": self._calibration, "rules": self._points}

    @property
    def kept(self) -> str:
        """How many wins the model promised of later assignments, and how many came."""
        total = self.tenths[["n", "won", "expected"]].sum()
        low, high = wilson(total.won, total.n)
        return say(
            "The model promised wins of {promised} of {n} later assignments; {rate} ({span}) came.",
            promised=percent(total.expected / total.n if total.n else float("nan"), 1),
            n=number(total.n),
            rate=percent(total.won / total.n if total.n else float("nan"), 1),
            span=span(float(low), float(high), digits=1),
        )

    def _calibration(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.tenths
        return draw.bars(
            frame.assign(
                name=[number(tenth) for tenth in frame.tenth],
                note=[say("promised {rate}", rate=percent(rate, 1)) for rate in frame.predicted],
            ),
            label="name",
            value="rate",
            low="rate_low",
            high="rate_high",
            note="note",
            weak="weak",
            name="lead-score-tenths",
            title=self.kept,
            subtitle=say("Share of later assignments won, by tenths of the chance promised."),
            alt=self.kept,
            kind="rate",
        )

    def _points(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.rules
        return draw.bars(
            frame.assign(
                note=[say("now {points}", points=number(points)) for points in frame.points],
                weak=frame.fair.isna(),
            ),
            label="name",
            value="fair",
            low="fair_low",
            high="fair_high",
            note="note",
            weak="weak",
            accent=frame.name[frame.off].tolist(),
            name="lead-score-rules",
            title=self.headline,
            subtitle=say("Points that would have been fair; ten stand for twice the odds."),
            alt=self.headline,
            kind="number",
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The share won of the tenth that the model thinks best."""
        row = self._trial("model")
        if row is None:
            return ()
        return (
            KeyFigure(
                name="best_leads_won",
                label=say("Best tenth of leads won"),
                value=float(row.top),
                kind="rate",
                low=float(row.top_low),
                high=float(row.top_high),
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Rules whose points are certainly wrong."""
        off = self.rules[self.rules.off & (self.rules.n > 0)] if not self.empty else self.rules[:0]
        if off.empty:
            return ()
        worst = records(off.assign(miss=(off.points - off.fair).abs()).sort_values("miss"))[-1]
        words = say(
            "{n} rules of the score are certainly off, most: {rule}, {points} points where {fair} "
            "({limits}) would be fair.",
            n=number(len(off)),
            rule=worst.name,
            points=number(worst.points),
            fair=number(worst.fair, 1),
            limits=f"{number(worst.fair_low, 1)}–{number(worst.fair_high, 1)}",
        )
        action = say("Change the points in the table, and look again in a month.")
        return (Finding(words=words, action=action, weight=0.2),)


def _term(term: str) -> str:
    kind, _, name = term.partition(" ")
    if kind == "source":
        return say("Source: {name}", name=name)
    if kind == "seen":
        return say("Seen before: {name}", name=name)
    return say("Each earlier assignment")
