"""The result of a staffing plan: next week's calls, agents, shifts and lines."""

import datetime as dt
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmkit.actions import ActionList
from crmkit.analyses.staffing import charts, figures, findings, hours, tables, words
from crmkit.analyses.staffing.calls_in import Measured
from crmkit.analyses.staffing.check import RosterCheck, checked
from crmkit.analyses.staffing.forecast import LEVELS, Forecast
from crmkit.analyses.staffing.history import History
from crmkit.analyses.staffing.options import Options
from crmkit.analyses.staffing.pace import Outbound
from crmkit.analyses.staffing.pick import busiest
from crmkit.blocks import Definition, Figure, Notice, Table
from crmkit.queues import fewest_lines
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import number, percent, period, say, span

__all__ = ["Staffing"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Staffing(Result):
    """A plan for the week to come; see `staffing` for how it is made.

    `intervals`, one row an interval: forecast with bands, needed, planned, rostered; `days`;
    `shifts`, who works what; `shrinkage`, step by step; `accuracy` of the forecast; `models` and
    `steps` of the busiest interval; `past`, what was kept lately; `sensitivity`; `outbound`.
    `gap` says why inbound calls are not planned (no_calls, no_week, no_handle), else "".
    """

    asked: Options
    gap: str
    states: bool
    past_weeks: History = field(repr=False)
    measured: Measured
    said: Forecast = field(repr=False)
    shrinkage: pd.DataFrame = field(repr=False)
    intervals: pd.DataFrame = field(repr=False)
    days: pd.DataFrame = field(repr=False)
    shifts: pd.DataFrame = field(repr=False)
    patterns: int
    proven: bool
    models: pd.DataFrame = field(repr=False)
    steps: pd.DataFrame = field(repr=False)
    past: pd.DataFrame = field(repr=False)
    outbound: Outbound
    sensitivity: pd.DataFrame = field(repr=False)
    offered: int
    last_level: tuple[float, ...]

    @property
    def empty(self) -> bool:
        """Whether neither inbound nor outbound calls can be planned."""
        return not self.planned_in and not self.outbound.known

    @property
    def planned_in(self) -> bool:
        """Whether there are inbound calls to plan for."""
        return not self.gap and len(self.intervals) > 0

    @property
    def accuracy(self) -> pd.DataFrame:
        """How far each forecast erred on weeks that it had not seen."""
        return self.said.accuracy

    @property
    def monday(self) -> dt.date:
        """The first day of the week planned."""
        return self.asked.monday

    @property
    def calls(self) -> tuple[float, float, float]:
        """Calls expected in the week, and the 80 % band, as if all days erred alike."""
        mean = float(self.intervals.forecast.sum())
        low, high = self.said.band.limits(mean, LEVELS[0])
        return mean, float(low), float(high)

    @property
    def busiest(self) -> "pd.Series[float]":
        """The interval with the most calls."""
        return busiest(self.intervals)

    @property
    def people(self) -> int:
        """Agents who work a shift in the week."""
        return int(self.shifts.agents.sum())

    @property
    def seats(self) -> int:
        """Agents on shift at once, at most."""
        return math.ceil(self.intervals.rostered.max() - 1e-9) if self.planned_in else 0

    @property
    def paid_hours(self) -> float:
        """Paid hours of the week."""
        return float(self.shifts.paid_hours.sum())

    @property
    def short_hours(self) -> float:
        """Agent hours of the week that were planned and that no shift covers."""
        return float(self.days.short_hours.sum())

    @property
    def trunks_in(self) -> int:
        """Lines at which at most the share `blocking` of the busiest interval's callers is lost."""
        if not self.planned_in or not self.measured.held > 0:
            return 0
        at = self.busiest
        rate = float(at.forecast) / (60 * self.asked.interval * float(at.length))
        return fewest_lines(rate * self.measured.held, blocked=self.asked.blocking)

    @property
    def trunks(self) -> int:
        """Lines for callers and for dialling, each by Erlang B."""
        return self.trunks_in + (int(self.outbound.own.trunks) if self.outbound.known else 0)

    @property
    def expected_level(self) -> float:
        """The service level of the week with the agents at work by the roster (Erlang A)."""
        rows = self.intervals[self.intervals.forecast > 0]
        return float(np.average(rows.roster_level, weights=rows.forecast))

    @property
    def roster(self) -> pd.DataFrame:
        """What `crmkit.simulate.rehearsal.rehearse` takes: the week, one row an interval.

        Columns: weekday (0 is Monday), minute (of the day, at which it begins), arrivals (calls
        expected), agents (at work).
        """
        frame = self.intervals
        return pd.DataFrame(
            {
                "weekday": frame.weekday.astype("int64"),
                "minute": frame.slot.astype("int64") * self.asked.interval,
                "arrivals": frame.forecast / frame.length.where(frame.length > 0),
                "agents": frame.at_work.astype("int64"),
            }
        )

    def checked(self, simulated: pd.DataFrame) -> RosterCheck:
        """The roster as simulated, beside what the formula promised.

        Parameters: `simulated`, one row a run, weekday and interval, as `rehearse` gives it: run,
        weekday, minute, offered, quick, abandoned.
        Returns: `RosterCheck`: service level in the mean and in the worst tenth of the days.
        """
        return checked(
            simulated, self.intervals, self.asked.interval, self.asked.promise.service_level
        )

    @property
    def headline(self) -> str:
        """How many calls, agents, hours; and how fast to dial."""
        parts = [self._inbound_words()]
        if self.outbound.known:
            own = self.outbound.own
            parts.append(
                say(
                    "For {agents} outbound agents, dial {dials} numbers an hour, {level} lines for "
                    "each free agent, on {trunks} lines.",
                    agents=number(self.outbound.agents),
                    dials=number(own.dials_hour),
                    level=number(own.level, 1),
                    trunks=number(own.trunks),
                )
            )
        return " ".join(parts) if not words.chinese() else "".join(parts)

    def _inbound_words(self) -> str:
        if not self.planned_in:
            return words.why_not(self)
        calls, low, high = self.calls
        return say(
            "{week}: {calls} calls expected ({span}, 80%). They take {people} agents on shifts of "
            "{hours} paid hours, {seats} of them at once, and {level} are answered within "
            "{within} s.",
            week=period(self.monday, "week"),
            calls=number(calls),
            span=span(low, high, digits=0, rate=False),
            people=number(self.people),
            hours=number(self.paid_hours),
            seats=number(self.seats),
            level=percent(self.expected_level),
            within=number(self.asked.promise.within),
        )

    @property
    def definition(self) -> Definition:
        """Every decision behind the plan."""
        return words.definition(self)

    def tables(self) -> Mapping[str, Table]:
        """Days; shifts; intervals; shrinkage; models; steps; accuracy; sensitivity; pace; past."""
        return tables.tables(self)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The forecast, the cover of the roster, shrinkage, one agent more or fewer, the pace."""
        return {
            "forecast": lambda: charts.forecast(self),
            "cover": lambda: charts.cover(self),
            "shrinkage": lambda: charts.shrinkage(self),
            "steps": lambda: charts.steps(self),
            "pace": lambda: charts.pace(self),
        }

    def plot(self, kind: str | None = None) -> Figure | Notice:
        """One chart; a notice that says so where that side of the floor has no calls."""
        chosen = kind or ("forecast" if self.planned_in else "pace")
        if chosen == "pace" and not self.outbound.known:
            return Notice(say("No outbound calls to pace."))
        if chosen in charts.INBOUND and not self.planned_in:
            return Notice(words.why_not(self))
        return super().plot(chosen)

    def table(self, name: str | None = None) -> Table:
        """One table: the days, or the pace where there are no inbound calls, or that named."""
        return super().table(name or ("days" if self.planned_in else "pace"))

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Calls, seats, paid hours, service level, lines, dial level."""
        return figures.key_figures(self)

    def findings(self) -> tuple[Finding, ...]:
        """Understaffed hours, what one agent does, what the plan is sensitive to, how to dial."""
        return findings.found(self)

    def actions(self) -> ActionList:
        """The hours that miss the service level most, and how many agents next week has there."""
        return hours.actions(self)
