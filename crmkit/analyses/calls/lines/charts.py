"""The charts of lines."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit.analyses.calls.names import hour_label
from crmkit.blocks import Figure
from crmkit.text import number, percent, say

if TYPE_CHECKING:
    from crmkit.analyses.calls.lines.result import Trunks


def profile(result: "Trunks") -> Figure:
    """Lines: the highest peak and the mean of lines in use over the day, and the lines there are.

    An interval is drawn as a step that lasts it.
    """
    from crmkit import draw  # noqa: PLC0415

    frame = result.profile
    peak, mean = say("Peak"), say("Mean")
    last = frame.tail(1).assign(clock=frame.clock.iloc[-1] + result.interval / 60)
    steps = pd.concat([frame, last], ignore_index=True)
    parts = [
        steps[["clock", "peak"]].rename(columns={"peak": "lines"}).assign(name=peak),
        steps[["clock", "mean"]].rename(columns={"mean": "lines"}).assign(name=mean),
    ]
    dashed = []
    if result.lines is not None:
        limit = say("{n} lines", n=number(result.lines))
        ends = [float(steps.clock.iloc[0]), float(steps.clock.iloc[-1])]
        parts.insert(1, pd.DataFrame({"clock": ends, "lines": float(result.lines), "name": limit}))
        dashed = [limit]
    high = frame.sort_values("peak", ascending=False, kind="stable").iloc[0]
    title = say(
        "Most lines are in use from {hour}: {peak} at the peak, {mean} on average",
        hour=hour_label(high.clock),
        peak=number(high.peak),
        mean=number(high["mean"], 1),
    )
    return draw.curves(
        pd.concat(parts, ignore_index=True),
        x="clock",
        y="lines",
        by="name",
        accent=[peak, *dashed],
        dashed=dashed,
        kind="count",
        steps=True,
        name="trunks_profile",
        title=title,
        subtitle=say(
            "Lines in use by {minutes} minutes of the day: highest peak and mean, {days}",
            minutes=number(result.interval),
            days=result.window.words,
        ),
        alt=result.headline,
        across=say("Hour of the day"),
        write_x=hour_label,
    )


def levels(result: "Trunks") -> Figure:
    """A falling curve: the share of the time in use with at least so many lines."""
    from crmkit import draw  # noqa: PLC0415

    frame = result.levels
    half = int((frame.share >= 0.5).sum())
    tail = int((frame.share >= 0.01).sum())
    title = say(
        "Half of the time up to {half} lines are enough, and for {tail} of it {most}",
        half=number(half),
        tail=percent(0.99, 0),
        most=number(tail),
    )
    return draw.curves(
        frame,
        x="lines",
        y="share",
        kind="rate",
        steps=True,
        name="trunks_levels",
        title=title,
        subtitle=say(
            "Share of the time in use with at least so many lines in use, {days}",
            days=result.window.words,
        ),
        alt=title,
        across=say("Lines in use at once"),
        write_x=number,
    )
