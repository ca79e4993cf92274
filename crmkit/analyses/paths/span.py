"""The days that visits are taken from, and the words for them."""

import datetime as dt
from dataclasses import dataclass

from crmkit import periods as calendar
from crmkit import text
from crmkit.analyses.paths.trail import Cleaning
from crmkit.text import number, say

__all__ = ["Span", "card", "span_of"]


@dataclass(frozen=True, kw_only=True)
class Span:
    """First and last day, and the UTC instants they begin and end at."""

    first: str
    last: str
    start: dt.datetime
    end: dt.datetime
    timezone: str


def span_of(as_of: calendar.Day, days: int, timezone: str) -> Span:
    """The `days` up to `as_of`."""
    day = calendar.day(as_of)
    first = calendar.window_start(day, days)
    return Span(
        first=str(first),
        last=str(day),
        start=calendar.day_start(first, timezone),
        end=calendar.day_end(day, timezone),
        timezone=timezone,
    )


def card(span: Span, clean: Cleaning, gap_minutes: int) -> list[tuple[str, str]]:
    """The rows of a definition card that all questions about paths share."""
    rows = [
        (
            say("Visits"),
            say(
                "The capture's own; without one, a new visit after more than {n} minutes without "
                "an event.",
                n=number(gap_minutes),
            ),
        ),
        (
            say("Events"),
            say(
                "From {start} to {end}, time zone {zone}; a visit over midnight is cut there at "
                "the first and last day.",
                start=text.day(span.first),
                end=text.day(span.last),
                zone=span.timezone,
            ),
        ),
        (say("Node"), say("The value of {column}.", column=clean.node)),
        (
            say("Order"),
            say("By time; events of one instant by their id."),
        ),
    ]
    if clean.hide:
        rows.append((say("Passed over"), ", ".join(clean.hide)))
    if clean.group:
        rows.append((say("Grouped"), "; ".join(f"{p} → {n}" for p, n in clean.group.items())))
    if clean.collapse:
        rows.append((say("Repeats"), say("A node repeated at once counts once.")))
    return rows
