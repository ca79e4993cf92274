"""The tables of a staffing plan."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from crmkit.analyses.staffing import words
from crmkit.analyses.staffing.pick import each
from crmkit.blocks import Column, Table
from crmkit.text import day, message, number, period, say

if TYPE_CHECKING:
    from crmkit.analyses.staffing.result import Staffing

__all__ = ["tables"]

_SCENARIOS = {
    "plan": message("As planned"),
    "handle_down": message("Calls 10% shorter"),
    "handle_up": message("Calls 10% longer"),
    "calls_down": message("10% fewer calls"),
    "calls_up": message("10% more calls"),
    "answer_down": message("Answer rate 20% lower"),
    "answer_up": message("Answer rate 20% higher"),
}
_ALL_DAY = 400


def tables(result: "Staffing") -> Mapping[str, Table]:
    """Every table by name, the main one first."""
    return {
        "days": _days(result),
        "shifts": _shifts(result),
        "intervals": _intervals(result),
        "shrinkage": _shrinkage(result),
        "models": _models(result),
        "steps": _steps(result),
        "accuracy": _accuracy(result),
        "past": _past(result),
        "pace": _pace(result),
        "workload": _workload(result),
        "sensitivity": _sensitivity(result),
    }


def _expected(digits: int) -> Column:
    label = say("Calls expected (80%)")
    return Column("forecast", label, "number", digits, low="low80", high="high80")


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    """The frame with the names of its intervals."""
    names = zip(frame.weekday, frame.time, strict=True)
    return frame.assign(name=[f"{words.weekday(day_)} {time}" for day_, time in names])


def _days(result: "Staffing") -> Table:
    frame = result.days.assign(
        name=[f"{words.weekday(row.weekday)} {day(row.day.date())}" for row in each(result.days)]
    )
    return Table(
        "staffing_days",
        say("Calls and agent hours in {week}", week=period(result.monday, "week")),
        frame,
        (
            Column("name", say("Day")),
            _expected(0),
            Column("needed_hours", say("Hours needed"), "number", 1),
            Column("planned_hours", say("Hours planned"), "number", 1),
            Column("rostered_hours", say("Hours on shift"), "number", 1),
            Column("short_hours", say("Hours uncovered"), "number", 1),
            Column("seats", say("Agents at once"), "number", 0),
        ),
    )


def _shifts(result: "Staffing") -> Table:
    frame = result.shifts.assign(
        days=[
            say(", ").join(words.weekday(weekday) for weekday in weekdays)
            for weekdays in result.shifts.weekdays.tolist()
        ]
    )
    columns = [
        Column("shift", say("Shift")),
        Column("start", say("Begins")),
        Column("hours", say("Hours a day"), "number", 1),
        Column("days", say("Weekdays")),
        Column("agents", say("Agents"), "count"),
        Column("paid_hours", say("Paid hours"), "number", 1),
    ]
    if result.asked.wage is not None:
        columns.append(Column("cost", say("Cost"), "money", 0))
    return Table(
        "staffing_shifts",
        say("Shifts that cover {week}", week=period(result.monday, "week")),
        frame,
        tuple(columns),
    )


def _intervals(result: "Staffing") -> Table:
    frame = _named(result.intervals).assign(
        binds=[words.promises(names) for names in result.intervals.binding],
        range=[
            "" if low == high else f"{number(low)}–{number(high)}"
            for low, high in zip(
                result.intervals.needed_low, result.intervals.needed_high, strict=True
            )
        ],
    )
    return Table(
        "staffing_intervals",
        say("Every interval of {week}", week=period(result.monday, "week")),
        frame,
        (
            Column("name", say("Time of the week")),
            _expected(1),
            Column("needed", say("Agents needed"), "count"),
            Column("range", say("Needed over the band")),
            Column("binds", say("What binds")),
            Column("planned", say("Agents planned"), "count"),
            Column("rostered", say("On shift"), "number", 0),
            Column("at_work", say("At work"), "count"),
            Column("roster_level", say("Service level"), "rate"),
            Column("roster_abandonment", say("Given up"), "rate", folded=True),
            Column("roster_occupancy", say("Occupancy"), "rate", folded=True),
        ),
        limit=_ALL_DAY,
    )


def _shrinkage(result: "Staffing") -> Table:
    needed = float(result.days.needed_hours.sum())
    rows = [(say("Agents needed"), math.nan, "", needed)]
    rows += [
        (words.step(row.step), row.share, say(words.SOURCES[row.source]), needed / row.left)
        for row in each(result.shrinkage)
    ]
    sums = result.days[["planned_hours", "rostered_hours"]].sum()
    rows.append((say("Rounded up, every interval"), math.nan, "", float(sums.planned_hours)))
    rows.append((say("On shift"), math.nan, "", float(sums.rostered_hours)))
    frame = pd.DataFrame(rows, columns=["name", "share", "source", "hours"])
    return Table(
        "staffing_shrinkage",
        say("From agents needed to agents on shift, hours of the week"),
        frame,
        (
            Column("name", say("Step")),
            Column("share", say("Share of what was left"), "rate"),
            Column("source", say("Source")),
            Column("hours", say("Agent hours"), "number", 1),
        ),
    )


def _models(result: "Staffing") -> Table:
    names = {
        "B": say("Erlang B: who finds nobody free is lost"),
        "C": say("Erlang C: everybody waits for ever"),
        "A": say("Erlang A: callers give up"),
    }
    frame = result.models if len(result.models) else pd.DataFrame(columns=["model", *_MODELS])
    return Table(
        "staffing_models",
        say("Three models of the busiest interval, with the agents it needs"),
        frame.assign(name=[names[model] for model in frame.model]),
        (
            Column("name", say("Model")),
            Column("agents", say("Agents"), "count"),
            Column("wait", say("Wait, or are lost"), "rate"),
            Column("asa", say("Mean seconds to an answer"), "number", 1),
            Column("level", say("Service level"), "rate"),
            Column("lost", say("Lost or given up"), "rate"),
            Column("occupancy", say("Occupancy"), "rate"),
            Column("enough", say("Agents it would ask for"), "count"),
        ),
    )


_MODELS = ["agents", "wait", "asa", "level", "lost", "occupancy", "enough"]
_STEPS = ["agents", "service_level", "abandonment", "asa", "occupancy", "level_c"]


def _steps(result: "Staffing") -> Table:
    frame = result.steps if len(result.steps) else pd.DataFrame(columns=_STEPS)
    return Table(
        "staffing_steps",
        say("Some agents more or fewer in the busiest interval"),
        frame,
        (
            Column("agents", say("Agents at work"), "count"),
            Column("service_level", say("Service level"), "rate"),
            Column("abandonment", say("Given up"), "rate"),
            Column("asa", say("Mean seconds to an answer"), "number", 1),
            Column("occupancy", say("Occupancy"), "rate"),
            Column("level_c", say("Service level by Erlang C"), "rate", folded=True),
        ),
    )


def _accuracy(result: "Staffing") -> Table:
    frame = result.said.accuracy
    return Table(
        "staffing_accuracy",
        say("Errors of each forecast on weeks it had not seen"),
        frame.assign(
            name=[say(words.MODELS[model]) for model in frame.model],
            used=[say("used") if chosen else "" for chosen in frame.chosen],
        ),
        (
            Column("name", say("Forecast")),
            Column("wape", say("Errors, share of calls by interval"), "rate"),
            Column("chance", say("By chance alone"), "rate"),
            Column("weeks", say("Weeks tested"), "count"),
            Column("used", say("Used")),
        ),
    )


def _past(result: "Staffing") -> Table:
    frame = _named(result.past)
    return Table(
        "staffing_past",
        say("What the last four weeks kept"),
        frame,
        (
            Column("name", say("Time of the week")),
            Column("offered", say("Calls"), "count"),
            Column(
                "level",
                say("Service level"),
                "rate",
                low="level_low",
                high="level_high",
                n="offered",
            ),
            Column("abandoned", say("Given up"), "count"),
            Column("at_work", say("Agents at work, mean"), "number", 1),
        ),
        note=say("Agents at work are those who take calls in, logged in and not in a pause.")
        if result.states
        else "",
        limit=_ALL_DAY,
    )


def _pace(result: "Staffing") -> Table:
    return Table(
        "staffing_pace",
        say("How fast to dial for so many agents"),
        result.outbound.pace,
        (
            Column("agents", say("Agents"), "count"),
            Column("occupancy", say("Occupancy"), "rate"),
            Column("answers_hour", say("Put through an hour"), "number", 0),
            Column("dials_hour", say("Dials an hour"), "number", 0),
            Column("level", say("Lines dialled for each free agent"), "number", 2),
            Column("lines", say("Lines in use, mean"), "number", 1),
            Column("trunks", say("Lines"), "count"),
        ),
    )


def _workload(result: "Staffing") -> Table:
    frame = result.outbound.workload
    return Table(
        "staffing_workload",
        say("Outbound talk and wrap by interval, hours a week"),
        _named(frame),
        (
            Column("name", say("Time of the week")),
            Column("hours", say("Hours a week"), "number", 2, low="low", high="high"),
            Column("weeks", say("Complete weeks"), "count"),
        ),
        limit=_ALL_DAY,
    )


def _sensitivity(result: "Staffing") -> Table:
    frame = result.sensitivity
    return Table(
        "staffing_sensitivity",
        say("What changes the plan"),
        frame.assign(name=[say(_SCENARIOS[name]) for name in frame.scenario]),
        (
            Column("name", say("If")),
            Column("hours", say("Hours planned"), "number", 0),
            Column("hours_change", say("Change of hours"), "rate"),
            Column("most", say("Agents planned at once"), "number", 0),
            Column("level", say("Service level with today's plan"), "rate"),
            Column("abandonment", say("Given up"), "rate"),
            Column("dials_hour", say("Dials an hour"), "number", 0),
            Column("dial_level", say("Lines dialled for each free agent"), "number", 2),
            Column("trunks", say("Lines for dialling"), "number", 0),
        ),
    )
