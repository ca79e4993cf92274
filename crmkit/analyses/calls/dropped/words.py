"""The definition card and the tables of dropped calls."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmkit.analyses.calls.names import day_label, hour_label, named
from crmkit.analyses.calls.variants import variants_table
from crmkit.blocks import Column, Definition, Table
from crmkit.text import message, number, percent, say

if TYPE_CHECKING:
    from crmkit.analyses.calls.dropped.result import Drops

_PER = {
    "answers": message("calls that a person answered"),
    "offered": message("calls offered to agents"),
    "dials": message("dials"),
}
_VARIANTS = (
    ("rate", "abandoned", "out_of", message("By the rule")),
    ("per_answers", "drops", "answers", message("Drops / calls that a person answered")),
    (
        "per_offered",
        "drops",
        "offered",
        message("Drops / calls offered to agents, unrecognised machines included"),
    ),
    ("per_dials", "drops", "dials", message("Drops / dials")),
)


def definition(result: "Drops") -> Definition:
    """Every decision taken."""
    rule = result.rule
    return Definition(
        (
            (
                say("Days told"),
                say(
                    "{days}, by the start of the call, in the time zone {zone}; compared with the "
                    "{n} days before",
                    days=result.window.words,
                    zone=result.window.timezone,
                    n=number(result.window.days),
                ),
            ),
            (say("Drop"), say("a person answered an outbound call and no agent came")),
            (
                say("Abandoned by the rule"),
                say(
                    "no agent within {grace} seconds: drops, less persons who hung up sooner, and "
                    "contacts an agent took later",
                    grace=number(rule.grace, 1),
                ),
            ),
            (
                say("Rule"),
                say(
                    "{name}: at most {limit} of {base}, each {n} days of a campaign from its first",
                    name=rule.name,
                    limit=percent(rule.limit),
                    base=say(_PER[rule.per]),
                    n=number(rule.days),
                ),
            ),
            (say("Machine detection"), _detection(result)),
            (say("Intervals"), say("Wilson, 95 %; rates on fewer than 30 cases are faded")),
        )
    )


def _detection(result: "Drops") -> str:
    rule = result.rule
    if not rule.counts_amd:
        return say("persons whom it turned away are not counted by this rule")
    if rule.amd_error is None:
        return say("the share of persons it turns away is not given, so none are added")
    return say(
        "{share} of persons are taken for machines; {n} of them are added to both sides",
        share=percent(rule.amd_error),
        n=number(result.total.turned_away),
    )


def tables(result: "Drops") -> Mapping[str, Table]:
    """Campaigns; the rule's stretches; the variants; campaigns by day and by hour."""
    return {
        "campaigns": _campaigns(result),
        "ruled": _ruled(result),
        "variants": _variants(result),
        "daily": _daily(result),
        "hourly": _hourly(result),
    }


def _rate(*, folded: bool = False) -> tuple[Column, ...]:
    return (
        Column("abandoned", say("Abandoned"), "count"),
        Column("out_of", say("Out of"), "count"),
        Column(
            "rate", say("Abandoned, share"), "rate", 2, low="rate_low", high="rate_high", n="out_of"
        ),
        Column("excess", say("Beyond the limit"), "count", folded=folded),
    )


def _parts() -> tuple[Column, ...]:
    return (
        Column("drops", say("Drops"), "count", folded=True),
        Column("hung_up", say("Hung up while waiting"), "count", folded=True),
        Column("late", say("Taken too late"), "count", folded=True),
        Column("turned_away", say("Turned away by detection"), "count", folded=True),
    )


def _campaigns(result: "Drops") -> Table:
    frame = result.campaigns
    return Table(
        "drops_campaigns",
        say("Abandoned calls by campaign, {days}", days=result.window.words),
        frame.assign(named=[named(value) for value in frame.campaign_id]),
        (
            Column("named", say("Calling campaign")),
            *_rate(),
            Column("broken_times", say("Limit broken, times"), "count"),
            Column("judged", say("Judged, times"), "count"),
            *_parts(),
        ),
        note=say("The limit is {limit}.", limit=percent(result.rule.limit)),
    )


def _ruled(result: "Drops") -> Table:
    frame = result.ruled
    verdicts = [
        say("broken") if row.broken else say("kept so far") if row.partial else say("kept")
        for row in frame.itertuples()
    ]
    return Table(
        "drops_ruled",
        say("The rule by campaign, each {n} days", n=number(result.rule.days)),
        frame.assign(named=[named(value) for value in frame.campaign_id], verdict=verdicts),
        (
            Column("named", say("Calling campaign")),
            Column("first", say("First day"), "day"),
            Column("last", say("Last day"), "day", folded=result.rule.days == 1),
            *_rate(),
            Column("verdict", say("Limit")),
        ),
        limit=200,
    )


def _variants(result: "Drops") -> Table:
    now = result.totals.iloc[0]
    return variants_table(
        "drops_variants",
        say("The share of dropped calls by its definition, {days}", days=result.window.words),
        result.totals,
        _VARIANTS,
        digits=2,
        note=say(
            "{n} of the dropped persons hung up while waiting, {early} of them within the grace "
            "time.",
            n=number(now.hung_up) or "0",
            early=number(now.early) or "0",
        ),
    )


def _daily(result: "Drops") -> Table:
    frame = result.daily
    return Table(
        "drops_daily",
        say("Abandoned calls by campaign and day"),
        frame.assign(
            named=[named(value) for value in frame.campaign_id],
            day_name=[day_label(value) for value in frame.day],
        ),
        (
            Column("named", say("Calling campaign")),
            Column("day_name", say("Day")),
            *_rate(),
            *_parts(),
        ),
        limit=200,
    )


def _hourly(result: "Drops") -> Table:
    frame = result.hourly
    return Table(
        "drops_hourly",
        say("Abandoned calls by campaign and hour, {days}", days=result.window.words),
        frame.assign(
            named=[named(value) for value in frame.campaign_id],
            hour_name=[hour_label(value) for value in frame.hour],
        ),
        (
            Column("named", say("Calling campaign")),
            Column("hour_name", say("Hour from")),
            *_rate(),
        ),
        limit=200,
    )
