"""The share reached by attempt, and the hours compared within the same lists."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit.blocks import Figure
from crmkit.text import say

if TYPE_CHECKING:
    from crmkit.analyses.reach.result import Reach

__all__ = ["cumulative", "times"]

_LEAST = 5  # leads still called, for an attempt to be drawn


def cumulative(found: "Reach") -> Figure:
    """The share of leads reached by attempt: seen, fitted, and as if leads were alike."""
    from crmkit import draw  # noqa: PLC0415

    frame = found.attempts[found.attempts.at_risk >= _LEAST]
    names = {
        "cumulative": say("Seen"),
        "cumulative_fitted": say("Fitted"),
        "cumulative_naive": say("If alike"),
    }
    lines = [
        pd.DataFrame(
            {
                "attempt": frame.attempt,
                "line": label,
                "share": frame[column],
                "low": frame.cumulative_low if column == "cumulative" else frame[column],
                "high": frame.cumulative_high if column == "cumulative" else frame[column],
            }
        )
        for column, label in names.items()
    ]
    seen, fitted, naive = names.values()
    return draw.curves(
        pd.concat(lines),
        x="attempt",
        y="share",
        by="line",
        low="low",
        high="high",
        name="reach-attempts",
        title=found.headline,
        subtitle=say(
            "Share of leads reached by attempt, 95% interval; dashed: fitted, and with one rate "
            "for all leads."
        ),
        alt=found.headline,
        accent=(seen, fitted),
        dashed=(fitted, naive),
        across=say("Attempt"),
    )


def times(found: "Reach", kind: str) -> Figure:
    """The chance of an answer by hour or weekday, on the same leads and bare."""
    from crmkit import draw  # noqa: PLC0415

    frame = found.named(kind)
    frame = frame[frame.n > 0]
    best = found.best if kind == "hours" else found.best_weekday
    words = found.best_words if kind == "hours" else found.weekday_words
    return draw.dots(
        frame.assign(weak=frame.reached < _LEAST),
        label="label",
        value="factor",
        low="factor_low",
        high="factor_high",
        previous="naive_factor",
        weak="weak",
        name=f"reach-{kind}",
        title=words,
        subtitle=say(
            "Chance of an answer, % of the mean, within the same lists, 95% interval; "
            "hollow: the bare rate, which compares other leads."
        ),
        alt=words,
        reference=1.0,
        accent=("",) if best is None else (str(frame.label[best]),),
        kind="rate",
    )
