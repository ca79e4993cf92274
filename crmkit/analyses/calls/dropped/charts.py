"""The charts of dropped calls."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit.analyses.calls.measures import summed
from crmkit.analyses.calls.names import day_label, hour_label, hour_ranges, named
from crmkit.blocks import Figure
from crmkit.stats import SMALL
from crmkit.text import percent, say

if TYPE_CHECKING:
    from crmkit.analyses.calls.dropped.result import Drops


def daily(result: "Drops") -> Figure:
    """Lines: the abandoned share by day, a line a campaign, and the limit."""
    from crmkit import draw  # noqa: PLC0415

    limit = say("Limit {limit}", limit=percent(result.rule.limit))
    frame = result.daily.assign(name=[named(value) for value in result.daily.campaign_id])
    days = [float(frame.day.min()), float(frame.day.max())]
    line = pd.DataFrame({"day": days, "rate": result.rule.limit, "name": limit})
    worst = named(result.campaigns.campaign_id.iloc[0])
    highest = frame.sort_values("rate", kind="stable").iloc[-1]
    return draw.curves(
        pd.concat([frame[["day", "rate", "name"]], line], ignore_index=True),
        x="day",
        y="rate",
        by="name",
        accent=[worst, limit],
        dashed=[limit],
        name="drops_daily",
        title=say(
            "Most abandoned: {campaign} on {day}, {rate} of its answered calls",
            campaign=highest["name"],
            day=day_label(highest.day),
            rate=percent(highest.rate),
        ),
        subtitle=say(
            "Abandoned calls by the rule, share, by campaign and day, {days}",
            days=result.window.words,
        ),
        alt=result.headline,
        write_x=day_label,
    )


def hourly(result: "Drops") -> Figure:
    """Dots: the abandoned share by hour with its interval, and the limit."""
    from crmkit import draw  # noqa: PLC0415
    from crmkit.analyses.calls.dropped.counts import COUNTS, judged  # noqa: PLC0415

    frame = judged(summed(result.hourly, ["hour"], COUNTS), result.rule)
    frame = frame[frame.out_of > 0]
    frame = frame.assign(name=[hour_label(hour) for hour in frame.hour], few=frame.out_of < SMALL)
    over = frame[frame.rate > result.rule.limit]
    title = (
        say(
            "The limit of {limit} is passed at {hours}",
            limit=percent(result.rule.limit),
            hours=hour_ranges(over.hour),
        )
        if len(over)
        else say("Every hour is within the limit of {limit}", limit=percent(result.rule.limit))
    )
    return draw.dots(
        frame,
        label="name",
        value="rate",
        low="rate_low",
        high="rate_high",
        reference=result.rule.limit,
        accent=list(over["name"]),
        weak="few",
        name="drops_hourly",
        title=title,
        subtitle=say(
            "Abandoned calls by the rule, share with 95% interval, by hour, {days}; dotted: limit",
            days=result.window.words,
        ),
        alt=title,
    )
