"""The definition card and the tables of service."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from crmkit.analyses.calls.names import hour_label, named
from crmkit.analyses.calls.variants import variants_table
from crmkit.blocks import Column, Definition, Table
from crmkit.text import day, message, number, percent, period, say

if TYPE_CHECKING:
    from crmkit.analyses.calls.answering.result import Service

_STATES = {
    "ready": message("Waiting for a call"),
    "preview": message("Looking at a lead"),
    "ringing": message("Ringing"),
    "talk": message("Talking"),
    "hold": message("On hold"),
    "wrap": message("Finishing notes"),
    "pause": message("Paused"),
}
_VARIANTS = (
    ("level_offered", "within", "offered", message("In time / all callers")),
    ("level_answered", "within", "answered_or_left", message("In time / (answered + gave up)")),
    (
        "level_patient",
        "within",
        "offered_patient",
        message("In time / (all callers - gave up before the threshold)"),
    ),
    ("abandon_queued", "abandoned", "queued", message("Gave up / queued")),
    (
        "abandon_late",
        "left_late",
        "handled_or_left_late",
        message("Gave up after the first seconds / (answered + these)"),
    ),
    ("blocked_share", "blocked", "offered", message("Met a busy line / all callers")),
)


def definition(result: "Service") -> Definition:
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
                say("Caller"),
                say(
                    "an inbound call that reached the queue, an agent or a busy signal; answered, "
                    "gave up, turned away by the system, blocked, or unfinished"
                ),
            ),
            (
                say("In time"),
                say(
                    "answered within {seconds} seconds of queueing; gave up early: within {short}",
                    seconds=number(result.threshold),
                    short=number(result.short),
                ),
            ),
            (
                say("Handle time"),
                say("talk, hold and wrap of a call that an agent took, callers and dials"),
            ),
            (
                say("Occupancy"),
                say(
                    "handle / (handle + ready), pauses excluded, preview and ringing counted as "
                    "ready; utilisation: handle / logged in"
                ),
            ),
            (say("Not computable"), _missing(result)),
            (
                say("Intervals"),
                say(
                    "Wilson for shares of calls, Student for mean times, and differences between "
                    "days for shares of time, 95 %"
                ),
            ),
        )
    )


def _missing(result: "Service") -> str:
    missing = []
    if not result.queued:
        missing.append(say("service level and waits: the log does not tell who queued"))
    if not result.with_states:
        missing.append(say("occupancy and utilisation: there are no agents' states"))
    if result.total.all_handled > 0 and result.total.handles == 0:
        missing.append(say("handle time: the log does not tell when notes were finished"))
    return say("; ").join(missing) or say("nothing")


def tables(result: "Service") -> Mapping[str, Table]:
    """Queues; the variants; handle times; hours of the day; states; periods."""
    return {
        "variants": _variants(result),
        "queues": _queues(result),
        "handle_times": _handle_times(result),
        "hours": _hours(result),
        "states": _states(result),
        "trend": _trend(result),
    }


def _rate(name: str, label: str, n: str, *, folded: bool = False) -> Column:
    return Column(name, label, "rate", low=f"{name}_low", high=f"{name}_high", n=n, folded=folded)


def _served() -> tuple[Column, ...]:
    return (
        Column("offered", say("Callers"), "count"),
        _rate("level_offered", say("Answered in time"), "offered"),
        _rate("abandon_queued", say("Gave up"), "queued"),
        Column("asa", say("Wait, s"), "number", 1, low="asa_low", high="asa_high", n="waits"),
        Column("turned_away", say("Turned away"), "count", folded=True),
        _rate("blocked_share", say("Met a busy line"), "offered", folded=True),
    )


def _occupied() -> tuple[Column, ...]:
    return (
        Column("occupancy", say("Occupancy"), "rate", low="occupancy_low", high="occupancy_high"),
        Column(
            "utilisation",
            say("Utilisation"),
            "rate",
            low="utilisation_low",
            high="utilisation_high",
            folded=True,
        ),
    )


def _variants(result: "Service") -> Table:
    caption = say(
        "Service by its definitions, {seconds} seconds, {days}",
        seconds=number(result.threshold),
        days=result.window.words,
    )
    note = say("The target is {target}.", target=percent(result.target, 0))
    return variants_table("service_variants", caption, result.totals, _VARIANTS, note=note)


def _queues(result: "Service") -> Table:
    frame = result.queues
    frame = frame.assign(named=[named(value) for value in frame.campaign_id])
    return Table(
        "service_queues",
        say("Service by queue, {days}", days=result.window.words),
        frame,
        (Column("named", say("Queue")), *_served()),
    )


def _handle_times(result: "Service") -> Table:
    frame = result.handle_times
    names = [say("Outbound") if out else say("Inbound") for out in frame.outbound]
    return Table(
        "service_handle_times",
        say("Seconds of a call that an agent took, mean, {days}", days=result.window.words),
        frame.assign(named=names),
        (
            Column("named", say("Direction")),
            Column("all_handled", say("Calls taken"), "count"),
            Column("aht", say("Handle time, s"), "number", 1, "aht_low", "aht_high", n="handles"),
            Column("talk_mean", say("Talk and hold, s"), "number", 1),
            Column("wrap_mean", say("Wrap-up, s"), "number", 1),
        ),
    )


def _hours(result: "Service") -> Table:
    frame = result.hours
    frame = frame.assign(named=[hour_label(hour) for hour in frame.hour])
    return Table(
        "service_hours",
        say("Service and occupancy by hour of the day, {days}", days=result.window.words),
        frame,
        (Column("named", say("Hour from")), *_served(), *_occupied()),
    )


def _states(result: "Service") -> Table:
    frame = result.states
    whole = float(frame.seconds.sum())
    return Table(
        "service_states",
        say("Agents' hours by what they did, {days}", days=result.window.words),
        frame.assign(
            named=[say(_STATES[s]) if s in _STATES else s for s in frame.state],
            hours=frame.seconds / 3600,
            share=frame.seconds / whole if whole else frame.seconds,
        ),
        (
            Column("named", say("What agents did")),
            Column("hours", say("Hours"), "number", 1),
            Column("share", say("Share of logged-in time"), "rate"),
        ),
    )


def _trend(result: "Service") -> Table:
    frame = result.trend
    frame = frame.assign(named=[period(first, result.period) for first in frame.period])
    offered, *others = _served()
    return Table(
        "service_trend",
        say(
            "Service by period, {first} to {last}",
            first=day(result.window.start),
            last=day(result.window.as_of),
        ),
        frame,
        (
            Column("named", say("Period")),
            Column(offered.name, offered.label, "count", partial="partial"),
            *others,
            *_occupied(),
        ),
        note=say("Marked periods are cut by the first or the last day of the log."),
        limit=120,
    )
