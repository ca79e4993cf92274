"""The charts of a workload."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit.analyses.workload import words
from crmkit.analyses.workload.frames import limits
from crmkit.blocks import Figure
from crmkit.text import day, number, percent, say

if TYPE_CHECKING:
    from crmkit.analyses.workload.result import Workload

_ROWS = 20


def intervals(result: "Workload") -> Figure:
    """The mean day: agents in each state by interval, stacked."""
    from crmkit import draw  # noqa: PLC0415

    profile = result.profile
    profile = profile.assign(
        talking=profile.talk + profile.hold,
        between=profile.preview + profile.ringing + profile.other,
    )
    layers = [
        ("talking", say("Talking")),
        ("wrap", say("Wrapping up")),
        ("between", say("Previewing, ringing")),
        ("ready", say("Ready")),
        ("pause", say("Paused")),
    ]
    layers = [(name, words) for name, words in layers if profile[name].sum() > 0]
    peak = profile.sort_values("login", ascending=False, kind="stable").iloc[0]
    title = say(
        "Most agents, {n} on average, are logged in from {at}; {talking} of them are talking",
        n=number(peak.login, 1),
        at=peak["at"],
        talking=number(peak.talk + peak.hold, 1),
    )
    return draw.stack(
        profile,
        label="at",
        layers=layers,
        name="workload-intervals",
        title=title,
        subtitle=say(
            "Agents in each state by local time, mean of the days with any login, {start} to {end}",
            start=day(result.options.start),
            end=day(result.options.as_of),
        ),
        alt=title,
        kind="number",
    )


def days(result: "Workload") -> Figure:
    """Occupancy and utilisation by day."""
    from crmkit import draw  # noqa: PLC0415

    frame = words.by_date(result)
    named = {"occupancy": say("Occupancy"), "utilisation": say("Utilisation")}
    tidy = pd.concat(
        [
            pd.DataFrame({"day": range(len(frame)), "rate": frame[name], "which": readable})
            for name, readable in named.items()
        ],
        ignore_index=True,
    )
    dates = [day(value.date()) for value in frame.day]
    title = say(
        "Occupancy is {occupancy} and utilisation {utilisation} on average",
        occupancy=percent(result.total.occupancy) or "–",
        utilisation=percent(result.total.utilisation) or "–",
    )
    return draw.curves(
        tidy,
        x="day",
        y="rate",
        by="which",
        accent=list(named.values()),
        kind="rate",
        name="workload-days",
        title=title,
        subtitle=say("Share of time by day with any login"),
        alt=title,
        write_x=lambda at: _dated(dates, at),
    )


def _dated(dates: list[str], at: float) -> str:
    return dates[int(at)] if at == int(at) and 0 <= at < len(dates) else ""


def pauses(result: "Workload") -> Figure:
    """The share of login that each agent pauses, with its interval over days."""
    from crmkit import draw  # noqa: PLC0415

    agents = result.agents
    frame = agents.sort_values(["pause_a_day", "agent_id"], ascending=[False, True]).head(_ROWS)
    _, most = limits(agents, result.options)
    n = int(agents.long_pauses.sum())
    title = (
        say(
            "{n} agents surely pause more than {share} of their login",
            n=number(n),
            share=percent(most),
        )
        if n
        else say("No agent surely pauses more than {share} of login", share=percent(most))
    )
    return draw.dots(
        frame.fillna({"pause_a_day_low": 0.0, "pause_a_day_high": 0.0}),
        label="agent_id",
        value="pause_a_day",
        low="pause_a_day_low",
        high="pause_a_day_high",
        reference=most,
        accent=list(frame.agent_id[frame.long_pauses]) or ["—"],
        name="workload-pauses",
        title=title,
        subtitle=say(
            "Share of login paused, mean of days with 95% interval; the line is the limit. {shown} "
            "of {all} agents.",
            shown=number(len(frame)),
            all=number(len(agents)),
        ),
        alt=title,
    )


def reasons(result: "Workload") -> Figure:
    """Pauses by reason, share of login."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.pauses.assign(
        name=[reason or say("(no reason)") for reason in result.pauses.reason]
    )
    first = frame.iloc[0]
    title = say(
        "The most common reason is {reason}: {share} of all pauses",
        reason=first["name"],
        share=percent(first.share),
    )
    return draw.bars(
        frame,
        label="name",
        value="of_login",
        kind="rate",
        name="workload-reasons",
        title=title,
        subtitle=say("Pauses by reason, share of login"),
        alt=title,
    )
