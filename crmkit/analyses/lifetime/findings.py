"""What a lifetime analysis finds, each with what to do about it."""

import pandas as pd

from crmkit import text
from crmkit.analyses.lifetime.frames import LOST, Holdout
from crmkit.result import Finding
from crmkit.text import money, number, percent, say

__all__ = ["gone", "missed", "top"]


def top(deciles: pd.DataFrame) -> Finding:
    """Where the value lies."""
    best = deciles.iloc[0]
    return Finding(
        words=say(
            "The most valuable tenth, {n} customers, holds {share} of the value to come.",
            n=number(best.customers),
            share=percent(best.share, 0),
        ),
        action=say("Give the most valuable tenth a person of their own to call them."),
        weight=float(best.share),
    )


def gone(customers: int, spent: float) -> Finding:
    """Who was valuable and is probably lost."""
    return Finding(
        words=say(
            "{n} customers who had spent {spent} on repeat purchases are probably lost:"
            " the chance that they still buy is below {limit}.",
            n=number(customers),
            spent=money(spent, short=True),
            limit=percent(LOST, 0),
        ),
        action=say(
            "Call the valuable customers who are probably lost, those who spent most first."
        ),
        weight=0.8,
    )


def missed(held: Holdout) -> Finding:
    """That the forecast of the holdout did not hold."""
    return Finding(
        words=say(
            "In the last {weeks} weeks there were {actual} repeat purchases, outside of the"
            " forecast's interval of {span}.",
            weeks=number(held.weeks),
            actual=number(held.actual),
            span=text.span(held.expected.low, held.expected.high, digits=0, rate=False),
        ),
        action=say("Take the forecast as a rough guide: find out what changed before planning."),
        weight=0.9,
    )
