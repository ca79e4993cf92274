"""What the basis of commission says."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.actions import ActionList
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import day, message, number, percent, say

__all__ = ["RULES", "Commission", "Rule"]

Rule = Literal["closer", "first_contact", "last_touch_before_win", "split"]
RULES: tuple[Rule, ...] = ("closer", "first_contact", "last_touch_before_win", "split")
_NAMES = {
    "closer": message("Closer"),
    "first_contact": message("First conversation"),
    "last_touch_before_win": message("Last conversation before the win"),
    "split": message("Split equally"),
}
_SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Commission(Result):
    """Wins by agent and rule; see `commission`. `actions()` lists the wins that name no agent."""

    rule: Rule
    source: str
    as_of: dt.date
    start: dt.date | None
    timezone: str
    credits: pd.DataFrame = field(repr=False)
    wins: int
    unassigned: int
    shared: int
    without_lead: int
    won: ir.Table = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether there was no win."""
        return self.wins == 0

    @property
    def moved(self) -> dict[Rule, float]:
        """The wins that each other rule would give to somebody else."""
        return {
            rule: float((self.credits[rule] - self.credits[self.rule]).abs().sum() / 2)
            for rule in RULES
            if rule != self.rule
        }

    @property
    def headline(self) -> str:
        """How many wins, by which rule, and how much hangs on the rule."""
        if self.empty:
            return say("No win up to {day}.", day=day(self.as_of))
        rule, most = max(self.moved.items(), key=lambda item: item[1])
        words = {
            "wins": number(self.wins),
            "agents": number(self.credits.agent_id.notna().sum()),
            "rule": say(_NAMES[self.rule]),
            "shared": percent(self.shared / self.wins),
        }
        if most < 0.5:
            return say(
                "{wins} wins of {agents} agents, credited by the rule “{rule}”; no other rule "
                "would move a win.",
                **words,
            )
        return say(
            "{wins} wins of {agents} agents, credited by the rule “{rule}”; {shared} had "
            "conversations with several agents, and the rule “{other}” would move {moved} wins.",
            **words,
            other=say(_NAMES[rule]),
            moved=number(most),
        )

    @property
    def definition(self) -> Definition:
        """Every decision behind the credit."""
        won = (
            say("A handled call whose disposition is a sale.")
            if self.source == "calls"
            else say("An event “won” of a lead.")
        )
        until = say("{which}, days in {zone}", which=self._days(), zone=self.timezone)
        items = [
            (say("Win"), won),
            (say("Wins counted"), until),
            (say("Rule"), say(_NAMES[self.rule])),
            (
                say("Conversations"),
                say(
                    "Those of agents with the lead, up to the win and after the lead's win before "
                    "it; without any, the closer has the win."
                ),
            ),
        ]
        if self.without_lead:
            words = say("{n} wins name no lead: the closer has them.", n=number(self.without_lead))
            items.append((say("Without a lead"), words))
        if self.unassigned:
            words = say("{n} wins name no agent.", n=number(self.unassigned))
            items.append((say("Without an agent"), words))
        return Definition(tuple(items))

    def _days(self) -> str:
        if self.start is None:
            return say("up to {until}, included", until=day(self.as_of))
        return say(
            "from {start} to {until}, included", start=day(self.start), until=day(self.as_of)
        )

    def tables(self) -> Mapping[str, Table]:
        """Wins of each agent by the chosen rule, and by the others."""
        frame = self.credits.assign(
            who=[
                agent if agent is not None else say("(no agent)") for agent in self.credits.agent_id
            ]
        )
        total = {rule: self.credits[rule].sum() for rule in RULES}
        if len(frame):
            last = pd.DataFrame([total | {"who": say("All wins"), "team": ""}])
            frame = pd.concat([frame, last], ignore_index=True)
        order = (self.rule, *(rule for rule in RULES if rule != self.rule))
        columns = (
            Column("who", say("Agent")),
            Column("team", say("Team")),
            *(Column(rule, say(_NAMES[rule]), "number", int(rule == "split")) for rule in order),
        )
        caption = say("Wins by agent: the chosen rule first, then what others would give.")
        return {"credits": Table("commission", caption, frame, columns, total=True)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Wins of each agent by the chosen rule."""
        return {"credits": self._bars}

    def _bars(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.credits[self.credits.agent_id.notna()].head(_SHOWN)
        title = self.headline
        return draw.bars(
            frame,
            label="agent_id",
            value=self.rule,
            kind="number" if self.rule == "split" else "count",
            name="commission",
            title=title,
            subtitle=say(
                "Wins by the rule “{rule}”, {days}; the first {n} of {all} agents.",
                rule=say(_NAMES[self.rule]),
                days=self._days(),
                n=number(len(frame)),
                all=number(self.credits.agent_id.notna().sum()),
            ),
            alt=title,
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The wins credited."""
        return (KeyFigure(name="wins_credited", label=say("Wins credited"), value=self.wins),)

    def findings(self) -> tuple[Finding, ...]:
        """How much hangs on the rule, and the wins that name nobody."""
        if self.empty:
            return ()
        found = []
        rule, most = max(self.moved.items(), key=lambda item: item[1])
        if most >= 0.5:
            found.append(
                Finding(
                    words=say(
                        "The rule decides over {share} of wins: “{other}” would give {n} to "
                        "others.",
                        share=percent(most / self.wins),
                        other=say(_NAMES[rule]),
                        n=number(most),
                    ),
                    action=say("Write the rule into the agreement before the month begins."),
                    weight=most / self.wins,
                )
            )
        if self.unassigned:
            found.append(
                Finding(
                    words=say("{n} wins name no agent.", n=number(self.unassigned)),
                    action=say("Assign the listed wins before commission is paid."),
                    weight=self.unassigned / self.wins,
                )
            )
        return tuple(found)

    def actions(self, *, limit: int | None = 5000) -> ActionList:
        """The wins that name no agent, the earliest first; asked from the engine when called."""
        rows = self.won.filter(self.won.closer.isnull()).order_by(["at", "win_id"])
        if limit is not None:
            rows = rows.limit(limit)
        local = periods.day_number(rows.at, self.timezone)
        frame = rows.select("win_id", "lead_id", number=local).execute()
        frame = frame.assign(
            day=[periods.period_start(number, "day") for number in frame.number],
            todo=say("Find out who won it, and enter the agent."),
        )
        columns = (
            Column("win_id", say("Win")),
            Column("lead_id", say("Lead")),
            Column("day", say("Day"), "day"),
            Column("todo", say("What to do")),
        )
        title = say("Wins without an agent")
        return ActionList("commission_unassigned", title, frame, columns)
