"""The definition card and the tables of a movement between segments."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmkit.analyses.movement.counts import BAD, GOOD
from crmkit.blocks import Column, Definition, Table
from crmkit.text import day, number, say

if TYPE_CHECKING:
    from crmkit.analyses.movement.result import Movement


def definition(result: "Movement") -> Definition:
    """Every decision behind the moves."""
    good, bad = (
        say(", ").join(
            result.name(segment)
            for segment in result.segment_table.segments
            if segment in result.with_roles(roles)
        )
        for roles in (GOOD, BAD)
    )
    scale = result.as_of if result.scale == "later" else result.previous
    return Definition(
        (
            (
                say("Days compared"),
                say(
                    "{previous} and {day}, each with purchases up to its end; days in {zone}",
                    previous=day(result.previous),
                    day=day(result.as_of),
                    zone=result.timezone,
                ),
            ),
            (
                say("Scores"),
                say(
                    "thresholds and mean scores of {day} for both days, so that a move is a "
                    "change of what the customer did",
                    day=day(scale),
                ),
            ),
            (say("Segments"), say("table {title}", title=result.segment_table.title)),
            (say("Good segments"), good),
            (say("Fallen"), say("from a good segment to: {segments}", segments=bad)),
            (
                say("Value"),
                say("what the customers had spent by the day")
                if result.history is None
                else say(
                    "what the customers had spent in the {n} days up to the day",
                    n=number(result.history),
                ),
            ),
            (
                say("Intervals"),
                say("Wilson, 95 %; segments of fewer than 30 customers are faded"),
            ),
        )
    )


def tables(result: "Movement") -> Mapping[str, Table]:
    """The segments at both days; every move."""
    segments = result.segments.assign(name=[result.name(key) for key in result.segments.segment])
    moves = result.moves.assign(
        from_name=[result.name(key) for key in result.moves.was],
        to_name=[result.name(key) for key in result.moves.became],
    )
    return {
        "segments": Table(
            "movement_segments",
            say(
                "Segments on {previous} and {day}",
                previous=day(result.previous),
                day=day(result.as_of),
            ),
            segments,
            (
                Column("name", say("Segment")),
                Column("customers_before", say("Customers before"), "count"),
                Column("customers", say("Customers"), "count"),
                Column("change", say("Change"), "count"),
                Column("came", say("Came"), "count"),
                Column("left", say("Left"), "count"),
                Column(
                    "share",
                    say("Share of customers"),
                    "rate",
                    low="share_low",
                    high="share_high",
                    n="customers",
                ),
                Column("share_before", say("Share before"), "rate", folded=True),
                Column("value_before", say("Value before"), "money", 0, folded=True),
                Column("value", say("Value"), "money", 0, folded=True),
            ),
        ),
        "moves": Table(
            "movement_moves",
            say("From which segment to which"),
            moves[moves.was != moves.became].sort_values(
                "customers", ascending=False, kind="stable"
            ),
            (
                Column("from_name", say("Was")),
                Column("to_name", say("Became")),
                Column("customers", say("Customers"), "count", shade=True),
                Column("value_before", say("Value before"), "money", 0),
                Column("value", say("Value"), "money", 0),
            ),
        ),
    }
