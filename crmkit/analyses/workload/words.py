"""The sentence, the definition card and the tables of a workload."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from crmkit.analyses.workload.frames import limits
from crmkit.blocks import Column, Definition, Table
from crmkit.text import day, number, percent, say

if TYPE_CHECKING:
    from crmkit.analyses.workload.result import Workload


def headline(result: "Workload") -> str:
    """How long agents are logged in, and what they do with it."""
    span = {"start": day(result.options.start), "end": day(result.options.as_of)}
    if result.empty:
        return say("No agent was logged in from {start} to {end}.", **span)
    total, agents = result.total, result.agents
    words = {
        "agents": number(len(agents)),
        "hours": number(agents.login.sum() / 3600 / agents.days.sum(), 1),
        "pause": percent(total.pause_share),
    }
    if pd.isna(total.occupancy):
        return say(
            "{agents} agents are logged in {hours} hours a working day; occupancy cannot be told: "
            "the log has neither ready nor talk.",
            **words,
        )
    return say(
        "{agents} agents are logged in {hours} hours a working day; occupancy is {occupancy}, "
        "{ready} of login is idle and {pause} paused.",
        **words,
        occupancy=percent(total.occupancy),
        ready=percent(total.ready / total.login),
    )


def definition(result: "Workload") -> Definition:
    """Every decision behind the numbers, and what was mended."""
    options = result.options
    least, most = limits(result.agents, options)
    items = [
        (
            say("Days counted"),
            say(
                "From {start} to {end}, included, in {zone}; cut into intervals of {n} minutes.",
                start=day(options.start),
                end=day(options.as_of),
                zone=options.timezone,
                n=number(options.interval),
            ),
        ),
        (say("Login"), say("All time but offline.")),
        (
            say("Occupancy"),
            say("Talk, hold and wrap-up over these and ready; pauses are left out."),
        ),
        (say("Occupancy with waiting"), say("The same with preview and ringing as waiting.")),
        (say("Utilisation"), say("Talk, hold and wrap-up over login.")),
    ]
    if not result.empty:
        items.append(
            (
                say("Short login"),
                say(
                    "Surely below {hours} hours a day with login, from 5 days on.",
                    hours=number(least, 1),
                ),
            )
        )
        items.append(
            (
                say("Long pauses"),
                say("Surely above {share} of login, from 5 days on.", share=percent(most)),
            )
        )
    items.append((say("Interval"), say("Student over days, 95%.")))
    return Definition((*items, *_mended(result)))


def _mended(result: "Workload") -> list[tuple[str, str]]:
    faults = result.faults
    found = []
    if faults["open"]:
        words = say(
            "{n} states have no end; they last until the agent's next state or the end of the last "
            "day: {hours} hours.",
            n=number(faults["open"]),
            hours=number(faults["open_micros"] / 3.6e9, 1),
        )
        found.append((say("Open states"), words))
    if faults["overlapping"]:
        words = say(
            "{n} states begin before the one before ends; {hours} hours are not counted twice.",
            n=number(faults["overlapping"]),
            hours=number(faults["overlap_micros"] / 3.6e9, 1),
        )
        found.append((say("Overlapping states"), words))
    if faults["backwards"]:
        words = say("{n} states end before they begin.", n=number(faults["backwards"]))
        found.append((say("Left out"), words))
    if faults["nameless"]:
        words = say("{n} states name no agent.", n=number(faults["nameless"]))
        found.append((say("Without an agent"), words))
    return found


def tables(result: "Workload") -> Mapping[str, Table]:
    """Agents; teams; the mean day by interval; pauses by reason; days."""
    return {
        "agents": _agents(result),
        "teams": _teams(result),
        "intervals": _intervals(result),
        "pauses": _pauses(result),
        "days": _days(result),
    }


def _rates() -> tuple[Column, ...]:
    return (
        Column("occupancy", say("Occupancy"), "rate"),
        Column("utilisation", say("Utilisation"), "rate"),
        Column("occupancy_waiting", say("Occupancy with waiting"), "rate", folded=True),
    )


def _agents(result: "Workload") -> Table:
    frame = result.agents.assign(
        note=[
            say(", ").join(
                words
                for words, flag in (
                    (say("short login"), short),
                    (say("long pauses"), long),
                )
                if flag
            )
            for short, long in zip(
                result.agents.short_login, result.agents.long_pauses, strict=True
            )
        ]
    )
    columns = (
        Column("agent_id", say("Agent")),
        Column("team", say("Team")),
        Column("days", say("Days with login"), "count"),
        Column(
            "hours_a_day",
            say("Login, hours a day"),
            "number",
            1,
            low="hours_a_day_low",
            high="hours_a_day_high",
        ),
        *_rates(),
        Column(
            "pause_a_day",
            say("Paused, share of login"),
            "rate",
            low="pause_a_day_low",
            high="pause_a_day_high",
        ),
        Column("note", say("To look at")),
    )
    return Table("workload-agents", say("Time of each agent."), frame, columns)


def _teams(result: "Workload") -> Table:
    frame = result.teams.assign(
        name=[team or say("(no team)") for team in result.teams.team],
        hours=result.teams.login / 3600 / result.teams.days,
    )
    columns = (
        Column("name", say("Team")),
        Column("agents", say("Agents"), "count"),
        Column("hours", say("Login, hours a day"), "number", 1),
        *_rates(),
        Column("pause_share", say("Paused, share of login"), "rate"),
    )
    return Table("workload-teams", say("Time of each team."), frame, columns)


def _intervals(result: "Workload") -> Table:
    columns = (
        Column("at", say("Since")),
        Column("login", say("Logged in"), "number", 1),
        Column("talk", say("Talking"), "number", 1),
        Column("hold", say("Holding"), "number", 1, folded=True),
        Column("wrap", say("Wrapping up"), "number", 1),
        Column("ready", say("Ready"), "number", 1),
        Column("preview", say("Previewing"), "number", 1, folded=True),
        Column("ringing", say("Ringing"), "number", 1, folded=True),
        Column("pause", say("Paused"), "number", 1),
    )
    caption = say("The mean day: agents in each state, by interval, over days with any login.")
    frame = (
        result.profile.reindex(columns=[c.name for c in columns])
        if result.empty
        else result.profile
    )
    return Table("workload-intervals", caption, frame, columns)


def _pauses(result: "Workload") -> Table:
    frame = result.pauses.assign(
        name=[reason or say("(no reason)") for reason in result.pauses.reason],
        hours=result.pauses.seconds / 3600,
    )
    columns = (
        Column("name", say("Reason")),
        Column("agents", say("Agents"), "count"),
        Column("hours", say("Hours"), "number", 1),
        Column("share", say("Share of pauses"), "rate"),
        Column("of_login", say("Share of login"), "rate"),
    )
    return Table("workload-pauses", say("Pauses by reason."), frame, columns)


def by_date(result: "Workload") -> pd.DataFrame:
    """One row a day with login: agents, login hours, occupancy, utilisation, pauses."""
    from crmkit.analyses.workload.frames import STATES, shares  # noqa: PLC0415

    on = result.days[result.days.login > 0]
    sums = on.groupby("day")[list(STATES)].sum()
    sums = sums.join(on.groupby("day").agent_id.nunique().rename("agents"))
    return shares(sums.reset_index())


def _days(result: "Workload") -> Table:
    frame = by_date(result)
    frame = frame.assign(hours=frame.login / 3600)
    columns = (
        Column("day", say("Day"), "day"),
        Column("agents", say("Agents"), "count"),
        Column("hours", say("Login, hours"), "number", 1),
        *_rates(),
        Column("pause_share", say("Paused, share of login"), "rate"),
    )
    return Table("workload-days", say("The floor by day."), frame, columns)
