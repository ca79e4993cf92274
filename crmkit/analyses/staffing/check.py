"""The roster as simulated: service level in the mean and on the worst tenth of days."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from crmkit.analyses.staffing.grid import clock
from crmkit.analyses.staffing.pick import least
from crmkit.analyses.staffing.words import weekday
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import InputError
from crmkit.result import Finding, KeyFigure, Result
from crmkit.text import number, percent, say

__all__ = ["RosterCheck", "checked"]

_NEEDED = ("run", "weekday", "minute", "offered", "quick", "abandoned")
_WORST = 0.10


@dataclass(frozen=True, kw_only=True)
class RosterCheck(Result):
    """Simulated service levels of a roster, beside the formula's.

    `days`, one row a weekday: offered (a day, mean), level (over all callers), worst (the level
    that nine of ten simulated days exceed), abandonment, formula; `times`, the same by time of day.
    """

    days: pd.DataFrame = field(repr=False)
    times: pd.DataFrame = field(repr=False)
    runs: int
    target: float

    @property
    def empty(self) -> bool:
        """Whether nothing was simulated."""
        return self.runs == 0 or self.days.empty

    @property
    def level(self) -> float:
        """The share of all simulated callers answered in time."""
        return float(np.average(self.days.level, weights=self.days.offered))

    @property
    def formula(self) -> float:
        """What the formula promised."""
        return float(np.average(self.days.formula, weights=self.days.offered))

    @property
    def worst(self) -> "pd.Series[float]":
        """The weekday whose worst tenth is worst."""
        return least(self.days, "worst")

    @property
    def headline(self) -> str:
        """The mean, the worst tenth of the worst weekday, and the promise."""
        if self.empty:
            return say("No roster was simulated.")
        worst = self.worst
        return say(
            "Simulated {n} times, the roster answers {level} in time (the formula says {formula}, "
            "the target is {target}); on the worst tenth of {day} at most {worst}.",
            n=number(self.runs),
            level=percent(self.level),
            formula=percent(self.formula),
            target=percent(self.target, 0),
            day=weekday(worst.weekday),
            worst=percent(worst.worst),
        )

    @property
    def definition(self) -> Definition:
        """What was simulated."""
        return Definition(
            (
                (
                    say("Simulated"),
                    say(
                        "the roster's agents at work and Poisson callers at the forecast rate, "
                        "call by call, {n} days of each weekday",
                        n=number(self.runs),
                    ),
                ),
                (
                    say("Worst tenth"),
                    say("the service level that nine of ten simulated days exceed"),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """By weekday and by time of day."""
        named = self.days.assign(name=[weekday(day) for day in self.days.weekday])
        shown = (
            Column("offered", say("Calls a day"), "count"),
            Column("level", say("Simulated service level"), "rate"),
            Column("worst", say("Worst tenth"), "rate"),
            Column("abandonment", say("Given up"), "rate"),
            Column("formula", say("By formula"), "rate"),
        )
        caption = say("Service level of the roster, simulated and by formula")
        return {
            "days": Table("roster_days", caption, named, (Column("name", say("Weekday")), *shown)),
            "times": Table(
                "roster_times",
                say("Service level of the roster by time of day"),
                self.times,
                (Column("time", say("Time")), *shown),
            ),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Mean, worst tenth and formula by time of day."""
        return {"times": self._times}

    def _times(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        names = {
            "level": say("Simulated"),
            "worst": say("Worst tenth"),
            "formula": say("Formula"),
        }
        hours = self.times.minute / 60
        frame = pd.concat(
            [
                pd.DataFrame({"hour": hours, "level": self.times[column], "line": name})
                for column, name in names.items()
            ],
            ignore_index=True,
        )
        return draw.curves(
            frame,
            x="hour",
            y="level",
            by="line",
            accent=[names["level"], names["worst"]],
            dashed=[names["formula"]],
            kind="rate",
            from_zero=False,
            name="roster_times",
            title=self.headline,
            subtitle=say("Share of callers answered in time, by time of day, all weekdays"),
            alt=self.headline,
            write_x=lambda hour: f"{round(hour * 60) // 60:02d}:{round(hour * 60) % 60:02d}",
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The simulated service level."""
        if self.empty:
            return ()
        label = say("Simulated service level")
        return (KeyFigure(name="simulated_level", label=label, value=self.level, kind="rate"),)

    def findings(self) -> tuple[Finding, ...]:
        """Whether bad days miss the target."""
        if self.empty or self.worst.worst >= self.target:
            return ()
        below = self.days[self.days.worst < self.target]
        days = say(", ").join(weekday(day) for day in below.weekday)
        return (
            Finding(
                words=say("On one day in ten the roster misses the target on: {days}.", days=days),
                action=say(
                    "Keep an agent on call on these days, or plan for the band's upper end."
                ),
                weight=float(self.target - below.worst.min()),
            ),
        )


def checked(
    simulated: pd.DataFrame, intervals: pd.DataFrame, interval: int, target: float
) -> RosterCheck:
    """Simulated counts by run, weekday and interval as service levels beside the formula's.

    Raises: InputError for a frame without the columns.
    """
    missing = [name for name in _NEEDED if name not in simulated.columns]
    if missing:
        raise InputError(f"simulated has no column {', '.join(missing)}; see `rehearse`.")
    promised = intervals.assign(
        minute=intervals.slot.astype("int64") * interval,
        kept=intervals.roster_level.fillna(0.0) * intervals.forecast,
    )
    days = _levels(simulated, promised, "weekday")
    times = _levels(simulated, promised, "minute")
    return RosterCheck(
        days=days,
        times=times.assign(time=[clock(int(at) // interval, interval) for at in times.minute]),
        runs=int(simulated.run.nunique()),
        target=target,
    )


def _levels(simulated: pd.DataFrame, promised: pd.DataFrame, by: str) -> pd.DataFrame:
    """Service level by weekday or time: of all callers, and of the worst tenth of the days."""
    keys = list(dict.fromkeys([by, "run", "weekday"]))
    day = simulated.groupby(keys)[["offered", "quick", "abandoned"]].sum()
    day = day[day.offered > 0]
    day = day.reset_index(level=[name for name in day.index.names if name != by], drop=True)
    sums = day.groupby(by).sum()
    level = (day.quick / day.offered).groupby(by).quantile(_WORST)
    weeks = promised.groupby(by)[["forecast", "kept"]].sum()
    found = pd.DataFrame(
        {
            "offered": sums.offered / day.groupby(by).size(),
            "level": sums.quick / sums.offered,
            "worst": level,
            "abandonment": sums.abandoned / sums.offered,
            "formula": (weeks.kept / weeks.forecast).reindex(sums.index),
        }
    )
    return found.reset_index()
