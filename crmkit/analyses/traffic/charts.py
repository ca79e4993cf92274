"""The charts of traffic."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit import text
from crmkit.analyses.traffic.words import source_name
from crmkit.blocks import Figure
from crmkit.text import number, percent, say

if TYPE_CHECKING:
    from crmkit.analyses.traffic.result import Traffic

_SHOWN = 12


def visitors(result: "Traffic") -> Figure:
    """New and returning visitors by period."""
    from crmkit import draw  # noqa: PLC0415

    rows = result.periods[result.periods.new.notna()].tail(26)
    split = [("returning", say("Returning visitors")), ("new", say("New visitors"))]
    subtitle = say("Visitors by period, new and returning; hatched: not over yet.")
    if rows.empty:
        rows = result.periods.tail(26)
        split = [("visitors", say("Visitors"))]
        subtitle = say("Visitors by period; hatched: not over yet.")
    frame = rows.assign(label=[text.period(start, result.period) for start in rows.start])
    return draw.columns(
        frame,
        label="label",
        values=split,
        partial="partial",
        name="traffic-visitors",
        title=result.headline,
        subtitle=subtitle,
        alt=result.headline,
    )


def sources(result: "Traffic") -> Figure:
    """The share of visits of each source."""
    from crmkit import draw  # noqa: PLC0415

    rows = result.sources.head(_SHOWN)
    frame = rows.assign(
        label=[source_name(key) for key in rows.key],
        note=[say("{n} visits", n=number(n)) for n in rows.visits],
        weak=rows.visits < 30,
    )
    title = (
        say(
            "{source} brings {share} of visits",
            source=frame.label.iloc[0],
            share=percent(frame.share.iloc[0]),
        )
        if len(frame)
        else result.headline
    )
    return draw.bars(
        frame,
        label="label",
        value="share",
        low="share_low",
        high="share_high",
        note="note",
        weak="weak",
        accent=list(frame.label.head(1)),
        kind="rate",
        name="traffic-sources",
        title=title,
        subtitle=say(
            "Share of visits by source with 95% interval, {period}", period=_compared(result)
        ),
        alt=_listed(frame, "share"),
    )


def bounce(result: "Traffic") -> Figure:
    """The bounce rate of each source, with that of all as a line."""
    from crmkit import draw  # noqa: PLC0415

    rows = result.sources.head(_SHOWN)
    rows = rows.sort_values("bounce", ascending=False, kind="stable")
    frame = rows.assign(label=[source_name(key) for key in rows.key], weak=rows.visits < 30)
    unlike = frame.label[(frame.p_adjusted < 0.05) & (frame.bounce > frame.bounce_rest)]
    best, worst = (frame.iloc[place] if len(frame) else None for place in (-1, 0))
    title = (
        say(
            "{worst} loses {high} of visits after one page, {best} {low}",
            worst=worst.label,
            high=percent(worst.bounce),
            best=best.label,
            low=percent(best.bounce),
        )
        if worst is not None and best is not None and len(frame) > 1
        else result.headline
    )
    return draw.dots(
        frame,
        label="label",
        value="bounce",
        low="bounce_low",
        high="bounce_high",
        weak="weak",
        accent=list(unlike) or [""],
        reference=float(result.now.bounce),
        name="traffic-bounce",
        title=title,
        subtitle=say(
            "Bounce rate by source with 95% interval, {period}; the line is all visits, blue is "
            "above the rest beyond chance.",
            period=_compared(result),
        ),
        alt=_listed(frame, "bounce"),
    )


def trend(result: "Traffic") -> Figure:
    """The bounce rate over time."""
    from crmkit import draw  # noqa: PLC0415

    rows = result.periods[~result.periods.partial]
    rows = rows if len(rows) else result.periods
    frame = rows.assign(place=range(len(rows)))
    names = [text.period(start, result.period) for start in rows.start]
    title = say(
        "Bounce rate {now} in {period}", now=percent(rows.bounce.iloc[-1]), period=names[-1]
    )
    return draw.curves(
        frame,
        x="place",
        y="bounce",
        low="bounce_low",
        high="bounce_high",
        name="traffic-trend",
        title=title,
        subtitle=say("Share of visits that left after one page, complete periods, 95% band."),
        alt=title,
        write_x=lambda at: names[int(at)] if at.is_integer() and 0 <= at < len(names) else "",
    )


def _compared(result: "Traffic") -> str:
    return text.period(result.latest, result.period) if result.latest is not None else "–"


def _listed(frame: pd.DataFrame, value: str) -> str:
    return say("; ").join(
        f"{label} {percent(rate)}" for label, rate in zip(frame.label, frame[value], strict=True)
    )
