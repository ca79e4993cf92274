"""The charts of a funnel."""

import math
from typing import TYPE_CHECKING

import pandas as pd

from crmkit import text
from crmkit.analyses.funnel import card
from crmkit.blocks import Figure
from crmkit.records import records
from crmkit.text import number, percent, say, span

if TYPE_CHECKING:
    from crmkit.analyses.funnel.result import Funnel

__all__ = ["steps", "times", "trend", "values"]

_SHOWN = 15


def steps(result: "Funnel") -> Figure:
    """Bars of each step with what is lost."""
    from crmkit import draw  # noqa: PLC0415

    worst = result.worst
    return draw.funnel(
        result.steps,
        name="funnel",
        title=result.headline,
        subtitle=say(
            "{unit} that made each step and their share of all who entered; below, the share of "
            "the step before and how many left",
            unit=card.units(result.how.unit, capital=True),
        ),
        alt="; ".join(
            f"{row.name} {number(row.units)} {percent(row.total)}" for row in records(result.steps)
        ),
        lost=say("{n} left", n="{n}"),
        accent="" if worst is None else str(worst["name"]),
    )


def values(result: "Funnel") -> Figure:
    """A dot with its interval for each value of the breakdown."""
    from crmkit import draw  # noqa: PLC0415

    found = result.values
    assert found is not None
    frame = found.assign(name=found["value"].where(found["value"] != "", say("Unknown")))
    total = result.steps.total.iloc[-1]
    sure = frame[(frame.p < 0.05) & ~frame.weak]
    # Room for so many: those that differ go before the others, then the larger.
    shown = frame.assign(same=~frame.index.isin(sure.index)).sort_values(
        ["same", "n"], ascending=[True, False], kind="stable"
    )
    shown = shown.head(_SHOWN).sort_values("rate", ascending=False, kind="stable")
    subtitle = say("Share that finishes, with 95% intervals; the line is all together")
    if len(frame) > _SHOWN:
        subtitle += " " + say(
            "({n} of {all} values: those that differ, then the largest)",
            n=number(_SHOWN),
            all=number(len(frame)),
        )
    return draw.dots(
        shown,
        label="name",
        value="rate",
        low="rate_low",
        high="rate_high",
        weak="weak",
        name="funnel-values",
        title=_apart(sure, card.column(result.how.breakdown or "")),
        subtitle=subtitle,
        alt="; ".join(
            f"{row.name} {percent(row.rate)} ({span(row.rate_low, row.rate_high)})"
            for row in records(shown)
        ),
        reference=None if math.isnan(total) else float(total),
        accent=[str(name) for name in sure.name],
    )


def _apart(sure: pd.DataFrame, column: str) -> str:
    """Which value stands out most, by the number of people it means, and which way."""
    if sure.empty:
        return say("No value of {column} differs from the others beyond chance.", column=column)
    means = (sure.rate - sure.rest).abs() * sure.n
    first = sure.iloc[int(means.argmax())]
    words = {
        "first": first["name"],
        "rate": percent(first.rate),
        "rest": percent(first.rest),
    }
    if first.rate < first.rest:
        return say("{first} finishes less often: {rate} against {rest} elsewhere.", **words)
    return say("{first} finishes more often: {rate} against {rest} elsewhere.", **words)


def trend(result: "Funnel") -> Figure:
    """Columns of the rate by period of entry."""
    from crmkit import draw  # noqa: PLC0415

    found, period = result.trend, result.period
    assert found is not None
    assert period is not None
    frame = found.assign(label=[text.period(first, period) for first in found.period])
    return draw.columns(
        frame,
        label="label",
        values=[("rate", say("Share that finishes"))],
        name="funnel-trend",
        title=_course(result),
        subtitle=say(
            "Share that finishes, by period of entry, with 95% intervals; "
            "hatched where windows are still open"
        ),
        alt="; ".join(f"{row.label} {percent(row.rate)}" for row in records(frame)),
        partial="partial",
        low="rate_low",
        high="rate_high",
        kind="rate",
    )


def _course(result: "Funnel") -> str:
    """From the first settled period to the last."""
    assert result.trend is not None
    settled = result.trend[~result.trend.partial].dropna(subset=["rate"])
    if len(settled) < 2:
        return say("No two periods are final yet.")
    first, last = settled.iloc[0], settled.iloc[-1]
    apart = last.rate_low > first.rate_high or last.rate_high < first.rate_low
    words = {"before": percent(first.rate), "now": percent(last.rate)}
    if not apart:
        return say("From {before} to {now}: no change beyond chance.", **words)
    return say("The share moved from {before} to {now}.", **words)


def times(result: "Funnel") -> Figure:
    """The distribution of the time to finish, in hours or days."""
    from crmkit import draw  # noqa: PLC0415

    longest = float(result.times.right.max()) if len(result.times) else 0.0
    unit, words = (86400.0, say("days")) if longest > 172800 else (3600.0, say("hours"))
    if longest < 7200:
        unit, words = 60.0, say("minutes")
    frame = result.times.assign(left=result.times.left / unit, right=result.times.right / unit)
    median = result.steps.median_from_first.iloc[-1] / unit
    from crmkit.analyses.funnel.result import duration  # noqa: PLC0415

    took = duration(float(result.steps.median_from_first.iloc[-1]))
    return draw.histogram(
        frame,
        left="left",
        right="right",
        count="units",
        name="funnel-times",
        title=say("Half of those who finish take at most {time}.", time=took)
        if took
        else say("Nobody has finished yet."),
        subtitle=say(
            "Those who finish, by the time from the first step to the last; the line is the median"
        ),
        alt=took,
        mark=None if math.isnan(median) else float(median),
        across=words,
    )
