"""What a staffing plan found, and what to do about it."""

import math
from typing import TYPE_CHECKING, Any

from crmkit.analyses.staffing import words
from crmkit.analyses.staffing.hours import named, runs
from crmkit.analyses.staffing.pick import least, most
from crmkit.result import Finding
from crmkit.stats import wilson
from crmkit.text import change, number, percent, say, span

if TYPE_CHECKING:
    from crmkit.analyses.staffing.result import Staffing

__all__ = ["found"]

_NAMED = 3


def found(result: "Staffing") -> tuple[Finding, ...]:
    """Understaffed hours, what one agent does, what the plan is sensitive to, how to dial."""
    several: list[Finding] = []
    if result.planned_in:
        several += [*_understaffed(result), *_uncovered(result), _one_agent(result)]
        several += [_longer(result), *_shrunk(result)]
    if result.outbound.known:
        several.append(_dialling(result))
    return tuple(sorted(several, key=lambda finding: -finding.weight))


def _understaffed(result: "Staffing") -> list[Finding]:
    hours = runs(result)
    if not len(hours):
        return []
    worst = hours.head(_NAMED)
    where = say("; ").join(
        say("{time} ({level})", time=named(result, row), level=percent(row.level))
        for _, row in worst.iterrows()
    )
    offered = float(result.past.offered.sum()) / max(min(len(result.past_weeks), 4), 1)
    first = worst.iloc[0]
    known = not math.isnan(first.had) and not math.isnan(first.needed)
    action = (
        say(
            "Put {needed} agents to work on {time}; lately there were {had}.",
            needed=number(math.ceil(first.needed)),
            time=named(result, first),
            had=number(first.had, 1),
        )
        if known
        else say("Move shifts towards these hours, as in next week's roster.")
    )
    return [
        Finding(
            words=say(
                "Too few agents lately in {n} stretches of the week, most at: {named} answered in "
                "time.",
                n=number(len(hours)),
                named=where,
            ),
            action=action,
            weight=min(float(hours.missed.sum()) / offered, 1.0),
        )
    ]


def _uncovered(result: "Staffing") -> list[Finding]:
    if result.short_hours < 1e-6:
        return []
    planned = float(result.days.planned_hours.sum())
    worst = least(result.intervals, "over")
    return [
        Finding(
            words=say(
                "The shifts leave {hours} of {planned} planned agent hours uncovered, most at "
                "{time}.",
                hours=number(result.short_hours, 1),
                planned=number(planned),
                time=words.interval(worst.weekday, worst.slot, result.asked.interval),
            ),
            action=say("Add agents or a shift that begins there, or lower the promise."),
            weight=result.short_hours / planned,
        )
    ]


def _one_agent(result: "Staffing") -> Finding:
    row = result.busiest
    steps = result.steps.set_index("agents").service_level
    needed = int(row.needed)
    return Finding(
        words=say(
            "{time}, the busiest time, needs {n} agents ({binding}). One fewer answers {fewer} in "
            "time instead of {now}, one more {more}.",
            time=words.interval(row.weekday, row.slot, result.asked.interval),
            n=number(needed),
            binding=words.promises(str(row.binding)),
            fewer=percent(steps.get(needed - 1, 0.0)),
            now=percent(steps[needed]),
            more=percent(steps[needed + 1]),
        ),
        action=say("Keep breaks and training out of the busiest times."),
        weight=float(steps[needed] - steps.get(needed - 1, 0.0)) / 10,
    )


def _longer(result: "Staffing") -> Finding:
    rows = result.sensitivity.set_index("scenario")
    longer: Any = rows.loc["handle_up"]
    now: Any = rows.loc["plan"]
    return Finding(
        words=say(
            "If calls last 10% longer, planned hours change by {hours}; with this plan {level} "
            "would be answered in time instead of {now}.",
            hours=change(longer.hours_change),
            level=percent(longer.level),
            now=percent(now.level),
        ),
        action=say("Look at long calls and wrap-up before hiring."),
        weight=max(float(now.level - longer.level), 0.0) / 4,
    )


def _shrunk(result: "Staffing") -> list[Finding]:
    seen = result.shrinkage[result.shrinkage.source == "measured"]
    if not len(seen):
        return []
    worst = most(seen, "share")
    return [
        Finding(
            words=say(
                "{step} take {share} of agents' time, so that {planned} are planned for every 100 "
                "needed.",
                step=words.step(str(worst.step)),
                share=percent(worst.share),
                planned=number(math.ceil(100 / float(result.shrinkage.left.iloc[-1]) - 1e-9)),
            ),
            weight=float(worst.share) / 4,
        )
    ]


def _dialling(result: "Staffing") -> Finding:
    out, own = result.outbound, result.outbound.own
    low, high = wilson(out.drops, out.answers)
    over = out.drops / out.answers > out.target
    told = say(
        "{rate} of outbound answers were dropped ({span}, 95%), against a target of {target}.",
        rate=percent(out.drops / out.answers),
        span=span(float(low), float(high)),
        target=percent(out.target),
    )
    action = say(
        "Dial {dials} numbers an hour for {agents} agents: {level} lines for each free one.",
        dials=number(own.dials_hour),
        agents=number(out.agents),
        level=number(own.level, 1),
    )
    weight = min((out.drops / out.answers - out.target) * 5, 1.0) if over else 0.05
    return Finding(words=told, action=action, weight=weight)
