"""The definition card and the tables of lines."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmkit.analyses.calls.names import hour_label
from crmkit.blocks import Column, Definition, Table
from crmkit.text import number, percent, say

if TYPE_CHECKING:
    from crmkit.analyses.calls.lines.result import Trunks


def definition(result: "Trunks") -> Definition:
    """Every decision taken."""
    return Definition(
        (
            (
                say("Days told"),
                say(
                    "{days}, in the time zone {zone}, by intervals of {minutes} minutes",
                    days=result.window.words,
                    zone=result.window.timezone,
                    minutes=number(result.interval),
                ),
            ),
            (
                say("Line in use"),
                say(
                    "from the start to the end of a call of any kind; blocked calls hold none; "
                    "{n} calls without an end are left out",
                    n=number(result.unfinished),
                ),
            ),
            (say("Lines there are"), _lines(result)),
            (
                say("Load"),
                say("mean lines in use, times calls / calls not blocked, in erlangs"),
            ),
            (
                say("Expected"),
                say(
                    "Erlang B of the mean load of each time of the day, for calls that come at "
                    "random; a dialler that waits for a free line blocks none but keeps all lines "
                    "busy"
                ),
            ),
            (
                say("Lines needed"),
                say(
                    "the fewest at which Erlang B blocks at most {allowed} of the load of the "
                    "busiest interval",
                    allowed=percent(result.allowed),
                ),
            ),
            (
                say("Intervals"),
                say("Wilson for blocked calls, differences between days for shares of time, 95 %"),
            ),
        )
    )


def _lines(result: "Trunks") -> str:
    if result.lines is None:
        return say("not known, so that blocking to expect is not computable")
    if result.given:
        return say("{n}, as given", n=number(result.lines))
    return say("{n}, the different ones seen in these days", n=number(result.lines))


def tables(result: "Trunks") -> Mapping[str, Table]:
    """The day by intervals; stretches; time by the number of lines."""
    return {"profile": _profile(result), "totals": _totals(result), "levels": _levels(result)}


def _blocking() -> tuple[Column, ...]:
    return (
        Column("attempts", say("Calls"), "count"),
        Column("blocked", say("Blocked"), "count", folded=True),
        Column(
            "blocked_share",
            say("Blocked, seen"),
            "rate",
            2,
            low="blocked_share_low",
            high="blocked_share_high",
            n="attempts",
        ),
        Column("expected", say("Blocked, expected"), "rate", 2),
    )


def _profile(result: "Trunks") -> Table:
    frame = result.profile
    return Table(
        "trunks_profile",
        say("Lines in use over the day, {days}", days=result.window.words),
        frame.assign(named=[hour_label(clock) for clock in frame.clock]),
        (
            Column("named", say("Time from")),
            Column("mean", say("Lines, mean"), "number", 1, shade=True),
            Column("peak", say("Lines, peak"), "count"),
            Column("busiest", say("Largest load, erlangs"), "number", 1, folded=True),
            Column("full", say("Every line busy"), "rate", 2),
            *_blocking(),
        ),
        limit=300,
    )


def _totals(result: "Trunks") -> Table:
    return Table(
        "trunks_totals",
        say("Lines in use, these days and before"),
        result.totals,
        (
            Column("first", say("First day"), "day"),
            Column("last", say("Last day"), "day"),
            Column("line_hours", say("Line hours"), "number", 1),
            Column("mean", say("Lines, mean"), "number", 1),
            Column("peak", say("Lines, peak"), "count"),
            Column("busiest", say("Largest load, erlangs"), "number", 1, folded=True),
            Column("full", say("Every line busy"), "rate", 2, low="full_low", high="full_high"),
            *_blocking(),
        ),
        note=say("Means are over the intervals in which any line was used."),
    )


def _levels(result: "Trunks") -> Table:
    return Table(
        "trunks_levels",
        say("Time with at least so many lines in use, {days}", days=result.window.words),
        result.levels,
        (
            Column("lines", say("Lines or more"), "count"),
            Column("hours", say("Hours"), "number", 2),
            Column("share", say("Share of the time in use"), "rate", 2),
        ),
        limit=1000,
    )
