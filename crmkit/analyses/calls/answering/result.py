"""What the question of service gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crmkit import periods
from crmkit.analyses.calls.answering import charts, findings, words
from crmkit.analyses.calls.window import Window
from crmkit.blocks import Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import number, percent, say, span

__all__ = ["Service"]

_STAFFED = 0.05
"""The share of the fullest hour's agent hours from which an hour counts as staffed."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Service(Result):
    """How callers are served and how busy agents are; see `service` for the frames."""

    window: Window
    period: periods.Period
    threshold: float
    short: float
    target: float
    queued: bool
    with_states: bool
    totals: pd.DataFrame = field(repr=False)
    queues: pd.DataFrame = field(repr=False)
    hours: pd.DataFrame = field(repr=False)
    trend: pd.DataFrame = field(repr=False)
    handle_times: pd.DataFrame = field(repr=False)
    states: pd.DataFrame = field(repr=False)

    @property
    def total(self) -> "pd.Series[Any]":
        """The counts and rates of the days that are told."""
        return self.totals.iloc[0]

    @property
    def has_callers(self) -> bool:
        """Whether anybody called in, and the log tells how they were served."""
        return self.queued and bool(self.total.offered > 0)

    @property
    def staffed(self) -> pd.DataFrame:
        """The hours of the day in which agents are there, not only finishing a last call."""
        least = max(1.0, _STAFFED * float(self.hours.logged_hours.max()))
        return self.hours[self.hours.logged_hours >= least]

    @property
    def empty(self) -> bool:
        """Whether nobody called in, no agent took a call, and none was logged in."""
        return not (
            self.has_callers or self.total.all_handled > 0 or pd.notna(self.total.logged_hours)
        )

    @property
    def headline(self) -> str:
        """The service level and who gave up; how busy agents were."""
        if self.empty:
            return say("No calls were taken from {days}.", days=self.window.words)
        total = self.total
        if self.has_callers:
            served = say(
                "{level} ({span}) of {n} callers were answered within {seconds} seconds (target "
                "{target}) and {left} gave up",
                level=percent(total.level_offered),
                span=span(total.level_offered_low, total.level_offered_high),
                n=number(total.offered),
                seconds=number(self.threshold),
                target=percent(self.target, 0),
                left=percent(total.abandon_queued),
            )
        elif self.queued:
            served = say("nobody called in")
        else:
            served = say("service is not computable, as the log has no waits")
        return say(
            "{days}: {served}; {busy}.", days=self.window.words, served=served, busy=self._busy()
        )

    def _busy(self) -> str:
        total = self.total
        if pd.isna(total.occupancy):
            return say("occupancy is not computable without agents' states")
        return say(
            "agents were busy for {rate} ({span}) of the time that they were not paused",
            rate=percent(total.occupancy),
            span=span(total.occupancy_low, total.occupancy_high) or say("one day, no interval"),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return words.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """Queues; the variants; handle times; hours of the day; states; periods."""
        return words.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The trend of the service level and the hours of the day, occupancy by hour."""
        found: dict[str, Callable[[], Figure]] = {}
        if self.has_callers:
            found |= {
                "trend": lambda: charts.trend(self),
                "hours": lambda: charts.hours(self),
            }
        if self.with_states:
            found["occupancy"] = lambda: charts.occupancy(self)
        if not found:
            found["handle_times"] = lambda: charts.handle_times(self)
        return found

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Service level, occupancy, handle time, abandonment, wait, utilisation: what is known."""
        if self.empty:
            return ()
        shown = (
            ("service_level", "level_offered", say("Service level"), "rate", "up"),
            ("occupancy", "occupancy", say("Agent occupancy"), "rate", "neither"),
            ("aht", "aht", say("Handle time, seconds"), "number", "neither"),
            ("caller_abandon_rate", "abandon_queued", say("Callers who gave up"), "rate", "down"),
            ("asa", "asa", say("Wait of those answered, seconds"), "number", "down"),
            ("utilisation", "utilisation", say("Agent utilisation"), "rate", "neither"),
        )
        return tuple(
            self._figure(name, column, label, kind, better)
            for name, column, label, kind, better in shown
            if pd.notna(self.total[column])
        )

    def _figure(self, name: str, column: str, label: str, kind: str, better: str) -> KeyFigure:
        values = [None if pd.isna(value) else float(value) for value in self.totals[column]]
        low, high = (self.total[f"{column}{end}"] for end in ("_low", "_high"))
        return KeyFigure(
            name=name,
            label=label,
            value=values[0],
            previous=values[1] if len(values) > 1 else None,
            kind=kind,
            better=better,
            history=tuple(value for value in reversed(values[1:]) if value is not None),
            low=None if pd.isna(low) else float(low),
            high=None if pd.isna(high) else float(high),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Hours below the target, callers who gave up or met a busy line, idle or harried hours."""
        return () if self.empty else findings.findings(self)
