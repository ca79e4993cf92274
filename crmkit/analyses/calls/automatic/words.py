"""The definition card and the tables of automatic voice."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmkit.blocks import Column, Definition, Table
from crmkit.text import message, money, number, period, say

if TYPE_CHECKING:
    from crmkit.analyses.calls.automatic.result import Voice

_KINDS = {"people": message("Human agents"), "voice": message("Automatic voice")}


def definition(result: "Voice") -> Definition:
    """Every decision taken."""
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
            (
                say("Contact by telephone"),
                say(
                    "a person answered; of calls of people, an agent also took it; an automatic "
                    "call is heard, not spoken"
                ),
            ),
            (
                say("Interest"),
                say("interest or sale by the flags of the outcome, out of contacts of known one"),
            ),
            (say("Agents' hours"), _hours(result)),
            (say("Cost"), _cost(result)),
            (say("Intervals"), say("Wilson, 95 %; rates on fewer than 30 cases are faded")),
        )
    )


def _hours(result: "Voice") -> str:
    if result.logged != result.logged:
        return say("talk and wrap, as there are no agents' states; waiting is left out")
    return say("logged in, for dials and callers alike")


def _cost(result: "Voice") -> str:
    costs = result.costs
    if costs.agent_hour is None or costs.line_minute is None:
        return say("not computable without the cost of an agent's hour and of a line's minute")
    return say(
        "{hour} an hour of an agent, {minute} a minute of a connected line",
        hour=money(costs.agent_hour),
        minute=money(costs.line_minute),
    )


def tables(result: "Voice") -> Mapping[str, Table]:
    """The two kinds; periods."""
    return {"kinds": _table_of_kinds(result), "trend": _trend(result)}


def _table_of_kinds(result: "Voice") -> Table:
    def rate(name: str, label: str, n: str) -> Column:
        return Column(name, label, "rate", low=f"{name}_low", high=f"{name}_high", n=n)

    frame = result.kinds
    costs = (
        Column("cost", say("Cost"), "money", 0, folded=True),
        Column("cost_per_contact", say("Cost of a contact"), "money"),
        Column("cost_per_interest", say("Cost of an interested person"), "money"),
    )
    return Table(
        "voice_kinds",
        say("People and automatic voice, {days}", days=result.window.words),
        frame.assign(named=[say(_KINDS[kind]) for kind in frame.kind]),
        (
            Column("named", say("Called by")),
            Column("dials", say("Dials"), "count"),
            rate("contact_rate", say("Reached a person"), "dials"),
            rate("interest_rate", say("Showed interest"), "coded"),
            rate("refusal_rate", say("Asked not to be called"), "coded"),
            Column("sales", say("Sales by telephone"), "count", folded=True),
            Column("talk_hours", say("Hours with a person"), "number", 1),
            Column("line_hours", say("Line hours"), "number", 1, folded=True),
            Column("agent_hours", say("Agents' hours"), "number", 1, folded=True),
            *(costs if result.costs.known else ()),
        ),
    )


def _trend(result: "Voice") -> Table:
    frame = result.trend
    return Table(
        "voice_trend",
        say("Dials by people and by automatic voice, by period"),
        frame.assign(named=[period(first, result.period) for first in frame.period]),
        (
            Column("named", say("Period")),
            Column("people", say("Human agents"), "count", partial="partial"),
            Column("voice", say("Automatic voice"), "count", partial="partial"),
        ),
        note=say("Marked periods are cut by the first or the last day of the log."),
        limit=120,
    )
