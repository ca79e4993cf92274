"""How cohorts, periods and decisions are named to readers."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from crmkit import text
from crmkit.analyses.retention.options import DAYS, Options
from crmkit.text import message, number, say

__all__ = ["across", "card", "each", "group_name", "when"]

_NEXT = {
    "day": message("on the next day"),
    "week": message("in the next week"),
    "month": message("in the next month"),
    "quarter": message("in the next quarter"),
    "year": message("in the next year"),
}
_ON = {
    "day": message("on day {k}"),
    "week": message("in week {k}"),
    "month": message("in month {k}"),
    "quarter": message("in quarter {k}"),
    "year": message("in year {k}"),
}
_SINCE = {
    "day": message("Days since the start"),
    "week": message("Weeks since the start"),
    "month": message("Months since the start"),
    "quarter": message("Quarters since the start"),
    "year": message("Years since the start"),
}
_CRITERIA = {
    "on": message("A customer counts in a period when it returned in that very period."),
    "on_or_after": message(
        "A customer counts in a period when it returned in it or any time later; "
        "such a rate may still rise."
    ),
    "brackets": message("A customer counts in a bracket when it returned in one of its periods."),
}
_COHORTS = {
    "first": message("A customer belongs to the period of its first start in the range."),
    "first_ever": message(
        "A customer belongs to the period of its first start ever; "
        "it is left out when that lies outside the range."
    ),
    "recurring": message(
        "A customer belongs to every period in which it starts, so it may count in several "
        "cohorts, and intervals of means over cohorts are a little too narrow."
    ),
}


def each(frame: pd.DataFrame) -> Iterable[Any]:
    """The rows of a small frame, to be put into words."""
    return frame.itertuples()


def group_name(value: object) -> str:
    """A value of the breakdown; one that is not known says so."""
    return value if isinstance(value, str) else say("unknown")


def across(options: Options) -> str:
    """What the columns of the triangle count."""
    if options.clock == "elapsed":
        return say("Windows of {n} days since the start", n=number(DAYS[options.period]))
    return say(_SINCE[options.period])


def when(options: Options, period: int, through: int) -> str:
    """The words for a window: in the next month, in months 2 to 3, 30 to 60 days after."""
    if options.clock == "elapsed":
        days = DAYS[options.period]
        if options.criterion == "on_or_after":
            return say("{n} days after or later", n=number(days * period))
        return say(
            "{first} to {last} days after",
            first=number(days * period),
            last=number(days * (through + 1)),
        )
    if period == 0:
        return say("within the same period")
    if options.criterion == "on_or_after":
        return say("{when} or later", when=_at(options, period))
    if through > period:
        return say("{first} to {last}", first=_at(options, period), last=number(through))
    return _at(options, period)


def _at(options: Options, period: int) -> str:
    if period == 1 and options.criterion != "brackets":
        return say(_NEXT[options.period])
    return say(_ON[options.period], k=number(period))


def _first_cohort(options: Options) -> tuple[tuple[str, str], ...]:
    if options.since is not None or options.cohort == "recurring":
        return ()
    words = say(
        "Whoever bought before the data begin looks new in it; it is shown, and counts in the "
        "mean, but is not compared with the others."
    )
    return ((say("First cohort"), words),)


def card(options: Options, dropped: int) -> tuple[tuple[str, str], ...]:
    """Every decision behind the numbers, as term and decision."""
    items = [
        (say("Start"), _event(options.start)),
        (say("Return"), _event(options.back)),
        (say("Cohort"), say(_COHORTS[options.cohort])),
        (say("Range of starts"), _range(options)),
        (say("Criterion"), say(_CRITERIA[options.criterion])),
        (say("Clock"), _clock(options)),
        (say("Least returns"), _minimum(options)),
        (say("Period 0"), _same(options)),
        (say("Data until"), say("{day}, included", day=text.day(options.as_of))),
        (
            say("Not over yet"),
            say(
                "Cells in the future are blank. Periods and cohorts that are not over are shown "
                "as so far and left out of the mean."
            ),
        ),
        (
            say("Mean"),
            say(
                "Weighted by the size of the cohorts, over complete cells only; "
                "later periods rest on fewer, older cohorts."
            ),
        ),
        (say("Interval"), say("Wilson, 95%.")),
        *_first_cohort(options),
        (
            say("Without a customer"),
            say("{n} rows name no customer and are left out.", n=number(dropped)),
        ),
    ]
    if options.breakdown is not None:
        items.append((say("Breakdown"), _breakdown(options.breakdown)))
    return tuple(items)


def _breakdown(column: str) -> str:
    return say(
        "The value of {column} at the customer's start; of several at one instant the first in "
        "the alphabet; none is shown as unknown.",
        column=column,
    )


def _event(given: object) -> str:
    if given is None:
        return say("Any row of the table.")
    if isinstance(given, str):
        return say("The event {event}.", event=given)
    return say("Rows where {condition}.", condition=str(given))


def _range(options: Options) -> str:
    if options.since is None and options.until is None:
        return say("All starts in the data.")
    if options.until is None:
        return say("From {day} on.", day=text.day(options.since))
    if options.since is None:
        return say("Until {day}, included.", day=text.day(options.until))
    return say(
        "From {first} to {last}, included.",
        first=text.day(options.since),
        last=text.day(options.until),
    )


def _clock(options: Options) -> str:
    if options.clock == "calendar":
        words = say("Calendar periods in the time zone {zone}.", zone=options.timezone)
        return (
            say("{words} Weeks begin on Monday.", words=words)
            if options.period == "week"
            else words
        )
    return say(
        "Windows of {n} times 24 hours since each customer's own start; a cell counts only the "
        "customers whose window is over. Cohorts are calendar periods in the time zone {zone}.",
        n=number(DAYS[options.period]),
        zone=options.timezone,
    )


def _minimum(options: Options) -> str:
    return say(
        "{n} return events in a cell; the size of a cohort does not depend on it.",
        n=number(options.minimum),
    )


def _same(options: Options) -> str:
    if options.same_period:
        return say("Those who return with another event in the period of their start.")
    return say("The cohort itself; a return within the period of the start is not counted.")
