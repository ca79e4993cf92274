"""What the question of dropped calls gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crmkit.analyses.calls.dropped import charts, words
from crmkit.analyses.calls.dropped.rule import DropRule
from crmkit.analyses.calls.names import hour_ranges, named, short_day
from crmkit.analyses.calls.window import Window
from crmkit.blocks import Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import number, percent, say, span

__all__ = ["Drops"]

_HOURS, _NAMED, _DAYS = 3, 2, 3
"""How many hours a finding names, campaigns a headline, and days either of them."""


@dataclass(frozen=True, kw_only=True, eq=False)
class Drops(Result):
    """Dropped calls in each variant, and the rule by campaign and day; see `drops`."""

    window: Window
    rule: DropRule
    known: bool
    totals: pd.DataFrame = field(repr=False)
    campaigns: pd.DataFrame = field(repr=False)
    daily: pd.DataFrame = field(repr=False)
    hourly: pd.DataFrame = field(repr=False)
    ruled: pd.DataFrame = field(repr=False)

    @property
    def total(self) -> "pd.Series[Any]":
        """The counts and rates of the days that are told."""
        return self.totals.iloc[0]

    @property
    def empty(self) -> bool:
        """Whether nobody answered, or the log does not tell."""
        return bool(self.total.out_of == 0) or not self.known

    @property
    def broken(self) -> pd.DataFrame:
        """The campaigns and days on which the rule was broken."""
        return self.ruled[self.ruled.broken]

    @property
    def unadjusted(self) -> bool:
        """Whether the rule counts persons whom detection turned away, and none could be counted."""
        return self.rule.counts_amd and self.rule.amd_error is None and self.total.screened > 0

    @property
    def headline(self) -> str:
        """The rate, the limit, and where it was broken."""
        if not self.known:
            return say(
                "Dropped calls are not computable: the log has neither agents' times nor drops."
            )
        if self.empty:
            return say("Nobody answered an outbound call from {days}.", days=self.window.words)
        total = self.total
        parts = {
            "days": self.window.words,
            "rate": percent(total.rate, 2),
            "span": span(total.rate_low, total.rate_high, digits=2),
            "limit": percent(self.rule.limit),
        }
        if self.broken.empty:
            return say(
                "{days}: {rate} ({span}) of answered calls were abandoned; every campaign kept "
                "the limit of {limit}.",
                **parts,
            )
        return say(
            "{days}: {rate} ({span}) of answered calls were abandoned; the limit of {limit} was "
            "broken: {where}.",
            **parts,
            where=say("; ").join(self._worst_in_words()),
        )

    def _worst_in_words(self) -> list[str]:
        worst = self._worst()
        more = len(worst) - _NAMED
        rest = [say("further campaigns: {n}", n=number(more))] if more > 0 else []
        return [*(self._where(name) for name in worst[:_NAMED]), *rest]

    def _worst(self) -> list[Any]:
        frame = self.campaigns[self.campaigns.broken_times > 0]
        return [None if pd.isna(name) else name for name in frame.campaign_id]

    def _own(self, frame: pd.DataFrame, name: Any) -> pd.DataFrame:
        same = frame.campaign_id.isna() if name is None else frame.campaign_id == name
        return frame[same]

    def _where(self, name: Any) -> str:
        """A campaign, with the days or stretches on which it broke the rule."""
        own = self._own(self.ruled, name)
        broken = own[own.broken]
        if self.rule.days > 1:
            return say(
                "{campaign} in the {n} days from {days} ({rate})",
                campaign=named(name),
                n=number(self.rule.days),
                days=say(", ").join(short_day(first) for first in broken["first"]),
                rate=say(", ").join(percent(rate, 2) for rate in broken.rate),
            )
        if len(broken) > _DAYS:
            return say(
                "{campaign} on {n} of {all} days",
                campaign=named(name),
                n=number(len(broken)),
                all=number(len(own)),
            )
        return say(
            "{campaign} on {days} ({n} of {all} days)",
            campaign=named(name),
            n=number(len(broken)),
            all=number(len(own)),
            days=say(", ").join(short_day(first) for first in broken["first"]),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return words.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """Campaigns; the rule's stretches; the variants; campaigns by day and by hour."""
        return words.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The rate by campaign and day with the limit; by hour."""
        return {"daily": lambda: charts.daily(self), "hourly": lambda: charts.hourly(self)}

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The rate of the rule, and how often it was broken."""
        if self.empty:
            return ()
        rates = [None if pd.isna(rate) else float(rate) for rate in self.totals.rate]
        return (
            KeyFigure(
                name="drop_rate",
                label=say("Abandoned calls"),
                value=rates[0],
                previous=rates[1] if len(rates) > 1 else None,
                kind="rate",
                better="down",
                history=tuple(rate for rate in reversed(rates[1:]) if rate is not None),
                low=float(self.total.rate_low),
                high=float(self.total.rate_high),
            ),
            KeyFigure(
                name="rule_broken",
                label=say("Times the limit was broken"),
                value=len(self.broken),
                better="down",
            ),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Each campaign that broke the rule, in which hours, and what detection may add."""
        if self.empty:
            return ()
        found = [self._broke(name) for name in self._worst()]
        total = self.total
        if total.late > 0:
            late = Finding(
                words=say(
                    "{n} persons ({share} of those an agent took) waited longer than {grace} "
                    "seconds: the rule counts them as abandoned.",
                    n=number(total.late),
                    share=percent(total.late / max(total.answers - total.drops, 1)),
                    grace=number(self.rule.grace, 1),
                ),
                action=say(
                    "Let the dialler drop or announce at {grace} seconds, and dial less.",
                    grace=number(self.rule.grace, 1),
                ),
                weight=float(min(total.late / total.out_of, 1.0)),
            )
            found.append(late)
        if self.unadjusted:
            found.append(
                Finding(
                    words=say(
                        "Detection stopped {n} calls as machines; how many were persons is not "
                        "known, and the rule counts those as abandoned.",
                        n=number(total.stopped),
                    ),
                    action=say(
                        "Listen to a sample of the stopped calls, and give the share of persons "
                        "turned away as amd_error."
                    ),
                    weight=0.3,
                )
            )
        return tuple(sorted(found, key=lambda finding: -finding.weight))

    def _broke(self, name: Any) -> Finding:
        row = self._own(self.campaigns, name).iloc[0]
        hours = self._own(self.hourly, name)
        worst = hours[hours.excess > 0].sort_values("excess", ascending=False).head(_HOURS)
        when = hour_ranges(worst.hour)
        action = (
            say(
                "Lower the dial level of {campaign}, or add agents, at {hours}.",
                campaign=named(name),
                hours=when,
            )
            if when
            else say(
                "Keep watching {campaign}: these days are below the limit.", campaign=named(name)
            )
        )
        return Finding(
            words=say(
                "{where} broke the limit of {limit}; these days {rate} ({span}) of its answered "
                "calls were abandoned, {n} more than allowed.",
                where=self._where(name),
                limit=percent(self.rule.limit),
                rate=percent(row.rate, 2),
                span=span(row.rate_low, row.rate_high, digits=2),
                n=number(row.excess),
            ),
            action=action,
            weight=float(0.5 + 0.5 * row.out_of / self.total.out_of),
        )
