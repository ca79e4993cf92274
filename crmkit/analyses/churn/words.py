"""The words of the churn warning: grades, stages, models, and its card."""

from typing import TYPE_CHECKING

from crmkit import text
from crmkit.analyses.churn.features import name
from crmkit.blocks import Definition
from crmkit.text import message, number, percent, say

if TYPE_CHECKING:
    from crmkit.analyses.churn.leaving import Leaving
    from crmkit.analyses.churn.result import Churn

__all__ = ["card", "grade_name", "left_when", "model_name", "stage_name"]

_GRADES = {
    "high": message("High risk"),
    "medium": message("Medium risk"),
    "low": message("Low risk"),
    "gone": message("Gone already"),
}
_STAGES = {
    "active": message("Bought more than once, still here"),
    "tried_once": message("Tried once, still here"),
    "left": message("Used and left"),
    "never": message("Never activated"),
}
_STREAMS = {"events": message("Activity on the site"), "calls": message("Calls")}
_MODELS = {
    "logistic": message("Logistic regression"),
    "boosted": message("Boosted trees"),
}
_LEAVING = {
    "orders": message("No order for {days} days."),
    "activity": message("Neither order nor activity for {days} days."),
    "rhythm": message(
        "No order for {times} times the customer's own time between orders, {days} to {longest} "
        "days."
    ),
    "contract": message("The contract ends within {days} days."),
}


def grade_name(grade: str) -> str:
    """A grade for readers."""
    return say(_GRADES[grade])


def stage_name(stage: str) -> str:
    """A stage for readers."""
    return say(_STAGES[stage])


def model_name(model: str) -> str:
    """A model for readers."""
    return say(_MODELS[model])


def left_when(leaving: "Leaving") -> str:
    """What leaving means."""
    return say(
        _LEAVING[leaving.by],
        days=number(leaving.days),
        times=number(leaving.times, 1),
        longest=number(leaving.longest),
    )


def card(result: "Churn") -> Definition:
    """Every decision behind the warning."""
    rows = [
        (say("Gone"), left_when(result.leaving)),
        (
            say("Who can leave"),
            say("Customers who had bought and were not gone at the end of the snapshot's day."),
        ),
        (
            say("Gap"),
            say(
                "What happens in the {n} days after a snapshot counts for nothing: they are the "
                "time to act.",
                n=number(result.leaving.gap),
            ),
        ),
        (
            say("Trials"),
            say(
                "Snapshots thirty days apart; a model is tried on a snapshot after all it was "
                "fitted on was complete."
            ),
        ),
        (
            say("Model"),
            say(
                "{model}; boosted trees are taken only where they are better by more than 0.01 of "
                "the area under precision and recall.",
                model=model_name(result.best),
            ),
        ),
        (
            say("Grades"),
            say("High: above nine tenths of past chances; medium: above seven tenths."),
        ),
        (
            say("Reason"),
            say(
                "A sign of the last 90 days, such as a complaint, goes before behaviour; among "
                "behaviour, what adds most to the chance."
            ),
        ),
        (
            say("Value"),
            say("Spend a day since the first order, over the days without which one is gone."),
        ),
        (
            say("Learnt from"),
            say(
                "{n} customers of past snapshots, of whom {rate} left.",
                n=number(result.trained),
                rate=percent(result.base) or "–",
            ),
        ),
        (say("Interval"), say("Wilson, 95%.")),
        (
            say("Day"),
            say("{day}, time zone {zone}.", day=text.day(result.as_of), zone=result.timezone),
        ),
    ]
    if result.held:
        rows.append(
            (
                say("Held"),
                say(
                    "The features tell the groups apart completely, or repeat each other: a small "
                    "penalty holds the coefficients, which have no interval."
                ),
            )
        )
    for stream, since in result.short.items():
        rows.append(
            (
                say("Left out"),
                say(
                    "{stream}: known only from {day}, too short to learn from; they still tell "
                    "reasons and rules.",
                    stream=say(_STREAMS[stream]),
                    day=text.day(since),
                ),
            )
        )
    if result.dropped:
        rows.append(
            (
                say("Left out"),
                say(
                    "The same for all, or told by others: {names}.",
                    names=", ".join(name(d) for d in result.dropped),
                ),
            )
        )
    return Definition(tuple(rows))
