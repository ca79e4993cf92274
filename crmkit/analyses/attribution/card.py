"""The definition card of an attribution."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmkit import text
from crmkit.analyses.attribution.words import days as written_days
from crmkit.blocks import Definition
from crmkit.text import message, number, say

if TYPE_CHECKING:
    from crmkit.analyses.attribution.result import Attribution

_TRANSFORMS = {
    "exposure": message("Touches of one channel in a row count as one, at the time of the last."),
    "first": message("Each channel counts once in a path, at its first touch."),
    "frequency": message(
        "Each channel counts once in a path, at its first touch; the Markov chain tells 1, 2, 3, "
        "and 4 or more touches of it apart."
    ),
    "unique": message("Every touch counts."),
}
_GAMES = {
    "rate": message(
        "A set of channels is worth the share of its paths that converted; what a channel adds to "
        "the sets of every path, averaged over all orders of joining. Values below zero are cut."
    ),
    "conversions": message(
        "A set of channels is worth the conversions of paths that had no others; so each path is "
        "shared equally among its channels."
    ),
}


def definition(result: "Attribution") -> Definition:
    """Every decision behind the credit, and what it cannot say."""
    options, facts = result.options, result.facts
    days = written_days(options.lookback)
    items = [
        (
            say("Path"),
            say(
                "The touches of a customer in the {days} days before a conversion, in elapsed time "
                "with both ends included, and after the conversion before: a conversion ends its "
                "path. Conversions at one instant share a path.",
                days=days,
            ),
        ),
        (say("Paths without conversion"), _open_words(result, days)),
        (say("Repeats"), say(_TRANSFORMS[options.transform])),
        (say("Credit goes to"), say("The column {column}.", column=options.by)),
        (
            say("First, last"),
            say("All credit to the first or the last touch of the path."),
        ),
        (say("Last non-direct"), _direct_words(result)),
        (say("Linear"), say("Equal parts to all touches.")),
        (
            say("By position"),
            say("40% to the first, 40% to the last, 20% to those between; of two, half each."),
        ),
        (
            say("Time decay"),
            say(
                "A touch counts half as much for every {days} days that it lies further back.",
                days=written_days(options.half_life),
            ),
        ),
        (
            say("Markov chain"),
            say(
                "States are the last {order} touches. Credit in relation to the removal effect: "
                "the share of conversions lost when a channel leads nowhere, solved exactly.",
                order=number(options.order),
            ),
        ),
        (say("Shapley value"), say(_GAMES[options.game])),
        (
            say("No touch"),
            say(
                "Conversions with no touch before them are credited to no channel, by every model."
            ),
        ),
        (say("Interval"), _interval_words(result)),
        (say("Counted"), _counted_words(result)),
        (say("Left out"), _left_out(facts)),
        (
            say("Ties"),
            say("Touches at one instant come in the order of their channels' names."),
        ),
        (
            say("Money"),
            say("Amounts are in the book's one currency; others must be converted before."),
        ),
        (
            say("What this cannot say"),
            say(
                "Every model divides conversions that happened among the touches before them. None "
                "says which would have happened without a channel: only an experiment does, such "
                "as withholding the channel from a random part of the customers."
            ),
        ),
    ]
    return Definition(tuple(items))


def _open_words(result: "Attribution", days: str) -> str:
    if not result.options.open_paths:
        return say("Left out.")
    return say(
        "Each stretch of {days} days with touches that no conversion followed in {days} days, "
        "counted from the conversion before or from the first touch. {n} touches of the last "
        "{days} days are left out: a conversion may still follow.",
        days=days,
        n=number(result.facts.get("touches_pending", 0)),
    )


def _direct_words(result: "Attribution") -> str:
    direct = result.options.direct
    if direct is None:
        return say(
            "All credit to the last touch that is not of kind direct; to the last, where all are."
        )
    return say(
        "All credit to the last touch that is not {names}; to the last, where all are.",
        names=say(", ").join(direct) or "–",
    )


def _interval_words(result: "Attribution") -> str:
    if result.bootstrap == 0:
        return say("None was asked for.")
    return say(
        "Bootstrap of customers, 95%: {draws} draws of {groups} random groups of customers. The "
        "number of conversions is taken as it is; the interval is of how they are shared out.",
        draws=number(result.bootstrap),
        groups=number(result.groups),
    )


def _counted_words(result: "Attribution") -> str:
    options = result.options
    words = {"last": text.day(options.as_of), "zone": options.timezone}
    if options.start is None:
        return say("Conversions from the first touch to {last}, time zone {zone}.", **words)
    return say(
        "Conversions from {first} to {last}, time zone {zone}.",
        first=text.day(options.start),
        **words,
    )


def _left_out(facts: Mapping[str, int]) -> str:
    """Rows that did not count, each kind with its number."""
    kinds = {
        "copies": say("touches that stand twice: {n}", n=number(facts.get("copies", 0))),
        "touches_of_nobody": say(
            "touches of no known customer: {n}", n=number(facts.get("touches_of_nobody", 0))
        ),
        "early": say("conversions before the first day: {n}", n=number(facts.get("early", 0))),
        "negative": say(
            "conversions with a value below zero: {n}", n=number(facts.get("negative", 0))
        ),
        "strangers": say(
            "conversions of no known customer, which count as without touch: {n}",
            n=number(facts.get("strangers", 0)),
        ),
        "unvalued": say(
            "conversions without a value, which count with 0: {n}",
            n=number(facts.get("unvalued", 0)),
        ),
    }
    found = [words for kind, words in kinds.items() if facts.get(kind, 0)]
    return say("; ").join(found) if found else say("Nothing.")
