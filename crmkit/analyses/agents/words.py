"""The sentences and the definition card of a scorecard of agents."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit.blocks import Definition
from crmkit.text import day, message, number, percent, say, span

if TYPE_CHECKING:
    from crmkit.analyses.agents.result import Agents

MODES = {
    "manual": message("Manual dialling"),
    "preview": message("Preview dialling"),
    "progressive": message("Progressive dialling"),
    "power": message("Power dialling"),
    "predictive": message("Predictive dialling"),
    "voice": message("Automatic voice calls"),
    "inbound": message("Calls coming in"),
    "unknown": message("Dial mode not known"),
}
SUCCESSES = {
    "sale": message("Sales"),
    "interest": message("Interested people"),
    "right_party": message("Right persons"),
}
CASES = {
    "contact": message("Conversations"),
    "right_party": message("Conversations with the right person"),
    "call": message("Calls handled"),
}
RATES = {
    ("sale", "contact"): message("Sales per conversation"),
    ("sale", "right_party"): message("Sales per right person"),
    ("sale", "call"): message("Sales per call handled"),
    ("interest", "contact"): message("Interest per conversation"),
    ("interest", "right_party"): message("Interest per right person"),
    ("interest", "call"): message("Interest per call handled"),
    ("right_party", "contact"): message("Right persons per conversation"),
    ("right_party", "call"): message("Right persons per call handled"),
}
STANDS = {"above": message("above the mean"), "below": message("below the mean"), "": ""}
MEASURES = {
    "best": message("Highest rate over the mean"),
    "range": message("Ninth decile over the first"),
}


def mode_name(mode: str) -> str:
    """The name of a dial mode for readers; what a source calls otherwise stays as it is."""
    return say(MODES[mode]) if mode in MODES else mode


def rate_label(result: "Agents") -> str:
    """What the rate is."""
    return say(RATES[result.options.outcome, result.options.per])


def chance(p: float) -> str:
    """A p-value in words.

    >>> chance(0.0002), chance(0.034)
    ('p < 0.001', 'p = 0.034')
    """
    return say("p < {p}", p=number(0.001, 3)) if p < 0.001 else say("p = {p}", p=number(p, 3))


def times(value: float) -> str:
    """How many times, such as 2.0×.

    >>> times(1.96)
    '2.0×'
    """
    return f"{number(value, 1)}×"


def headline(result: "Agents") -> str:
    """Whether agents differ more than chance makes them, and only then who stands out."""
    until = day(result.options.as_of)
    if result.modes.empty:
        return say("No agent handled a call up to {day}.", day=until)
    if result.empty:
        return _outcomes_unknown(result)
    main = result.main
    words = {
        "mode": mode_name(main["mode"]),
        "agents": number(main.agents),
        "rate": percent(main.rate),
        "span": span(main.rate_low, main.rate_high),
        "label": rate_label(result),
        "n": number(main.n),
    }
    if pd.isna(main.p_value):
        return say(
            "{mode}: {label} {rate} ({span}) in {n} cases of {agents} agents; there is nothing to "
            "compare.",
            **words,
        )
    words["p"] = chance(main.p_adjusted)
    words["placebo"] = _placebo(result)
    if not main.above_chance:
        return say(
            "{mode}: the {agents} agents differ no more than chance makes them ({p}); "
            "{label} is {rate} ({span}).{placebo}",
            **words,
        )
    stands = result.of_mode().stands
    return say(
        "{mode}: the {agents} agents differ more than chance makes them ({p}): {above} are surely "
        "above the mean of {rate}, {below} surely below it.{placebo}",
        **words,
        above=number((stands == "above").sum()),
        below=number((stands == "below").sum()),
    )


def _outcomes_unknown(result: "Agents") -> str:
    if result.uncoded:
        return say(
            "The outcomes of {n} conversations are not known: no disposition explains their codes.",
            n=number(result.uncoded),
        )
    return say(
        "No conversation of an agent up to {day}; {n} calls were handled.",
        day=day(result.options.as_of),
        n=number(result.modes.calls.sum()),
    )


def _placebo(result: "Agents") -> str:
    found = result.placebo
    found = found[(found["mode"] == result.main["mode"]) & (found.measure == "best")]
    if found.empty:
        return ""
    best = found.iloc[0]
    return say(
        " The best shows {observed} the mean; the best of {agents} identical agents would show "
        "{identical}.",
        observed=times(best.observed),
        agents=number(best.agents),
        identical=times(best.identical),
    )


def definition(result: "Agents") -> Definition:
    """Every decision behind the scores."""
    options = result.options
    items = [
        (say("Calls counted"), _days(result)),
        (rate_label(result), _rate(result)),
        (
            say("Adjusted rate"),
            say(
                "Successes over those an average agent would have had on the same calls, times the "
                "mean: a logistic regression on list, local hour and attempt with an effect for "
                "every agent."
            ),
        ),
        (
            say("Shrunken rate"),
            say(
                "Empirical Bayes (beta-binomial), with the spread of agents weighed over a grid; "
                "the mean itself where differences are not above chance."
            ),
        ),
        (
            say("More than chance"),
            say(
                "Pearson's statistic against simulated identical agents, by Holm for the number of "
                "dial modes, at 5%."
            ),
        ),
        (
            say("Stands out"),
            say(
                "Probability of {share} or more to be above, or below, the mean; from 30 cases on; "
                "only where agents differ more than by chance.",
                share=percent(options.certainty, 0),
            ),
        ),
        (
            say("Compared"),
            say(
                "Within a dial mode only: preview, callbacks and manual dialling do not give out "
                "leads at random."
            ),
        ),
        (
            say("Funnel"),
            say(
                "Inner limits: 95% by chance alone. Outer: 99.8%, widened by the overdispersion "
                "factor (Spiegelhalter 2005). Cases are weighted by what was expected of them."
            ),
        ),
        (
            say("New agents"),
            say(
                "Hired on or after the first day of the calls; compared with colleagues hired {n} "
                "weeks before or longer. Those hired before the log began are not new.",
                n=number(options.settled),
            ),
        ),
        (say("Handling"), say("Talk and wrap-up, of calls where both are known.")),
        (say("Interval"), say("Wilson for rates, Student for means, credible for shrunken, 95%.")),
        *_left_out(result),
    ]
    return Definition(tuple(items))


def _days(result: "Agents") -> str:
    options = result.options
    words = {"until": day(options.as_of), "zone": options.timezone}
    if options.start is None:
        return say("Handled by an agent, up to {until}, included; days in {zone}.", **words)
    return say(
        "Handled by an agent, from {start} to {until}, included; days in {zone}.",
        start=day(options.start),
        **words,
    )


def _rate(result: "Agents") -> str:
    return say(
        "{successes} over {cases}, by the flags of the dispositions. A conversation: an agent "
        "spoke and a person had answered.",
        successes=say(SUCCESSES[result.options.outcome]),
        cases=say(CASES[result.options.per]),
    )


def _left_out(result: "Agents") -> list[tuple[str, str]]:
    found = []
    if result.unassigned:
        words = say("{n} conversations name no agent.", n=number(result.unassigned))
        found.append((say("Without an agent"), words))
    if result.uncoded:
        words = say("{n} conversations have a code that is not known.", n=number(result.uncoded))
        found.append((say("Outcome not known"), words))
    if result.idle:
        words = say("{n} agents of the table handled no call.", n=number(len(result.idle)))
        found.append((say("Without calls"), words))
    return found
