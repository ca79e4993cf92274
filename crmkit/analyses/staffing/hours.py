"""The stretches of the week that missed the service level, and what next week has there."""

import math
from itertools import groupby
from typing import TYPE_CHECKING

import pandas as pd

from crmkit.actions import ActionList
from crmkit.analyses.staffing import words
from crmkit.analyses.staffing.grid import clock
from crmkit.blocks import Column
from crmkit.text import number, period, say

if TYPE_CHECKING:
    from crmkit.analyses.staffing.result import Staffing

__all__ = ["actions", "named", "runs"]

_LISTED = 10


def runs(result: "Staffing") -> pd.DataFrame:
    """Runs of intervals that surely missed the service level lately, the most missed calls first.

    Columns: weekday, slot, end (not included), calls (a week), level, missed (a week), had (agents
    at work, mean), needed and rostered (next week, mean).
    """
    rows = []
    weeks = max(min(len(result.past_weeks), 4), 1)
    short = result.past[result.past.short]
    for _, group in groupby(
        enumerate(zip(short.weekday, short.slot, short.index, strict=True)),
        key=lambda item: (item[1][0], item[1][1] - item[0]),
    ):
        part = short.loc[[index for _, (_, _, index) in group]]
        first, last = part.iloc[0], part.iloc[-1]
        plan = result.intervals[
            (result.intervals.weekday == first.weekday)
            & result.intervals.slot.between(first.slot, last.slot)
        ]
        rows.append(
            (
                int(first.weekday),
                int(first.slot),
                int(last.slot) + 1,
                float(part.offered.sum()) / weeks,
                float(part.quick.sum() / part.offered.sum()),
                float(part.missed.sum()),
                float(part.at_work.mean()),
                float(plan.needed.mean()) if len(plan) else math.nan,
                float(plan.at_work.mean()) if len(plan) else math.nan,
            )
        )
    columns = ["weekday", "slot", "end", "calls", "level", "missed", "had", "needed", "rostered"]
    frame = pd.DataFrame(rows, columns=columns)
    return frame.sort_values(
        ["missed", "weekday", "slot"], ascending=[False, True, True], ignore_index=True
    )


def named(result: "Staffing", row: "pd.Series[float]") -> str:
    """The name of a stretch, such as "Mon 09:30–11:00"."""
    minutes = result.asked.interval
    first, last = clock(int(row.slot), minutes), clock(int(row.end), minutes)
    return f"{words.weekday(int(row.weekday))} {first}–{last}"


def actions(result: "Staffing") -> ActionList:
    """The stretches of the week that missed the service level most, and next week's agents."""
    frame = runs(result).head(_LISTED)
    frame = frame.assign(
        time=[named(result, row) for _, row in frame.iterrows()],
        action=[
            say("Have {n} agents at work", n=number(math.ceil(row.needed)))
            if not math.isnan(row.needed)
            else ""
            for _, row in frame.iterrows()
        ],
    )
    return ActionList(
        name="staffing_hours",
        title=say("Hours to strengthen in {week}", week=period(result.monday, "week")),
        frame=frame,
        columns=(
            Column("time", say("When")),
            Column("calls", say("Calls a week"), "number", 0),
            Column("level", say("Service level lately"), "rate"),
            Column("missed", say("Calls missed a week"), "number", 1),
            Column("had", say("Agents at work lately"), "number", 1),
            Column("needed", say("Agents needed"), "number", 1),
            Column("rostered", say("Agents at work by the roster"), "number", 1),
            Column("action", say("What to do")),
        ),
    )
