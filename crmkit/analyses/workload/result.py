"""What a workload says."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import ibis.expr.types as ir
import pandas as pd

from crmkit import periods
from crmkit.actions import ActionList
from crmkit.analyses.workload import charts, findings, words
from crmkit.analyses.workload.agent_day import AgentDay, day_of
from crmkit.analyses.workload.frames import STATES, shares
from crmkit.analyses.workload.options import Options
from crmkit.blocks import Definition, Figure, Table
from crmkit.errors import ParameterError, nearest
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import say

__all__ = ["Workload"]


@dataclass(frozen=True, kw_only=True)
class Workload(Result):
    """What agents did with their time; see `workload` for the frames.

    `faults` counts what was mended or left out: states without an agent (nameless), that end before
    they begin (backwards), without an end (open, and open_micros, the time they were given),
    overlapping (and overlap_micros, the time not counted twice), and of more than 12 hours (long).
    """

    options: Options
    days: pd.DataFrame = field(repr=False)
    agents: pd.DataFrame = field(repr=False)
    teams: pd.DataFrame = field(repr=False)
    intervals: pd.DataFrame = field(repr=False)
    team_intervals: pd.DataFrame = field(repr=False)
    pauses: pd.DataFrame = field(repr=False)
    faults: Mapping[str, int]
    states: ir.Table = field(repr=False)

    @property
    def empty(self) -> bool:
        """Whether nobody was logged in."""
        return self.agents.empty

    @property
    def total(self) -> "pd.Series[Any]":
        """The floor as a whole: seconds in each state, login, occupancy, utilisation."""
        sums = self.days[list(STATES)].sum().to_frame().T
        return shares(sums).iloc[0]

    @property
    def profile(self) -> pd.DataFrame:
        """The mean day by interval: agents in each state, over the days with any login."""
        if self.empty:
            return self.intervals
        on = self.intervals[self.intervals.login > 0]
        worked = on.day.nunique()
        sums = on.groupby(["place", "at"])[[*STATES, "login", "handle"]].sum().reset_index()
        heads = sums[[*STATES, "login", "handle"]] / (worked * 60 * self.options.interval)
        return pd.concat([sums[["place", "at"]], heads], axis=1)

    @property
    def headline(self) -> str:
        """How long agents are logged in, and what they do with it."""
        return words.headline(self)

    @property
    def definition(self) -> Definition:
        """Every decision behind the numbers, and what was mended."""
        return words.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """Agents; teams; the mean day by interval; pauses by reason; days."""
        return words.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The mean day by interval, occupancy by day, pauses by agent and by reason."""
        drawn: dict[str, Callable[[], Figure]] = {
            "intervals": lambda: charts.intervals(self),
            "days": lambda: charts.days(self),
            "pauses": lambda: charts.pauses(self),
        }
        if len(self.pauses):
            drawn["reasons"] = lambda: charts.reasons(self)
        return drawn

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Occupancy, utilisation and the share of pauses."""
        if self.empty:
            return ()
        total = self.total
        labels = {
            "occupancy": (say("Occupancy"), "neither"),
            "utilisation": (say("Utilisation"), "up"),
            "pause_share": (say("Pauses, share of login"), "neither"),
        }
        return tuple(
            KeyFigure(
                name=name,
                label=label,
                value=None if pd.isna(total[name]) else float(total[name]),
                kind="rate",
                better=better,
            )
            for name, (label, better) in labels.items()
        )

    def findings(self) -> tuple[Finding, ...]:
        """Idle time, login, pauses, and faults of the log."""
        return findings.findings(self)

    def actions(self) -> ActionList:
        """Agents to talk with about short login or long pauses, with the evidence."""
        return findings.listed(self)

    def day(self, agent_id: str, on: periods.Day) -> AgentDay:
        """The timeline of one agent's day; asked from the engine when called.

        Raises: ParameterError for an agent who has no state in these days, or a day outside them.
        """
        known = sorted(set(self.days.agent_id))
        if agent_id not in known:
            guess = nearest(agent_id, known)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise ParameterError(f"There is no state of agent {agent_id!r} in these days.{hint}")
        day = periods.day(on)
        if not self.options.start <= day <= self.options.as_of:
            raise ParameterError(
                f"{day} is outside the days asked for, {self.options.start} to "
                f"{self.options.as_of}."
            )
        return day_of(self.states, agent_id, day, self.options)
