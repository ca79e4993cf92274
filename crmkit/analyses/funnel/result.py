"""A funnel as a reader sees it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.analyses.funnel import card
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.steps import Matching
from crmkit.text import number, percent, say, span

__all__ = ["Funnel", "duration"]


def duration(seconds: float) -> str:
    """A span of time in the unit that suits it.

    >>> duration(42), duration(600), duration(7200), duration(400000)
    ('42 s', '10.0 min', '2.0 h', '4.6 d')
    """
    if pd.isna(seconds):
        return ""
    if seconds < 120:
        return say("{n} s", n=number(seconds))
    if seconds < 7200:
        return say("{n} min", n=number(seconds / 60, 1))
    if seconds < 172800:
        return say("{n} h", n=number(seconds / 3600, 1))
    return say("{n} d", n=number(seconds / 86400, 1))


@dataclass(frozen=True, kw_only=True)
class Funnel(Result):
    """How many units get how far; see `funnel` for the frames.

    `open` are those who may still go on; `unplaced`, rows without a time and of nobody known.
    """

    steps: pd.DataFrame = field(repr=False)
    values: pd.DataFrame | None = field(repr=False)
    leaks: pd.DataFrame | None = field(repr=False)
    trend: pd.DataFrame | None = field(repr=False)
    times: pd.DataFrame = field(repr=False)
    bridge: pd.DataFrame = field(repr=False)
    open: int
    unplaced: tuple[int, int]
    how: Matching = field(repr=False)
    names: tuple[str, ...]
    start: str
    as_of: str
    timezone: str
    period: calendar.Period | None

    @property
    def empty(self) -> bool:
        """Whether nobody entered."""
        return bool(self.steps.units.iloc[0] == 0)

    @property
    def worst(self) -> "pd.Series[Any] | None":
        """The step at which most are lost, by number."""
        later = self.steps[(self.steps.step > 1) & ~self.steps.optional]
        if later.empty or later.lost.max() == 0:
            return None
        return later.sort_values("lost", ascending=False, kind="stable").iloc[0]

    @property
    def headline(self) -> str:
        """How many finish, and where most leave."""
        last = self.steps.iloc[-1]
        if self.empty:
            return say(
                "Nobody made the first step, {step}, from {start} to {end}.",
                step=self.steps.name.iloc[0],
                start=text.day(self.start),
                end=text.day(self.as_of),
            )
        words = {
            "rate": percent(last.total),
            "span": span(last.total_low, last.total_high),
            "n": number(self.steps.units.iloc[0]),
            "unit": card.units(self.how.unit),
        }
        worst = self.worst
        if worst is None:
            return say("{rate} ({span}) of {n} {unit} finish.", **words)
        return say(
            "{rate} ({span}) of {n} {unit} finish; most leave before {step}, {lost} of {at}.",
            **words,
            step=worst["name"],
            lost=number(worst.lost),
            at=number(worst.n),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return card.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """Steps; values; trend; what it reconciles with."""
        found = {"steps": self._step_table()}
        if self.values is not None:
            found["values"] = self._value_table(self.values)
        if self.leaks is not None and len(self.leaks):
            found["leaks"] = card.leak_table(self.leaks, self.how.breakdown or "")
        if self.trend is not None and self.period is not None:
            found["trend"] = self._trend_table(self.trend, self.period)
        found["bridge"] = card.bridge_table(self.bridge)
        return found

    def _step_table(self) -> Table:
        frame = self.steps.assign(
            last=self.steps.median_from_last.map(duration),
            first=self.steps.median_from_first.map(duration),
            mean=self.steps.mean_from_last.map(duration),
            mean_first=self.steps.mean_from_first.map(duration),
        )
        columns = (
            Column("name", say("Step")),
            Column("units", card.units(self.how.unit, capital=True), "count"),
            Column(
                "rate", say("Of the step before"), "rate", low="rate_low", high="rate_high", n="n"
            ),
            Column(
                "total",
                say("Of all who entered"),
                "rate",
                low="total_low",
                high="total_high",
                n="entered",
            ),
            Column("lost", say("Left before it"), "count"),
            Column("last", say("Median time from the step before")),
            Column("first", say("Median time from the first"), folded=True),
            Column("mean", say("Mean time from the step before"), folded=True),
            Column("mean_first", say("Mean time from the first"), folded=True),
        )
        return Table("funnel", say("Steps of the funnel"), frame, columns)

    def _value_table(self, values: pd.DataFrame) -> Table:
        frame = values.assign(name=values["value"].where(values["value"] != "", say("Unknown")))
        columns = (
            Column("name", card.column(self.how.breakdown or "")),
            Column("n", say("Entered"), "count"),
            Column("units", say("Finished"), "count"),
            Column("rate", say("Share"), "rate", low="rate_low", high="rate_high", n="n"),
            Column("rest", say("Share of the others"), "rate"),
            Column("p", say("p after Holm"), "number", 3),
        )
        caption = say("Who finishes, compared with all others")
        return Table("funnel-values", caption, frame, columns, limit=30)

    def _trend_table(self, trend: pd.DataFrame, period: calendar.Period) -> Table:
        names = [text.period(first, period) for first in trend.period]
        frame = trend.assign(name=names, unfinished=trend.partial | trend.cut)
        columns = (
            Column("name", say("Entered in")),
            Column("n", say("Entered"), "count", partial="unfinished"),
            Column("units", say("Finished"), "count"),
            Column("rate", say("Share"), "rate", low="rate_low", high="rate_high", n="n"),
            Column("open", say("Windows still open"), "count"),
        )
        return Table("funnel-trend", say("Who finishes, by period of entry"), frame, columns)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The funnel; values compared; trend; time to finish."""
        from crmkit.analyses.funnel import charts  # noqa: PLC0415

        found: dict[str, Callable[[], Figure]] = {"steps": lambda: charts.steps(self)}
        if self.values is not None:
            found["values"] = lambda: charts.values(self)
        if self.trend is not None:
            found["trend"] = lambda: charts.trend(self)
        found["times"] = lambda: charts.times(self)
        return found

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The share that finishes, and that of the worst step."""
        if self.empty:
            return ()
        last, settled = self.steps.iloc[-1], self._settled()
        figures = [
            KeyFigure(
                name="funnel_rate",
                label=say("Finish the funnel"),
                value=float(last.total),
                kind="rate",
                low=float(last.total_low),
                high=float(last.total_high),
                history=tuple(settled.rate.dropna().tail(12)),
            )
        ]
        if self.worst is not None:
            figures.append(
                KeyFigure(
                    name="funnel_worst_step",
                    label=say("Go on to {step}", step=self.worst["name"]),
                    value=float(self.worst.rate),
                    kind="rate",
                    low=float(self.worst.rate_low),
                    high=float(self.worst.rate_high),
                )
            )
        return tuple(figures)

    def _settled(self) -> pd.DataFrame:
        """The periods of entry whose windows are all over."""
        if self.trend is None:
            return pd.DataFrame({"rate": pd.Series(dtype=float)})
        return self.trend[~self.trend.partial]

    def findings(self) -> tuple[Finding, ...]:
        """The largest leak, and the values that differ."""
        if self.empty:
            return ()
        found = []
        worst = self.worst
        if worst is not None:
            found.append(
                Finding(
                    words=say(
                        "{lost} of {n} leave before {step}: the largest loss.",
                        lost=number(worst.lost),
                        n=number(worst.n),
                        step=worst["name"],
                    ),
                    action=say("Look at which steps they lack, and test a change of these.")
                    if self.how.order == "unordered"
                    else say(
                        "Look at what they do instead, and test a change of {step}.",
                        step=worst["name"],
                    ),
                    weight=float(worst.lost / self.steps.units.iloc[0]),
                )
            )
        if self.values is not None and self.leaks is not None:
            found += card.differences(self.values, self.leaks, self.how.breakdown or "")
        return tuple(found)
