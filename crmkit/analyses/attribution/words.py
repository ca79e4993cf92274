"""The sentences, tables and definition card of an attribution."""

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

import pandas as pd

from crmkit import text
from crmkit.analyses.attribution.frames import CONVERTED, MORE, NO_TOUCH
from crmkit.analyses.attribution.models import MODELS
from crmkit.analyses.attribution.streams import OTHER, UNKNOWN
from crmkit.blocks import Column, Definition, Kind, Table
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
_TRANSFORMS = {
    "exposure": message("Touches of one channel in a row count as one, at the time of the last."),
    "first": message("Each channel counts once in a path, at its first touch."),
    "frequency": message(
        "Each channel counts once in a path, at its first touch; the Markov chain tells 1, 2, 3, "
        "and 4 or more touches of it apart."
    ),
    "unique": message("Every touch counts."),
}
TRANSFORM_NAMES = {
    "exposure": message("Runs as one"),
    "first": message("Each channel once"),
    "frequency": message("Once, by frequency"),
    "unique": message("Every touch"),
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
            days=_days(result.options.lookback),
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


def _days(value: float) -> str:
    return number(value, 0 if float(value).is_integer() else 1)


def definition(result: "Attribution") -> Definition:
    """Every decision behind the credit, and what it cannot say."""
    options, facts = result.options, result.facts
    days = _days(options.lookback)
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
                days=_days(options.half_life),
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


def tables(result: "Attribution") -> dict[str, Table]:
    """Models side by side; credit with intervals; channels; agreement; frequent paths."""
    return {
        "models": _models_table(result),
        "credit": _credit_table(result),
        "channels": _channels_table(result),
        "agreement": _agreement_table(result),
        "paths": _paths_table(result),
    }


def _named(frame: pd.DataFrame) -> pd.DataFrame:
    return frame.assign(name=[name(channel) for channel in frame.channel])


def _models_table(result: "Attribution") -> Table:
    wide = result.credit.pivot_table(
        index="channel", columns="model", values="conversions_share", sort=False, dropna=False
    )
    order = result.credited().channel
    frame = wide.reindex(order).reset_index()
    ranks = result.credit.pivot_table(
        index="channel", columns="model", values="rank", sort=False, dropna=False
    ).reindex(order)
    frame["ranks"] = [
        "" if pd.isna(low) else f"{low:.0f}–{high:.0f}"
        for low, high in zip(ranks.min(axis=1), ranks.max(axis=1), strict=True)
    ]
    columns = (
        Column("name", say("Channel")),
        *(Column(model, model_name(model), "rate", shade=True) for model in MODELS),
        Column("ranks", say("Ranks")),
    )
    caption = say("Share of all conversions credited to each channel, by model.")
    return Table("attribution-models", caption, _named(frame), columns)


def _credit_table(result: "Attribution") -> Table:
    def shown(measure: str, label: str, kind: Kind, digits: int | None = None) -> Column:
        return Column(measure, label, kind, digits, f"{measure}_low", f"{measure}_high")

    columns = [
        Column("name", say("Channel")),
        shown("conversions", say("Conversions"), "number", 1),
        shown("conversions_share", say("Share"), "rate"),
    ]
    if result.valued:
        columns += [
            Column("revenue", say("Revenue"), "money"),
            shown("revenue_share", say("Share of revenue"), "rate"),
        ]
    caption = say("Credit by {model}, with 95% intervals.", model=model_name(result.model))
    return Table("attribution-credit", caption, _named(result.credited()), tuple(columns))


def _channels_table(result: "Attribution") -> Table:
    columns = (
        Column("name", say("Channel")),
        Column("touches", say("Touches"), "count"),
        Column("paths", say("Paths with it"), "count"),
        Column("converting", say("Converted"), "count"),
        Column("rate", say("Conversion rate"), "rate", 2, "rate_low", "rate_high", "paths"),
        Column("removal", say("Removal effect"), "rate"),
        Column("removal_normalised", say("Normalised"), "rate"),
        Column("shapley", say("Shapley value, conversions"), "number", 1, folded=True),
        Column("shapley_error", say("Its error of sampling"), "number", 2, folded=True),
    )
    note = say(
        "Removal effects do not sum to 100%: a conversion needs every touch of its path. "
        "Normalised, they share out the conversions after a touch."
    )
    caption = say("Paths by channel, and the share of conversions lost without it.")
    return Table("attribution-channels", caption, _named(result.channels), columns, note=note)


def _agreement_table(result: "Attribution") -> Table:
    frame = result.agreement.assign(
        one=[model_name(model) for model in result.agreement["first"]],
        other=[model_name(model) for model in result.agreement["second"]],
    ).sort_values("share_moved", ascending=False, kind="stable", ignore_index=True)
    columns = (
        Column("one", say("Model")),
        Column("other", say("Other model")),
        Column("share_moved", say("Credited to other channels"), "rate"),
        Column("tau", say("Kendall's tau of the ranks"), "number", 2),
        Column("moved", say("Largest difference of ranks"), "count"),
    )
    caption = say("How far each two models disagree; tau is 1 where they rank alike.")
    return Table("attribution-agreement", caption, frame, columns)


def _paths_table(result: "Attribution") -> Table:
    columns = [
        Column("path", say("Path")),
        Column("conversions", say("Conversions"), "count"),
    ]
    if result.valued:
        columns.append(Column("revenue", say("Revenue"), "money"))
    caption = say("The paths with the most conversions; of long ones the first five touches.")
    return Table("attribution-paths", caption, result.paths, tuple(columns), limit=20)


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
