"""The definition card and the tables of dials."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import pandas as pd

from crmkit.analyses.calls.names import hour_label, named, result_name, weekday_name
from crmkit.analyses.calls.variants import variants_table
from crmkit.blocks import Column, Definition, Table
from crmkit.text import day, message, number, period, say

if TYPE_CHECKING:
    from crmkit.analyses.calls.dialling.result import Calls

_VARIANTS = (
    ("answer_rate", "answered", "dials", message("Answered by a person / dials")),
    ("contact_rate", "contacts", "dials", message("Contact rate: contacts / dials")),
    ("reach_rate", "reached", "leads", message("Leads spoken to / leads dialled")),
    (
        "right_party_rate",
        "right_party",
        "known_contacts",
        message("Right-party contacts / contacts"),
    ),
    (
        "conversion_right_party",
        "sales",
        "right_party",
        message("Conversion: sales / right-party contacts"),
    ),
    ("conversion_contacts", "sales", "known_contacts", message("Conversion: sales / contacts")),
    ("conversion_dials", "sales", "known_dials", message("Conversion: sales / dials")),
)


def definition(result: "Calls") -> Definition:
    """Every decision taken."""
    window = result.window
    return Definition(
        (
            (
                say("Days told"),
                say(
                    "{days}, by the start of the call, in the time zone {zone}; compared with the "
                    "{n} days before",
                    days=window.words,
                    zone=window.timezone,
                    n=number(window.days),
                ),
            ),
            (say("Dial"), say("an outbound call; automatic voice calls are told apart")),
            (
                say("Contact by telephone"),
                say(
                    "a person answered and an agent took the call; by the flags of the outcome, "
                    "else by the result of the dial"
                ),
            ),
            (
                say("Right party, sale"),
                say(
                    "by the flags of the outcome; {n} contacts without a known outcome are left "
                    "out of both sides",
                    n=number(result.total.uncoded) or "0",
                ),
            ),
            (
                say("Hours adjusted"),
                say(
                    "contacts / those expected at the rates of the hour's campaigns and modes, "
                    "times the rate of all dials, so that agreed callbacks make no hour look good"
                ),
            ),
            (say("Not computable"), _missing(result)),
            (say("Intervals"), say("Wilson, 95 %; rates on fewer than 30 cases are faded")),
        )
    )


def _missing(result: "Calls") -> str:
    if not result.known.contacts:
        return say("contacts and rates over contacts: the log has no agents' times")
    if not result.known.outcomes:
        return say("right parties and sales: no outcome of a contact is in the table of outcomes")
    return say("nothing")


def tables(result: "Calls") -> Mapping[str, Table]:
    """Campaigns; results; the variants; lists, modes, hours, periods."""
    return {
        "campaigns": _groups(result, "campaigns", "campaign_id"),
        "results": _results(result),
        "variants": _variants(result),
        "lists": _groups(result, "lists", "list_id"),
        "modes": _groups(result, "modes", "mode"),
        "hours": _hours(result),
        "trend": _trend(result),
    }


def _rates(*, folded: bool = False) -> tuple[Column, ...]:
    def rate(name: str, label: str, n: str, *, away: bool = False) -> Column:
        return Column(name, label, "rate", low=f"{name}_low", high=f"{name}_high", n=n, folded=away)

    return (
        rate("contact_rate", say("Contact rate"), "dials"),
        Column("contacts", say("Contacts made"), "count", folded=folded),
        rate("right_party_rate", say("Right-party rate"), "known_contacts", away=True),
        Column("sales", say("Sales by telephone"), "count"),
        rate("conversion_contacts", say("Sales / contacts"), "known_contacts"),
        rate(
            "conversion_right_party", say("Sales / right-party contacts"), "right_party", away=True
        ),
        rate("conversion_dials", say("Sales / dials"), "known_dials", away=True),
    )


def _groups(result: "Calls", name: str, key: str) -> Table:
    captions = {
        "campaigns": (say("Dials and contacts by campaign, {days}", days=result.window.words)),
        "lists": say("Dials and contacts by list, {days}", days=result.window.words),
        "modes": say("Dials and contacts by dialling mode, {days}", days=result.window.words),
    }
    labels = {
        "campaigns": say("Calling campaign"),
        "lists": say("List"),
        "modes": say("Dialling mode"),
    }
    frame: pd.DataFrame = getattr(result, name)
    reach = (
        (
            Column("leads", say("Leads dialled"), "count", folded=True),
            Column(
                "reach_rate",
                say("Leads spoken to"),
                "rate",
                low="reach_rate_low",
                high="reach_rate_high",
                n="leads",
                folded=True,
            ),
        )
        if "leads" in frame
        else ()
    )
    return Table(
        f"calls_{name}",
        captions[name],
        frame.assign(named=[named(value) for value in frame[key]]),
        (
            Column("named", labels[name]),
            Column("dials", say("Dials"), "count"),
            Column("dials_before", say("Dials before"), "count", folded=True),
            *_rates(),
            Column("contact_rate_before", say("Contact rate before"), "rate", folded=True),
            *reach,
        ),
    )


def _results(result: "Calls") -> Table:
    frame = result.results
    return Table(
        "calls_results",
        say("What came of the dials, {days}", days=result.window.words),
        frame.assign(named=[result_name(value) for value in frame.result]),
        (
            Column("named", say("Result of the dial")),
            Column("dials", say("Dials"), "count"),
            Column("share", say("Share"), "rate", low="share_low", high="share_high", n="n"),
            Column("share_before", say("Share before"), "rate"),
        ),
    )


def _variants(result: "Calls") -> Table:
    return variants_table(
        "calls_variants",
        say("Each rate by its definition, {days}", days=result.window.words),
        result.totals,
        _VARIANTS,
        digits=2,
        note=say("Blank: not computable from this log."),
    )


def _hours(result: "Calls") -> Table:
    frame = result.hours
    return Table(
        "calls_hours",
        say("Dials and contacts by weekday and hour, {days}", days=result.window.words),
        frame.assign(
            day_name=[weekday_name(value) for value in frame.weekday],
            hour_name=[hour_label(value) for value in frame.hour],
        ),
        (
            Column("day_name", say("Weekday")),
            Column("hour_name", say("Hour from")),
            Column("dials", say("Dials"), "count"),
            Column(
                "adjusted",
                say("Contact rate, adjusted"),
                "rate",
                low="adjusted_low",
                high="adjusted_high",
                n="dials",
                shade=True,
            ),
            *_rates(),
        ),
        limit=200,
    )


def _trend(result: "Calls") -> Table:
    frame = result.trend
    return Table(
        "calls_trend",
        say(
            "Dials and contacts by period, {first} to {last}",
            first=day(result.window.start),
            last=day(result.window.as_of),
        ),
        frame.assign(named=[period(first, result.period) for first in frame.period]),
        (
            Column("named", say("Period")),
            Column("dials", say("Dials"), "count", partial="partial"),
            *_rates(),
        ),
        note=say("Marked periods are cut by the first or the last day of the log."),
        limit=120,
    )
