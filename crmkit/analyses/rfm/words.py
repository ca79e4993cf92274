"""The definition card and the tables of an RFM analysis."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmkit.blocks import Column, Definition, Table
from crmkit.text import day, number, say

if TYPE_CHECKING:
    from crmkit.analyses.rfm.result import Rfm


def definition(result: "Rfm") -> Definition:
    """Every decision behind the scores and segments."""
    counted = (
        say("all purchases up to the end of {day}", day=day(result.as_of))
        if result.history is None
        else say(
            "purchases of the {n} days up to the end of {day}",
            n=number(result.history),
            day=day(result.as_of),
        )
    )
    return Definition(
        (
            (
                say("Purchases counted"),
                say("{which}, days in {zone}", which=counted, zone=result.timezone),
            ),
            (
                say("Recency"),
                say("days from the day of the last purchase to {day}", day=day(result.as_of)),
            ),
            (say("Frequency"), say("number of purchases")),
            (say("Monetary value"), say("sum of the amounts of these purchases")),
            (say("Scores"), _scores(result)),
            (say("Segments"), _segments(result)),
            *_faults(result),
            (
                say("Intervals"),
                say("Wilson, 95 %; segments of fewer than 30 customers are faded"),
            ),
        )
    )


def _scores(result: "Rfm") -> str:
    if len(result.scoring.thresholds) == 3:
        how = say("by fixed thresholds; a value at a threshold has the score above it")
    elif result.scoring.rule == "quantile":
        how = say("one more for each quantile of the customers that the value is above")
    else:
        how = say(
            "one more for each quantile of the customers that the value exceeds by a whole "
            "day, purchase or currency unit"
        )
    mixed = [name for name, _ in result.scoring.thresholds]
    if 0 < len(mixed) < 3:
        how = say("{how}; fixed thresholds for some measures", how=how)
    return say(
        "1 to {bins}, {how}; fewer days earn more; equal values share a score",
        bins=number(result.scoring.bins),
        how=how,
    )


def _segments(result: "Rfm") -> str:
    if result.segment_table.top is None:
        return say(
            "table {title}: each score is high when above the mean score of all customers, "
            "else low",
            title=result.segment_table.title,
        )
    return say("table {title}, by ranges of scores", title=result.segment_table.title)


def _faults(result: "Rfm") -> tuple[tuple[str, str], ...]:
    if result.fault.clean:
        return ()
    return (
        (
            say("Faults of the segment table"),
            say(
                "{doubled} cells of scores lie in two segments (the first one counts), "
                "{uncovered} in none (shown as Other)",
                doubled=number(len(result.fault.doubled)),
                uncovered=number(len(result.fault.uncovered)),
            ),
        ),
    )


def tables(result: "Rfm") -> Mapping[str, Table]:
    """The segments; the grid of scores; thresholds; concentration."""
    named = result.segments.assign(
        name=[result.segment_table.name(key) for key in result.segments.segment],
        action=[result.segment_table.action(key) for key in result.segments.segment],
    )
    named = named[(named.customers > 0) | (len(named) <= 12)]
    return {
        "segments": Table(
            "rfm_segments",
            say("Segments on {day}", day=day(result.as_of)),
            named,
            (
                Column("name", say("Segment")),
                Column("customers", say("Customers"), "count"),
                Column(
                    "customers_share",
                    say("Share of customers"),
                    "rate",
                    low="customers_share_low",
                    high="customers_share_high",
                    n="customers",
                ),
                Column("revenue", say("Revenue"), "money", 0),
                Column("revenue_share", say("Share of revenue"), "rate", shade=True),
                Column("recency", say("Days since last purchase, mean"), "number", 0),
                Column("frequency", say("Purchases, mean"), "number", 1),
                Column("monetary", say("Spent, mean"), "money", folded=True),
                Column("average_order", say("Average order"), "money", folded=True),
                Column("action", say("What to do"), folded=True),
            ),
        ),
        "grid": _grid(result),
        "thresholds": _thresholds(result),
        "concentration": _concentration(result),
    }


def _grid(result: "Rfm") -> Table:
    return Table(
        "rfm_grid",
        say("Customers and revenue by recency and frequency score"),
        result.grid,
        (
            Column("recency_score", say("Recency score"), "count"),
            Column("frequency_score", say("Frequency score"), "count"),
            Column("customers", say("Customers"), "count", shade=True),
            Column("revenue", say("Revenue"), "money", 0),
            Column("monetary", say("Spent, mean"), "money", n="customers"),
        ),
    )


def _thresholds(result: "Rfm") -> Table:
    measures = {
        "recency": say("Recency (days)"),
        "frequency": say("Frequency (purchases)"),
        "monetary": say("Monetary value"),
    }
    frame = result.thresholds.assign(named=result.thresholds.measure.map(measures))
    return Table(
        "rfm_thresholds",
        say("Which values earn which score"),
        frame,
        (
            Column("named", say("Measure")),
            Column("score", say("Score"), "count"),
            Column("at_least", say("At least"), "number", 2),
            Column("below", say("Below"), "number", 2),
            Column("customers", say("Customers"), "count"),
        ),
    )


def _concentration(result: "Rfm") -> Table:
    return Table(
        "rfm_concentration",
        say("What the best customers bring"),
        result.concentration,
        (
            Column("top", say("Best customers"), "rate", 0),
            Column("customers", say("Customers"), "count"),
            Column("revenue", say("Revenue"), "money", 0),
            Column("revenue_share", say("Share of revenue"), "rate"),
        ),
    )
