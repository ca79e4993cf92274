"""What to do: whom to coach and whom to learn from, in words fit for people."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Literal

import pandas as pd

from crmkit.actions import ActionList
from crmkit.analyses.agents import words
from crmkit.blocks import Column
from crmkit.result import Finding
from crmkit.text import number, percent, say, span

if TYPE_CHECKING:
    from crmkit.analyses.agents.result import Agents

_LINE = ["agent_id", "team", "mode", "n", "x", "adjusted", "shrunk", "mean", "sure", "why", "todo"]
_UNCODED = 0.02  # a share of conversations worth a word


def findings(result: "Agents") -> tuple[Finding, ...]:
    """Differences, new agents, and calls that count for nobody; heaviest first."""
    if result.empty:
        return _lost(result)
    found = [*_differences(result), *_new(result), *_lost(result)]
    return tuple(sorted(found, key=lambda finding: -finding.weight))


def _differences(result: "Agents") -> Iterable[Finding]:
    main = result.main
    if pd.isna(main.p_value):
        return
    if not main.above_chance:
        yield Finding(
            words=say(
                "{mode}: the differences between {agents} agents are what chance makes of equal "
                "work ({p}).",
                mode=words.mode_name(main["mode"]),
                agents=number(main.agents),
                p=words.chance(main.p_adjusted),
            ),
            action=say(
                "Do not rank, reward or reprove by this rate; look at lists, hours and scripts, "
                "which all agents share."
            ),
            weight=0.2,
        )
        return
    for side in ("below", "above"):
        part = result.standing(side)
        part = part[part["mode"] == main["mode"]]
        if len(part):
            yield _side(result, side, part)


def _side(result: "Agents", side: str, part: pd.DataFrame) -> Finding:
    main = result.main
    names = say(", ").join(part.agent_id.head(5))
    shown = say("{names} and {n} more", names=names, n=number(len(part) - 5))
    values = {
        "n": number(len(part)),
        "names": names if len(part) <= 5 else shown,
        "rate": percent(part.shrunk.mean()),
        "mean": percent(main.rate),
    }
    weight = float(part.n.sum() / main.n)
    if side == "below":
        return Finding(
            words=say(
                "{n} agents are surely below the mean on like calls ({rate} against {mean}): "
                "{names}.",
                **values,
            ),
            action=say(
                "Sit in on five calls of each and agree one thing to try; the rate says where to "
                "look, not why."
            ),
            weight=weight,
        )
    return Finding(
        words=say(
            "{n} agents are surely above the mean on like calls ({rate} against {mean}): {names}.",
            **values,
        ),
        action=say("Ask them to share a recording each, and to sit beside a new colleague."),
        weight=0.5 * weight,
    )


def _new(result: "Agents") -> Iterable[Finding]:
    people = result.novices
    if people.empty or result.learning.n.sum() == 0:
        return
    level = result.growth.level_rate
    first = result.learning.iloc[0]
    weight = float(result.learning.n.sum() / result.main.n)
    start = say(
        "{n} new agents began at {ratio} of their settled colleagues' rate on like calls "
        "(interval {span})",
        n=number(len(people)),
        ratio=percent(first.ratio, 0),
        span=span(first.ratio_low, first.ratio_high, digits=0),
    )
    if level is None:
        yield Finding(
            words=say("{start}; when they are level is not yet known.", start=start),
            action=say("Judge new agents by their own curve, and keep a settled colleague beside."),
            weight=0.5 * weight,
        )
    else:
        yield Finding(
            words=say(
                "{start} and are level from week {week} on.", start=start, week=number(level)
            ),
            action=say("Plan new agents as part of a seat until week {week}.", week=number(level)),
            weight=0.3 * weight,
        )


def _lost(result: "Agents") -> tuple[Finding, ...]:
    found = []
    if result.contacts and result.uncoded / result.contacts >= _UNCODED:
        share = result.uncoded / result.contacts
        found.append(
            Finding(
                words=say(
                    "{share} of conversations have an unknown outcome.", share=percent(share)
                ),
                action=say("Add their codes to the table of dispositions."),
                weight=share,
            )
        )
    if result.contacts and result.unassigned / result.contacts >= _UNCODED:
        share = result.unassigned / result.contacts
        found.append(
            Finding(
                words=say("{share} of conversations name no agent.", share=percent(share)),
                action=say("Ask the dialler's administrator why the agent is missing."),
                weight=share,
            )
        )
    return tuple(found)


def listed(result: "Agents", side: Literal["below", "above"], limit: int | None) -> ActionList:
    """The agents who stand out on one side, why, and what to do."""
    part = result.standing(side)
    shown = part if limit is None else part.head(limit)
    rows: Iterable[Any] = shown.itertuples()
    means = dict(zip(result.modes["mode"], result.modes.rate, strict=True)) if len(part) else {}
    new = dict(zip(result.novices.agent_id, result.novices.weeks, strict=True))
    frame = pd.DataFrame(
        [_line(row, side, float(means[row.mode]), new.get(row.agent_id)) for row in rows],
        columns=_LINE,
    )
    columns = (
        Column("agent_id", say("Agent")),
        Column("team", say("Team")),
        Column("mode", say("Dial mode")),
        Column("n", say(words.CASES[result.options.per]), "count"),
        Column("x", say(words.SUCCESSES[result.options.outcome]), "count"),
        Column("adjusted", say("Adjusted rate"), "rate"),
        Column("shrunk", say("Shrunken rate"), "rate"),
        Column("mean", say("Mean of the dial mode"), "rate"),
        Column("sure", say("Certainty"), "rate", 0),
        Column("why", say("Why")),
        Column("todo", say("What to do")),
    )
    title = say("Agents to coach") if side == "below" else say("Agents to learn from")
    note = "" if len(part) else say("Nobody: no agent stands out beyond chance.")
    return ActionList(f"agents_{side}", title, frame, columns, note=note)


def _line(row: Any, side: str, mean: float, weeks: int | None) -> dict[str, object]:
    sure = row.p_above if side == "above" else 1 - row.p_above
    why = say(
        "{x} of {n}; an average agent would have had {expected} on the same calls.",
        x=number(row.x),
        n=number(row.n),
        expected=number(row.expected, 1),
    )
    if weeks is not None:
        why = say("{why} New: in week {week} since hiring.", why=why, week=number(weeks))
    todo = (
        say("Sit in on five calls; agree one thing to try; look again in four weeks.")
        if side == "below"
        else say("Ask for a good recording to share with the team.")
    )
    return {
        "agent_id": row.agent_id,
        "team": row.team,
        "mode": words.mode_name(row.mode),
        "n": row.n,
        "x": row.x,
        "adjusted": row.adjusted,
        "shrunk": row.shrunk,
        "mean": mean,
        "sure": sure,
        "why": why,
        "todo": todo,
    }
