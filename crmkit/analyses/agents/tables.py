"""The tables of a scorecard of agents."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Literal

import pandas as pd

from crmkit import periods
from crmkit.analyses.agents.words import CASES, MEASURES, STANDS, SUCCESSES, chance, mode_name
from crmkit.blocks import Column, Table
from crmkit.text import number, say

if TYPE_CHECKING:
    from crmkit.analyses.agents.result import Agents


def tables(result: "Agents") -> Mapping[str, Table]:
    """The scores; the dial modes; the placebo; the learning curve; the new agents."""
    return {
        "scores": _scores(result),
        "modes": _modes(result),
        "placebo": _placebo_table(result),
        "learning": _learning(result),
        "novices": _novices(result),
    }


def _limited(
    name: str,
    label: str,
    kind: Literal["rate", "number"],
    digits: int = 1,
    *,
    n: str | None = None,
    folded: bool = False,
) -> Column:
    """A column with the limits of its interval."""
    return Column(
        name, label, kind, digits, low=f"{name}_low", high=f"{name}_high", n=n, folded=folded
    )


def _scores(result: "Agents") -> Table:
    frame = result.scores
    frame = frame.assign(
        mode_name=[mode_name(mode) for mode in frame["mode"]],
        standing=[say(STANDS[stands]) if stands else "" for stands in frame.stands],
        ranks=[
            _ranks(low, high) for low, high in zip(frame.rank_low, frame.rank_high, strict=True)
        ],
    )
    columns = (
        Column("agent_id", say("Agent")),
        Column("team", say("Team")),
        Column("mode_name", say("Dial mode")),
        Column("n", say(CASES[result.options.per]), "count"),
        Column("x", say(SUCCESSES[result.options.outcome]), "count"),
        _limited("rate", say("Raw rate"), "rate", n="n"),
        _limited("adjusted", say("Adjusted rate"), "rate", n="n"),
        _limited("shrunk", say("Shrunken rate"), "rate", n="n"),
        Column("standing", say("Stands out")),
        Column("p_above", say("Chance to be above the mean"), "rate", 0, n="n", folded=True),
        Column("p_top", say("Chance to be in the best tenth"), "rate", 0, n="n", folded=True),
        Column("ranks", say("Rank, 95% interval"), folded=True),
        _limited("handle", say("Handling, seconds"), "number", 0, n="handle_n"),
        _limited("short_share", say("Short conversations"), "rate", n="contacts", folded=True),
        Column("shared", say("Cases on shared lists"), "rate", 0, n="n", folded=True),
    )
    return Table("agents", say("What each agent makes of the calls given."), frame, columns)


def _ranks(low: float, high: float) -> str:
    return "" if pd.isna(low) else f"{number(low)}–{number(high)}"


def _answer(p_value: float, above: bool) -> str:
    if pd.isna(p_value):
        return ""
    return say("more than chance") if above else say("no more than chance")


def _modes(result: "Agents") -> Table:
    frame = result.modes.assign(
        name=[mode_name(mode) for mode in result.modes["mode"]],
        p_words=["" if pd.isna(p) else chance(p) for p in result.modes.p_adjusted],
        answer=[
            _answer(p, above)
            for p, above in zip(result.modes.p_value, result.modes.above_chance, strict=True)
        ],
    )
    columns = (
        Column("name", say("Dial mode")),
        Column("agents", say("Agents"), "count"),
        Column("n", say(CASES[result.options.per]), "count"),
        Column("x", say(SUCCESSES[result.options.outcome]), "count"),
        _limited("rate", say("Raw rate"), "rate", n="n"),
        Column("answer", say("Agents differ")),
        Column("p_words", say("p-value")),
        Column("factor", say("Overdispersion factor"), "number", 2),
        _limited("spread", say("Spread of log-odds"), "number", 2),
    )
    return Table("agents-modes", say("Whether agents differ, by dial mode."), frame, columns)


def _placebo_table(result: "Agents") -> Table:
    frame = result.placebo.assign(
        name=[mode_name(mode) for mode in result.placebo["mode"]],
        what=[say(MEASURES[measure]) for measure in result.placebo.measure],
    )
    columns = (
        Column("name", say("Dial mode")),
        Column("what", say("Measure")),
        Column("agents", say("Agents"), "count"),
        Column("observed", say("This floor"), "number", 2),
        Column("identical", say("Identical agents"), "number", 2, low="low", high="high"),
        Column("share", say("Identical floors as unequal"), "rate"),
    )
    caption = say(
        "The placebo: how unequal identical agents would look on the same calls, by chance alone."
    )
    return Table("agents-placebo", caption, frame, columns)


def _learning(result: "Agents") -> Table:
    columns = (
        Column("week", say("Weeks since hiring"), "count"),
        Column("agents", say("Agents"), "count"),
        Column("n", say(CASES[result.options.per]), "count"),
        Column("rate", say("Raw rate"), "rate", n="n"),
        Column("settled_rate", say("Settled colleagues on the same calls"), "rate"),
        _limited("ratio", say("Rate, settled = 1"), "number", 2, n="n"),
        Column("handle", say("Handling, seconds"), "number", 0, n="handle_n"),
        _limited("handle_ratio", say("Handling, settled = 1"), "number", 2, n="handle_n"),
    )
    caption = say("New agents by full weeks since hiring, adjusted for the calls given.")
    return Table("agents-learning", caption, result.learning, columns)


def _novices(result: "Agents") -> Table:
    frame = result.novices.assign(
        since=[periods.period_start(int(hired), "day") for hired in result.novices.hired]
    )
    columns = (
        Column("agent_id", say("Agent")),
        Column("team", say("Team")),
        Column("since", say("Hired on"), "day"),
        Column("weeks", say("Weeks so far"), "count"),
        Column("n", say(CASES[result.options.per]), "count"),
        Column("x", say(SUCCESSES[result.options.outcome]), "count"),
        _limited("ratio", say("Rate, settled = 1"), "number", 2, n="n"),
    )
    return Table("agents-new", say("The new agents, all weeks together."), frame, columns)
