"""What to do about idle time, login and pauses, in words fit for people."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit.actions import ActionList
from crmkit.analyses.workload.frames import limits
from crmkit.blocks import Column
from crmkit.result import Finding
from crmkit.text import number, percent, say, span

if TYPE_CHECKING:
    from crmkit.analyses.workload.result import Workload

_IDLE, _STRAINED = 0.6, 0.88
"""Occupancy below which agents mostly wait, and above which they have no breath."""
_PART = 0.1  # of the most agents logged in: fewer are latecomers at the edge of a shift
_FEWEST = 1.0  # mean agents at work in an interval that is worth a word


def findings(result: "Workload") -> tuple[Finding, ...]:
    """The idlest and the tightest interval, login, pauses, faults; heaviest first."""
    if result.empty:
        return ()
    found = [*_intervals(result), *_people(result), *_faults(result)]
    return tuple(sorted(found, key=lambda finding: -finding.weight))


def _intervals(result: "Workload") -> list[Finding]:
    profile = result.profile
    free = profile.handle + profile.ready
    profile = profile.assign(occupancy=profile.handle / free.where(free > 0))
    profile = profile[free >= max(_FEWEST, _PART * profile.login.max())]
    if profile.empty:
        return []
    idle = profile[profile.occupancy < _IDLE]
    tight = profile[profile.occupancy > _STRAINED]
    found = []
    if len(idle):
        worst = idle.sort_values("ready", ascending=False, kind="stable").iloc[0]
        found.append(
            Finding(
                words=say(
                    "At {at}, {ready} of {login} agents wait on average (occupancy {occupancy}).",
                    at=worst["at"],
                    ready=number(worst.ready, 1),
                    login=number(worst.login, 1),
                    occupancy=percent(worst.occupancy),
                ),
                action=say(
                    "Raise the dial level, load more leads, or move breaks and training here."
                ),
                weight=float(idle.ready.sum() / profile.login.sum()),
            )
        )
    if len(tight):
        worst = tight.sort_values("occupancy", ascending=False, kind="stable").iloc[0]
        found.append(
            Finding(
                words=say(
                    "At {at}, agents have hardly a moment between calls (occupancy {occupancy}).",
                    at=worst["at"],
                    occupancy=percent(worst.occupancy),
                ),
                action=say("Add agents to these intervals, or lower the dial level there."),
                weight=float(tight.login.sum() / profile.login.sum()) * 0.5,
            )
        )
    return found


def _people(result: "Workload") -> list[Finding]:
    agents = result.agents
    least, most = limits(agents, result.options)
    short, long = agents[agents.short_login], agents[agents.long_pauses]
    found = []
    if len(short):
        found.append(
            Finding(
                words=say(
                    "{n} agents are surely logged in less than {hours} hours a day: {names}.",
                    n=number(len(short)),
                    hours=number(least, 1),
                    names=_names(short),
                ),
                action=say(
                    "Check the roster first: part-time, training and absence look the same in the "
                    "log."
                ),
                weight=len(short) / len(agents),
            )
        )
    if len(long):
        found.append(
            Finding(
                words=say(
                    "{n} agents surely pause more than {share} of their login: {names}.",
                    n=number(len(long)),
                    share=percent(most),
                    names=_names(long),
                ),
                action=say("Ask what the pauses are for; look at the reasons before the minutes."),
                weight=len(long) / len(agents),
            )
        )
    return found


def _names(part: pd.DataFrame) -> str:
    names = say(", ").join(part.agent_id.head(5))
    if len(part) <= 5:
        return names
    return say("{names} and {n} more", names=names, n=number(len(part) - 5))


def _faults(result: "Workload") -> list[Finding]:
    if not result.faults["long"]:
        return []
    return [
        Finding(
            words=say(
                "{n} states last longer than 12 hours: an end was probably not logged.",
                n=number(result.faults["long"]),
            ),
            action=say("Do not trust these agents' days; ask the dialler's administrator."),
            weight=min(1.0, result.faults["long"] / max(len(result.days), 1)),
        )
    ]


def listed(result: "Workload") -> ActionList:
    """Agents whose login is short or whose pauses are long, with the evidence."""
    agents = result.agents
    least, most = limits(agents, result.options)
    rows: list[dict[str, object]] = []
    for _, agent in agents[agents.short_login | agents.long_pauses].iterrows():
        about = {"agent_id": agent.agent_id, "team": agent.team, "days": agent.days}
        if agent.short_login:
            why = say(
                "Logged in {hours} hours a day ({span}); less than {least}.",
                hours=number(agent.hours_a_day, 1),
                span=span(agent.hours_a_day_low, agent.hours_a_day_high, rate=False),
                least=number(least, 1),
            )
            todo = say("Check the roster, then ask.")
            rows.append(about | {"what": say("short login"), "why": why, "todo": todo})
        if agent.long_pauses:
            why = say(
                "Paused {share} of login ({span}); more than {most}.",
                share=percent(agent.pause_a_day),
                span=span(agent.pause_a_day_low, agent.pause_a_day_high),
                most=percent(most),
            )
            todo = say("Ask what the pauses are for.")
            rows.append(about | {"what": say("long pauses"), "why": why, "todo": todo})
    columns = (
        Column("agent_id", say("Agent")),
        Column("team", say("Team")),
        Column("days", say("Days with login"), "count"),
        Column("what", say("To look at")),
        Column("why", say("Why")),
        Column("todo", say("What to do")),
    )
    frame = pd.DataFrame(rows, columns=[column.name for column in columns])
    title = say("Agents to talk with about login and pauses")
    note = "" if rows else say("Nobody: login and pauses are within what is normal here.")
    return ActionList("workload_agents", title, frame, columns, note=note)
