"""What the traffic of a site gives back."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crmkit import text
from crmkit.analyses.traffic import charts, words
from crmkit.analyses.traffic.visits import Rules
from crmkit.blocks import Definition, Figure, Table
from crmkit.periods import Period
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import change, number, percent, say, span

__all__ = ["Traffic"]


@dataclass(frozen=True, kw_only=True)
class Traffic(Result):
    """Visits by period and source; see `traffic` for the frames.

    `latest` is the first day of the period compared (the last complete one), `unplaced` counts page
    views that name neither visit nor visitor, `cut` says that a first period was left out.
    """

    periods: pd.DataFrame = field(repr=False)
    by_source: pd.DataFrame = field(repr=False)
    sources: pd.DataFrame = field(repr=False)
    words: pd.DataFrame = field(repr=False)
    revisits: pd.DataFrame = field(repr=False)
    latest: pd.Timestamp | None
    unplaced: int
    cut: bool
    first_day: dt.date | None
    as_of: dt.date
    timezone: str
    period: Period
    by: str
    rules: Rules
    memory: int

    @property
    def empty(self) -> bool:
        """Whether there was no visit."""
        return self.periods.empty

    @property
    def now(self) -> "pd.Series[Any]":
        """The row of the period compared."""
        return self.periods[self.periods.start == self.latest].iloc[0]

    @property
    def before(self) -> "pd.Series[Any] | None":
        """The row of the complete period before it, if there is one."""
        earlier = self.periods[(self.periods.start < self.latest) & ~self.periods.partial]
        return None if earlier.empty or bool(self.now.partial) else earlier.iloc[-1]

    @property
    def headline(self) -> str:
        """Visits, visitors, the change, and how many left after one page."""
        if self.empty:
            return say("No visit was recorded by {day}.", day=text.day(self.as_of))
        now, before = self.now, self.before
        filled = {
            "period": text.period(now.start, self.period),
            "visits": number(now.visits),
            "visitors": number(now.visitors),
            "bounce": percent(now.bounce),
            "span": span(now.bounce_low, now.bounce_high),
        }
        if now.visits == 0:
            return say("{period}: no visit.", **filled)
        if bool(now.partial):
            return say(
                "{period} so far: {visits} visits by {visitors} visitors; {bounce} ({span}) left "
                "after one page.",
                **filled,
            )
        if before is None or before.visits == 0:
            return say(
                "{period}: {visits} visits by {visitors} visitors; {bounce} ({span}) left after "
                "one page.",
                **filled,
            )
        return say(
            "{period}: {visits} visits by {visitors} visitors, {change} on the period before; "
            "{bounce} ({span}) left after one page.",
            change=change(now.visits / before.visits - 1),
            **filled,
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return words.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """Periods, sources, search words, returns."""
        return words.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Visitors by period, sources, bounce by source, bounce over time, returns."""
        return {
            "visitors": lambda: charts.visitors(self),
            "sources": lambda: charts.sources(self),
            "bounce": lambda: charts.bounce(self),
            "trend": lambda: charts.trend(self),
        }

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Visits, visitors, bounce rate, share of new visitors and dwell time."""
        if self.empty:
            return ()
        shown = (
            ("traffic_visits", say("Visits"), "visits", "count", "up"),
            ("traffic_bounce", say("Bounce rate"), "bounce", "rate", "down"),
            ("traffic_visitors", say("Visitors"), "visitors", "count", "up"),
            ("traffic_new", say("New visitors, share"), "new_rate", "rate", "neither"),
            ("traffic_dwell", say("Time on the site, mean seconds"), "dwell", "number", "up"),
        )
        figures = [self._figure(*figure) for figure in shown]
        return tuple(figure for figure in figures if pd.notna(figure.value))

    def _figure(self, name: str, label: str, column: str, kind: str, better: str) -> KeyFigure:
        now, before = self.now, self.before
        limits = (f"{column}_low", f"{column}_high")
        low, high = (float(now[at]) if at in now.index else None for at in limits)
        history = self.periods[~self.periods.partial & (self.periods.start <= self.latest)]
        return KeyFigure(
            name=name,
            label=label,
            value=float(now[column]),
            previous=None if before is None or pd.isna(before[column]) else float(before[column]),
            kind=kind,
            better=better,
            history=tuple(float(value) for value in history[column].dropna().tail(12)),
            low=low,
            high=high,
        )

    def findings(self) -> tuple[Finding, ...]:
        """What changed and through which source, where visits bounce, who comes back."""
        return () if self.empty else words.findings(self)
