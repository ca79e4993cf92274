"""What the question of automatic voice gives back."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from crmkit import periods
from crmkit.analyses.calls.automatic import words
from crmkit.analyses.calls.automatic.options import Costs
from crmkit.analyses.calls.window import Window
from crmkit.blocks import Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import difference_interval
from crmkit.text import money, number, percent, period, say, span

__all__ = ["Voice"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Voice(Result):
    """Dials of people and of automatic voice; see `voice` for the frames."""

    window: Window
    period: periods.Period
    costs: Costs
    logged: float
    kinds: pd.DataFrame = field(repr=False)
    before: pd.DataFrame | None = field(repr=False)
    trend: pd.DataFrame = field(repr=False)

    @property
    def people(self) -> "pd.Series[Any]":
        """The calls of people."""
        return self.kinds.iloc[0]

    @property
    def machine(self) -> "pd.Series[Any]":
        """The automatic calls."""
        return self.kinds.iloc[1]

    @property
    def empty(self) -> bool:
        """Whether there were no automatic calls."""
        return bool(self.machine.dials == 0)

    @property
    def headline(self) -> str:
        """The share of dials that were automatic, who listened, who showed interest."""
        if self.empty:
            return say("No automatic voice calls from {days}.", days=self.window.words)
        machine, all_dials = self.machine, float(self.kinds.dials.sum())
        heard = say(
            "{days}: automatic voice made {dials} dials, {share} of all; {rate} ({span}) were "
            "heard by a person",
            days=self.window.words,
            dials=number(machine.dials),
            share=percent(machine.dials / all_dials),
            rate=percent(machine.contact_rate),
            span=span(machine.contact_rate_low, machine.contact_rate_high),
        )
        if pd.isna(machine.interest_rate):
            return say("{finding}.", finding=heard)
        return say(
            "{heard}, and {rate} ({span}) of these showed interest, against {people} of those an "
            "agent spoke to.",
            heard=heard,
            rate=percent(machine.interest_rate),
            span=span(machine.interest_rate_low, machine.interest_rate_high),
            people=percent(self.people.interest_rate) or "–",
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return words.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """The two kinds; periods."""
        return words.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Dials of both kinds over periods."""
        return {"trend": self._trend}

    def _trend(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.trend.assign(label=[period(first, self.period) for first in self.trend.period])
        return draw.columns(
            frame,
            label="label",
            values=[("people", say("Human agents")), ("voice", say("Automatic voice"))],
            name="voice_trend",
            title=say(
                "Automatic voice makes {share} of all dials",
                share=percent(self.machine.dials / self.kinds.dials.sum()),
            ),
            subtitle=say("Dials by people and by automatic voice, by period; hatched: not whole"),
            alt=self.headline,
            partial="partial",
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Automatic dials, the share heard, the share interested, cost of an interested person."""
        if self.empty:
            return ()
        figures = [
            self._figure("voice_dials", "dials", say("Automatic dials"), "count"),
            self._figure("voice_heard", "contact_rate", say("Heard by a person"), "rate"),
        ]
        if pd.notna(self.machine.interest_rate):
            interest = say("Interest after automatic voice")
            figures.append(self._figure("voice_interest", "interest_rate", interest, "rate"))
        if pd.notna(self.machine.cost_per_interest):
            cost = KeyFigure(
                name="voice_cost_per_interest",
                label=say("Cost of an interested person, automatic voice"),
                value=float(self.machine.cost_per_interest),
                kind="money",
                better="down",
            )
            figures.append(cost)
        return tuple(figures)

    def _figure(self, name: str, column: str, label: str, kind: str) -> KeyFigure:
        before = None if self.before is None else float(self.before[column].iloc[1])
        rate = kind == "rate"
        return KeyFigure(
            name=name,
            label=label,
            value=float(self.machine[column]),
            previous=before,
            kind=kind,
            better="up" if rate else "neither",
            low=float(self.machine[f"{column}_low"]) if rate else None,
            high=float(self.machine[f"{column}_high"]) if rate else None,
        )

    def findings(self) -> tuple[Finding, ...]:
        """What an interested person costs either way, and who asks not to be called."""
        if self.empty:
            return ()
        return (*self._costs(), *self._interest(), *self._refusals())

    def _costs(self) -> list[Finding]:
        person, machine = self.people.cost_per_interest, self.machine.cost_per_interest
        if pd.isna(person) or pd.isna(machine):
            return []
        words_ = say(
            "An interested person costs {machine} by automatic voice and {person} by agents.",
            machine=money(machine),
            person=money(person),
        )
        action = (
            say(
                "Give automatic voice the lists that agents would reach last, and pass on interest."
            )
            if machine < person
            else say("Keep these lists for agents, or change the message.")
        )
        return [Finding(words=words_, action=action, weight=0.3)]

    def _difference(self, part: str) -> tuple[float, float]:
        one, other = self.machine, self.people
        if pd.isna(one[part]) or min(one.coded, other.coded) == 0:
            return float("nan"), float("nan")
        return difference_interval(one[part], one.coded, other[part], other.coded)

    def _interest(self) -> list[Finding]:
        _, high = self._difference("interested")
        if not high < 0:
            return []
        return [
            Finding(
                words=say(
                    "{machine} of those who heard automatic voice showed interest, {person} of "
                    "those an agent spoke to.",
                    machine=percent(self.machine.interest_rate),
                    person=percent(self.people.interest_rate),
                ),
                action=say("Let agents call the interested back the same day, and test the words."),
                weight=float(self.machine.dials / self.kinds.dials.sum()) / 2,
            )
        ]

    def _refusals(self) -> list[Finding]:
        low, _ = self._difference("do_not_call")
        if not low > 0:
            return []
        return [
            Finding(
                words=say(
                    "{machine} of those who heard automatic voice asked not to be called again, "
                    "{person} of those an agent spoke to.",
                    machine=percent(self.machine.refusal_rate),
                    person=percent(self.people.refusal_rate),
                ),
                action=say("Call fewer numbers by automatic voice, and not the same ones again."),
                weight=0.3,
            )
        ]
