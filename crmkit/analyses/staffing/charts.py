"""The charts of a staffing plan."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from crmkit.analyses.staffing import words
from crmkit.analyses.staffing.grid import clock, slots
from crmkit.analyses.staffing.pick import each
from crmkit.blocks import Figure
from crmkit.text import number, percent, period, say, span

if TYPE_CHECKING:
    from crmkit.analyses.staffing.result import Staffing

__all__ = ["INBOUND", "cover", "forecast", "pace", "shrinkage", "steps"]

INBOUND = ("forecast", "cover", "shrinkage", "steps")
"""The charts that need inbound calls."""


def forecast(result: "Staffing") -> Figure:
    """Calls expected by interval with the 80 % band, and those of the last complete week."""
    from crmkit import draw  # noqa: PLC0415

    n = slots(result.asked.interval)
    ahead = np.zeros((3, 7 * n))
    place = (result.intervals.weekday * n + result.intervals.slot).astype(int).to_numpy()
    for row, column in enumerate(("forecast", "low80", "high80")):
        ahead[row, place] = result.intervals[column].to_numpy(dtype=float)
    days = np.arange(7 * n) / n
    last = result.past_weeks.calls[-1]
    names = (say("Expected"), say("Last week"))
    frame = pd.concat(
        [
            pd.DataFrame(
                {"at": days, "calls": ahead[0], "low": ahead[1], "high": ahead[2], "line": names[0]}
            ),
            pd.DataFrame({"at": days, "calls": last.ravel(), "line": names[1]}),
        ],
        ignore_index=True,
    )
    calls, low, high = result.calls
    busiest = result.busiest
    title = say(
        "{calls} calls expected ({span}); most at {time}, {most} in {n} minutes",
        calls=number(calls),
        span=span(low, high, digits=0, rate=False),
        time=words.interval(busiest.weekday, busiest.slot, result.asked.interval),
        most=number(busiest.forecast),
        n=number(result.asked.interval),
    )
    return draw.curves(
        frame,
        x="at",
        y="calls",
        by="line",
        low="low",
        high="high",
        accent=[names[0]],
        kind="count",
        name="staffing_forecast",
        title=title,
        subtitle=say(
            "Inbound calls in {n} minutes, {week}, with the 80% band, and last week",
            n=number(result.asked.interval),
            week=period(result.monday, "week"),
        ),
        alt=title,
        write_x=lambda at: words.weekday(int(at)) if 0 <= at < 7 else "",
    )


def cover(result: "Staffing") -> Figure:
    """Agents on shift less agents planned, by time of day and weekday."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.intervals
    wide = frame.pivot_table(index="slot", columns="weekday", values="over")
    told = frame.assign(
        words=[
            say(
                "{time}: {rostered} on shift, {planned} planned, {needed} needed at work",
                time=words.interval(row.weekday, row.slot, result.asked.interval),
                rostered=number(row.rostered),
                planned=number(row.planned),
                needed=number(row.needed),
            )
            for row in each(frame)
        ]
    ).pivot_table(index="slot", columns="weekday", values="words", aggfunc="first")
    over, short = float(frame.over.clip(lower=0).sum()), float((-frame.over).clip(lower=0).sum())
    hours = result.asked.interval / 60
    title = say(
        "{people} agents on shifts: {short} agent hours short of the plan, {over} above it",
        people=number(result.people),
        short=number(short * hours, 1),
        over=number(over * hours, 1),
    )

    def named(table: pd.DataFrame) -> pd.DataFrame:
        return table.rename(
            index=lambda slot: clock(int(slot), result.asked.interval),
            columns=lambda weekday: words.weekday(int(weekday)),
        )

    return draw.balance(
        named(wide),
        hovers=named(told),
        name="staffing_cover",
        title=title,
        subtitle=say(
            "Agents on shift less agents planned, by time and weekday, {week}; orange is too few",
            week=period(result.monday, "week"),
        ),
        alt=title,
    )


def shrinkage(result: "Staffing") -> Figure:
    """Hours of the week from agents needed, step by step, to agents on shift."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.table("shrinkage").frame
    needed, planned = float(frame.hours.iloc[0]), float(frame.hours.iloc[-2])
    title = say(
        "{planned} agent hours are planned so that {needed} are worked",
        planned=number(planned),
        needed=number(needed),
    )
    return draw.bars(
        frame.assign(
            note=[
                say("{share}, {source}", share=percent(row.share), source=row.source)
                if row.source
                else percent(row.hours / needed, 0)
                for row in each(frame)
            ]
        ),
        label="name",
        value="hours",
        note="note",
        accent=[str(frame["name"].iloc[0]), str(frame["name"].iloc[-2])],
        kind="count",
        name="staffing_shrinkage",
        title=title,
        subtitle=say("Agent hours of the week, each step on top of those before"),
        alt=title,
    )


def steps(result: "Staffing") -> Figure:
    """The service level of the busiest interval with some agents more or fewer."""
    from crmkit import draw  # noqa: PLC0415

    row = result.busiest
    frame = result.steps.assign(label=[number(agents) for agents in result.steps.agents])
    level = frame.set_index("agents").service_level
    needed = int(row.needed)
    title = say(
        "At {time}, {n} agents answer {now} within {within} s; one fewer {fewer}",
        time=words.interval(row.weekday, row.slot, result.asked.interval),
        n=number(needed),
        now=percent(level[needed]),
        within=number(result.asked.promise.within),
        fewer=percent(level.get(needed - 1, 0.0)),
    )
    return draw.columns(
        frame,
        label="label",
        values=[("service_level", say("Service level"))],
        kind="rate",
        name="staffing_steps",
        title=title,
        subtitle=say(
            "Share of callers answered in time by agents at work, busiest interval, Erlang A"
        ),
        alt=title,
    )


def pace(result: "Staffing") -> Figure:
    """How busy outbound agents can be kept at the drop target, by their number."""
    from crmkit import draw  # noqa: PLC0415

    out = result.outbound
    few, many = out.pace.iloc[0], out.pace.iloc[-1]
    title = say(
        "At {target} drops {few} agents can be kept {low} busy, {many} agents {high}",
        target=percent(out.target),
        few=number(few.agents),
        low=percent(few.occupancy),
        many=number(many.agents),
        high=percent(many.occupancy),
    )
    return draw.curves(
        out.pace,
        x="agents",
        y="occupancy",
        kind="rate",
        name="staffing_pace",
        title=title,
        subtitle=say("Share of agents' time in talk and wrap by the number of outbound agents"),
        alt=title,
        across=say("Agents"),
        write_x=number,
    )
