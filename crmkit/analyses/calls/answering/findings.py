"""What is found in the service of callers and the agents' time, and what to do about it."""

from typing import TYPE_CHECKING

import pandas as pd

from crmkit.analyses.calls.measures import change
from crmkit.analyses.calls.names import hour_ranges
from crmkit.result import Finding
from crmkit.stats import SMALL
from crmkit.text import number, percent, points, say, span

if TYPE_CHECKING:
    from crmkit.analyses.calls.answering.result import Service

_HARRIED, _IDLE = 0.88, 0.6
"""Occupancy above which agents cannot keep up for long, and below which dials are missing."""
_BLOCKED = 0.01
_HOURS = 3


def findings(result: "Service") -> tuple[Finding, ...]:
    """Hours below the target, callers who gave up or met a busy line, idle or harried hours."""
    found = [*_level(result), *_changed(result), *_blocked(result), *_busy(result)]
    return tuple(sorted(found, key=lambda finding: -finding.weight))


def _level(result: "Service") -> list[Finding]:
    """The target missed surely, and the hours in which most callers wait too long."""
    total = result.total
    if not result.has_callers or not total.level_offered_high < result.target:
        return []
    hours = result.hours[result.hours.offered >= SMALL]
    late = hours.assign(missed=result.target * hours.offered - hours.within)
    worst = late[late.missed > 0].sort_values("missed", ascending=False).head(_HOURS)
    missed = say(
        "{level} ({span}) of callers were answered within {seconds} seconds, below the target of "
        "{target}; {left} of {n} gave up.",
        level=percent(total.level_offered),
        span=span(total.level_offered_low, total.level_offered_high),
        seconds=number(result.threshold),
        target=percent(result.target, 0),
        left=number(total.abandoned),
        n=number(total.queued),
    )
    action = (
        say(
            "Put more agents on the queue at {hours}.",
            hours=hour_ranges(worst.hour),
        )
        if len(worst)
        else say("Put more agents on the queue.")
    )
    return [Finding(words=missed, action=action, weight=float(result.target - total.level_offered))]


def _changed(result: "Service") -> list[Finding]:
    difference, low, high = change(result.totals, "abandon_queued", "abandoned", "queued")
    if not result.has_callers or not (low > 0 or high < 0):
        return []
    before, now = result.totals.abandon_queued.iloc[1], result.totals.abandon_queued.iloc[0]
    parts = {
        "before": percent(before),
        "now": percent(now),
        "change": points(difference),
        "span": span(low, high),
    }
    if difference > 0:
        words = say("Callers who gave up rose from {before} to {now} ({change}, {span}).", **parts)
        action = say("Compare callers and agents by hour with the days before.")
    else:
        words = say("Callers who gave up fell from {before} to {now} ({change}, {span}).", **parts)
        action = say("Find out what helped, and keep it.")
    return [Finding(words=words, action=action, weight=min(1.0, abs(difference) * 2))]


def _blocked(result: "Service") -> list[Finding]:
    total = result.total
    if not result.has_callers or not total.blocked_share > _BLOCKED:
        return []
    return [
        Finding(
            words=say(
                "{n} of {all} callers ({share}) met a busy line.",
                n=number(total.blocked),
                all=number(total.offered),
                share=percent(total.blocked_share),
            ),
            action=say("Add lines, or keep lines free of dials while callers come in."),
            weight=float(total.blocked_share) * 2,
        )
    ]


def _busy(result: "Service") -> list[Finding]:
    total = result.total
    if pd.isna(total.occupancy):
        return []
    hours = result.staffed
    harried = hours[hours.occupancy > _HARRIED]
    if len(harried):
        words = say(
            "Agents are busy for more than {limit} of the time at {hours}.",
            limit=percent(_HARRIED, 0),
            hours=hour_ranges(harried.hour),
        )
        action = say("Give these hours more agents: such a pace is not kept for long.")
        return [Finding(words=words, action=action, weight=0.3)]
    if total.occupancy < _IDLE:
        words = say(
            "Agents waited for calls {hours} hours, {share} of the time that they were not paused.",
            hours=number(total.ready_hours),
            share=percent(1 - total.occupancy),
        )
        action = say("Load more leads, or raise the dial level while the drop limit holds.")
        return [Finding(words=words, action=action, weight=float(_IDLE - total.occupancy))]
    return []
