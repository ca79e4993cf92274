"""What the question of dials and their results gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crmkit import periods
from crmkit.analyses.calls.dialling import charts, findings, words
from crmkit.analyses.calls.dialling.counts import Known
from crmkit.analyses.calls.window import Window
from crmkit.blocks import Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import number, percent, say, span

__all__ = ["Calls"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Calls(Result):
    """Dials, what came of them and whom agents spoke to; see `calls` for the frames."""

    window: Window
    period: periods.Period
    known: Known
    totals: pd.DataFrame = field(repr=False)
    results: pd.DataFrame = field(repr=False)
    campaigns: pd.DataFrame = field(repr=False)
    lists: pd.DataFrame = field(repr=False)
    modes: pd.DataFrame = field(repr=False)
    hours: pd.DataFrame = field(repr=False)
    trend: pd.DataFrame = field(repr=False)

    @property
    def total(self) -> "pd.Series[Any]":
        """The counts and rates of the days that are told."""
        return self.totals.iloc[0]

    @property
    def empty(self) -> bool:
        """Whether nothing was dialled in these days."""
        return bool(self.total.dials == 0)

    @property
    def headline(self) -> str:
        """How many dials, how many contacts, how many sales."""
        if self.empty:
            return say("No dials from {days}.", days=self.window.words)
        total = self.total
        parts = {"days": self.window.words, "dials": number(total.dials)}
        if not self.known.contacts:
            return say(
                "{days}: {dials} dials, {rate} ({span}) answered by a person; contacts are not "
                "computable, as the log has no agents' times.",
                **parts,
                rate=percent(total.answer_rate),
                span=span(total.answer_rate_low, total.answer_rate_high),
            )
        parts |= {
            "rate": percent(total.contact_rate),
            "span": span(total.contact_rate_low, total.contact_rate_high),
        }
        if not self.known.outcomes or total.known_contacts == 0:
            return say(
                "{days}: {dials} dials, {rate} ({span}) reached a person; sales are not "
                "computable, as no outcome is known.",
                **parts,
            )
        return say(
            "{days}: {dials} dials, {rate} ({span}) reached a person, and {sales} sales came of "
            "them: {conversion} ({range}) of contacts.",
            **parts,
            sales=number(total.sales),
            conversion=percent(total.conversion_contacts),
            range=span(total.conversion_contacts_low, total.conversion_contacts_high),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return words.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """Campaigns; results; the variants; lists, modes, hours, periods."""
        return words.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The mix of results; contacts by hour and weekday; the trend."""
        return {
            "results": lambda: charts.results(self),
            "hours": lambda: charts.hours(self),
            "trend": lambda: charts.trend(self),
        }

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Dials, contact rate, right-party rate, conversion of contacts, sales."""
        if self.empty:
            return ()
        dials = self._figure("dials", say("Dials"), "count")
        sales = self._figure("sales", say("Sales by telephone"), "count")
        return (
            dials,
            self._figure("contact_rate", say("Contact rate"), "rate"),
            self._figure("conversion_contacts", say("Conversion of contacts"), "rate"),
            self._figure("right_party_rate", say("Right-party rate"), "rate"),
            sales,
        )

    def _figure(self, name: str, label: str, kind: str) -> KeyFigure:
        values = [None if pd.isna(value) else float(value) for value in self.totals[name]]
        rate = kind == "rate" and values[0] is not None
        return KeyFigure(
            name=name,
            label=label,
            value=values[0],
            previous=values[1] if len(values) > 1 else None,
            kind=kind,
            history=tuple(value for value in reversed(values[1:]) if value is not None),
            low=float(self.total[f"{name}_low"]) if rate else None,
            high=float(self.total[f"{name}_high"]) if rate else None,
        )

    def findings(self) -> tuple[Finding, ...]:
        """What changed, which campaign and which hours stand out, what is not known."""
        return () if self.empty else findings.findings(self)
