"""The sentences of an attribution, and the names it has for readers."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmkit import text
from crmkit.analyses.attribution.frames import CONVERTED, MORE, NO_TOUCH
from crmkit.analyses.attribution.streams import OTHER, UNKNOWN
from crmkit.result import Finding
from crmkit.text import message, number, percent, say, span

if TYPE_CHECKING:
    from crmkit.analyses.attribution.result import Attribution

MODEL_NAMES = {
    "first": message("First touch"),
    "last": message("Last touch"),
    "last_non_direct": message("Last non-direct"),
    "linear": message("Linear"),
    "position": message("By position"),
    "decay": message("Time decay"),
    "markov": message("Markov chain"),
    "shapley": message("Shapley value"),
}
_NAMES = {
    NO_TOUCH: message("No touch"),
    UNKNOWN: message("Unknown"),
    OTHER: message("Others"),
    CONVERTED: message("Converted"),
    MORE: message("More touches"),
}
TRANSFORM_NAMES = {
    "exposure": message("Runs as one"),
    "first": message("Each channel once"),
    "frequency": message("Once, by frequency"),
    "unique": message("Every touch"),
}
_MUCH = 0.2
"""From this share on, conversions without a touch are a finding."""


def name(channel: object) -> str:
    """A channel for readers: its name, or what stands for it."""
    return say(_NAMES[str(channel)]) if channel in _NAMES else str(channel)


def model_name(model: str) -> str:
    """A model for readers."""
    return say(MODEL_NAMES[model])


def headline(result: "Attribution") -> str:
    """The channel with the most credit, and where models differ most."""
    if result.empty:
        return say("No conversions up to {day}.", day=text.day(result.options.as_of))
    n = number(result.conversions)
    if result.touched == 0:
        return say(
            "{n} conversions, none of them with a touch in the {days} days before.",
            n=n,
            days=days(result.options.lookback),
        )
    first = result.credited().iloc[0]
    words = {
        "model": model_name(result.model),
        "channel": name(first.channel),
        "share": percent(first.conversions_share),
        "n": n,
    }
    limits = span(first.conversions_share_low, first.conversions_share_high)
    if limits:
        words["share"] = say("{share} ({limits})", share=words["share"], limits=limits)
    differing = _differing(result)
    if differing is None:
        return say("{model} credits {channel} with {share} of {n} conversions.", **words)
    return say(
        "{model} credits {channel} most, with {share} of {n} conversions; models differ most on "
        "{other}: from {low} ({lowest}) to {high} ({highest}).",
        **words,
        other=name(differing.channel),
        low=percent(differing.lowest),
        lowest=model_name(differing.lowest_model),
        high=percent(differing.highest),
        highest=model_name(differing.highest_model),
    )


def _differing(result: "Attribution") -> Any:
    """The channel whose credit depends most on the model; None where it depends nowhere."""
    spread = result.channels.highest - result.channels.lowest
    if len(result.channels) < 2 or not float(spread.max()) > 1e-9:
        return None
    return result.channels.iloc[int(spread.to_numpy().argmax())]


def days(value: float) -> str:
    """A number of days, whole or with one digit."""
    return number(value, 0 if float(value).is_integer() else 1)


def findings(result: "Attribution") -> tuple[Finding, ...]:
    """Channels that the last touch hides or flatters, untracked conversions, and the limits."""
    if result.empty:
        return ()
    found = [*_untouched(result), *_unknown(result)]
    if result.touched:
        found += [*_against_last(result), _limits(result)]
    return tuple(sorted(found, key=lambda finding: -finding.weight))


def _against_last(result: "Attribution") -> Iterable[Finding]:
    """The channel that the last touch shortens most, and the one that it favours most."""
    chosen = result.credited().set_index("channel")
    last = result.credited("last").set_index("channel")
    gap = (chosen.conversions_share - last.conversions_share).drop(NO_TOUCH)
    if result.model == "last" or len(gap) < 2:
        return
    for channel, more in ((str(gap.idxmax()), True), (str(gap.idxmin()), False)):
        if abs(gap[channel]) < 0.01:
            continue
        words = say(
            "{channel}: {last} of conversions by last touch, {share} by {model}.",
            channel=name(channel),
            last=percent(last.conversions_share[channel]),
            share=percent(chosen.conversions_share[channel]),
            model=model_name(result.model),
        )
        action = (
            say("Do not cut it for its last touches alone; withhold it from a few and measure.")
            if more
            else say("It closes paths that others opened: see who did, before it gets more money.")
        )
        yield Finding(words=words, action=action, weight=abs(float(gap[channel])))


def _untouched(result: "Attribution") -> Iterable[Finding]:
    share = 1 - result.touched / result.conversions
    if share >= _MUCH:
        yield Finding(
            words=say("{share} of conversions had no touch before them.", share=percent(share)),
            action=say("Check that links are tagged and that visits find their customer."),
            weight=share / 2,
        )


def _unknown(result: "Attribution") -> Iterable[Finding]:
    touches = result.channels.set_index("channel").touches
    share = float(touches.get(UNKNOWN, 0)) / max(float(touches.sum()), 1.0)
    if share >= 0.05:
        yield Finding(
            words=say(
                "{share} of touches name no {column}.",
                share=percent(share),
                column=result.options.by,
            ),
            action=say("Fill it in where the links are made; until then they count as unknown."),
            weight=share / 2,
        )


def _limits(result: "Attribution") -> Finding:
    tau = result.agreement.tau.min()
    words = (
        say("Models divide what happened; none says what would have happened without a channel.")
        if pd.isna(tau)
        else say(
            "Models rank channels with Kendall's tau down to {tau}; none says what would have "
            "happened without a channel.",
            tau=number(tau, 2),
        )
    )
    action = say("Test the channel with the most money: withhold it from a random tenth.")
    return Finding(words=words, action=action, weight=0.1)
