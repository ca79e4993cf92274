"""The charts of service."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit.analyses.calls.names import hour_label
from crmkit.blocks import Figure
from crmkit.stats import SMALL
from crmkit.text import number, percent, period, say

if TYPE_CHECKING:
    from crmkit.analyses.calls.answering.result import Service


def trend(result: "Service") -> Figure:
    """The service level over periods, with its interval and the target."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.trend[result.trend.offered > 0]
    whole = frame[~frame.partial]
    shown = (whole if len(whole) else frame).reset_index(drop=True)
    labels = [period(first, result.period) for first in shown.period]
    level, target = (
        say("Answered in time"),
        say("Target {target}", target=percent(result.target, 0)),
    )
    names = {
        "level_offered": "rate",
        "level_offered_low": "low",
        "level_offered_high": "high",
    }
    line = shown[list(names)].rename(columns=names).assign(place=range(len(shown)), name=level)
    goal = pd.DataFrame({"place": [0, max(len(shown) - 1, 1)], "rate": result.target})
    goal = goal.assign(name=target, low=result.target, high=result.target)
    title = say(
        "{now} of callers were answered within {seconds} seconds in {period}, {before} in "
        "{earlier}",
        now=percent(shown.level_offered.iloc[-1]),
        seconds=number(result.threshold),
        period=labels[-1],
        before=percent(shown.level_offered.iloc[0]),
        earlier=labels[0],
    )
    return draw.curves(
        pd.concat([line, goal], ignore_index=True),
        x="place",
        y="rate",
        by="name",
        low="low",
        high="high",
        accent=[level, target],
        dashed=[target],
        name="service_trend",
        title=title,
        subtitle=say(
            "Callers answered within {seconds} seconds, share with 95% interval, by period",
            seconds=number(result.threshold),
        ),
        alt=title,
        write_x=lambda at: labels[int(at)] if at in range(len(labels)) else "",
    )


def hours(result: "Service") -> Figure:
    """Dots: the service level by hour of the day with its interval, and the target."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.hours[result.hours.offered > 0]
    frame = frame.assign(name=[hour_label(hour) for hour in frame.hour], few=frame.offered < SMALL)
    below = frame[frame.level_offered < result.target]
    worst = frame.sort_values("level_offered", kind="stable").iloc[0]
    title = say(
        "{n} of {all} hours are below the target of {target}; the worst is {hour} with {rate}",
        n=number(len(below)),
        all=number(len(frame)),
        target=percent(result.target, 0),
        hour=worst["name"],
        rate=percent(worst.level_offered),
    )
    return draw.dots(
        frame,
        label="name",
        value="level_offered",
        low="level_offered_low",
        high="level_offered_high",
        reference=result.target,
        accent=list(below["name"]),
        weak="few",
        name="service_hours",
        title=title,
        subtitle=say(
            "Callers answered within {seconds} seconds, share with 95% interval, by hour, {days}; "
            "dotted: target",
            seconds=number(result.threshold),
            days=result.window.words,
        ),
        alt=title,
    )


def occupancy(result: "Service") -> Figure:
    """Bars: occupancy by hour of the day."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.staffed if len(result.staffed) else result.hours
    frame = frame[frame.occupancy.notna()]
    frame = frame.assign(
        name=[hour_label(hour) for hour in frame.hour],
        few=frame.logged_hours < 1,
        agents=[
            say("{n} agent hours", n=number(hours, 0 if hours >= 10 else 1))
            for hours in frame.logged_hours
        ],
    )
    best = frame.sort_values("occupancy", kind="stable").iloc[-1]
    title = say(
        "Agents are busiest from {hour}: {rate} of the time that they are not paused",
        hour=best["name"],
        rate=percent(best.occupancy),
    )
    return draw.bars(
        frame,
        label="name",
        value="occupancy",
        low="occupancy_low",
        high="occupancy_high",
        note="agents",
        weak="few",
        kind="rate",
        name="service_occupancy",
        title=title,
        subtitle=say(
            "Talk, hold and wrap as a share of the time not paused, with 95% interval, by hour, "
            "{days}",
            days=result.window.words,
        ),
        alt=title,
    )


def handle_times(result: "Service") -> Figure:
    """Bars: the mean seconds of talk by direction, where nothing else is known."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.handle_times
    frame = frame.assign(
        name=[say("Outbound") if out else say("Inbound") for out in frame.outbound]
    )
    top = frame.iloc[0]
    title = say(
        "A call lasts {seconds} seconds on average ({direction})",
        seconds=number(top.talk_mean),
        direction=top["name"],
    )
    return draw.bars(
        frame,
        label="name",
        value="talk_mean",
        kind="number",
        name="service_handle_times",
        title=title,
        subtitle=say("Talk and hold of a call, mean seconds, {days}", days=result.window.words),
        alt=title,
    )
