"""Outbound: what was measured of dials, and how fast so many agents can be dialled for."""

import math
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from crmkit.analyses.staffing.grid import clock
from crmkit.analyses.staffing.history import cube
from crmkit.queues import Pace
from crmkit.stats import mean_interval, wilson

__all__ = ["Outbound", "outbound"]

_SIZES = (0.5, 0.75, 0.9, 1.0, 1.1, 1.25, 1.5, 2.0)
"""The numbers of agents that the table shows, as shares of those at work."""


@dataclass(frozen=True, kw_only=True)
class Outbound:
    """Outbound calls as measured, and the table of paces.

    `dials`, how many; `answer`, the share put through to agents, with its interval (`answer_low`,
    `answer_high`), of these `drops` that no agent took; `handle`, mean seconds of talk and wrap,
    with its interval; `seek`, mean seconds from dialling to an answer or to giving up; `talk`, mean
    seconds that a call put through holds its line from then on; `agents`, for whom to plan;
    `pace`, one row a number of agents: agents, load (erlangs), occupancy, answers and dials an
    hour, level (lines dialling for each free agent), lines (mean), trunks; `workload`, one row a
    weekday and interval: hours of talk and wrap in a week, with the interval of the mean.
    """

    dials: int = 0
    answers: int = 0
    drops: int = 0
    answer: float = math.nan
    answer_low: float = math.nan
    answer_high: float = math.nan
    handle: float = math.nan
    handle_low: float = math.nan
    handle_high: float = math.nan
    seek: float = math.nan
    talk: float = math.nan
    agents: int = 0
    target: float = 0.03
    grace: float = 2.0
    blocking: float = 0.01
    pace: pd.DataFrame = field(repr=False)
    workload: pd.DataFrame = field(repr=False)

    @property
    def known(self) -> bool:
        """Whether enough was measured to say how fast to dial."""
        return self.answers > 0 and self.handle > 0 and self.agents > 0

    @property
    def own(self) -> "pd.Series[float]":
        """The row of the table for the agents to plan for."""
        return self.pace[self.pace.agents == self.agents].iloc[0]

    def at(self, agents: int, *, answer: float = 1.0, handle: float = 1.0) -> Pace:
        """The pace of so many agents; `answer` and `handle` as factors on what was measured."""
        return Pace(
            agents=agents,
            target=self.target,
            grace=self.grace,
            handle=self.handle * handle,
            answer=min(self.answer * answer, 1.0),
            seek=self.seek,
            talk=self.talk * handle,
        )


def outbound(
    units: pd.DataFrame,
    answer: pd.DataFrame,
    weeks: tuple[int, ...],
    *,
    interval: int,
    agents: int | None,
    target: float,
    grace: float,
    blocking: float,
) -> Outbound:
    """Measure outbound calls, and make the table of paces.

    Agents are those given, else the median of the agents who took outbound calls on a day.
    """
    sums = units[["dials", "answers", "drops", "seek", "held"]].sum()
    talks = units[["talks_out", "seconds_out", "squares_out"]].sum()
    daily = answer["count"][answer.kind == "agents"]
    low, high = wilson(sums.answers, sums.dials)
    least, most = mean_interval(talks.seconds_out, talks.squares_out, talks.talks_out)
    found = Outbound(
        dials=int(sums.dials),
        answers=int(sums.answers),
        drops=int(sums.drops),
        answer=_ratio(sums.answers, sums.dials),
        answer_low=float(low),
        answer_high=float(high),
        handle=_ratio(talks.seconds_out, talks.talks_out),
        handle_low=float(least),
        handle_high=float(most),
        seek=_ratio(sums.seek, sums.dials),
        talk=_ratio(sums.held, sums.answers),
        agents=agents if agents is not None else round(daily.median()) if len(daily) else 0,
        target=target,
        grace=grace,
        blocking=blocking,
        pace=pd.DataFrame(columns=list(_COLUMNS)),
        workload=_workload(units, weeks, interval),
    )
    return found if not found.known else _with_paces(found)


_COLUMNS = (
    "agents",
    "load",
    "occupancy",
    "answers_hour",
    "dials_hour",
    "level",
    "lines",
    "trunks",
)


def _with_paces(found: Outbound) -> Outbound:

    sizes = {max(round(found.agents * size), 1) for size in _SIZES}
    sizes |= {max(found.agents - 1, 1), found.agents, found.agents + 1}
    rows = []
    for agents in sorted(sizes):
        pace = found.at(agents)
        rows.append(
            (
                agents,
                pace.load,
                pace.occupancy,
                3600 * pace.answers,
                3600 * pace.dials,
                pace.level,
                pace.lines,
                pace.trunks(found.blocking),
            )
        )
    return replace(found, pace=pd.DataFrame(rows, columns=list(_COLUMNS)))


def _workload(units: pd.DataFrame, weeks: tuple[int, ...], interval: int) -> pd.DataFrame:
    """Hours of outbound talk and wrap by weekday and interval: the mean of complete weeks."""
    hours = cube(units, weeks, interval, "seconds_out") / 3600
    weekday, slot = np.nonzero(hours.sum(axis=0))
    each = hours[:, weekday, slot]
    low, high = mean_interval(
        each.sum(axis=0), (each**2).sum(axis=0), np.full(len(slot), len(weeks))
    )
    return pd.DataFrame(
        {
            "weekday": weekday,
            "slot": slot,
            "time": [clock(int(at), interval) for at in slot],
            "hours": each.mean(axis=0) if len(weeks) else np.zeros(0),
            "low": np.maximum(low, 0.0),
            "high": high,
            "weeks": len(weeks),
        }
    )


def _ratio(part: float, whole: float) -> float:
    return float(part) / float(whole) if whole else math.nan
