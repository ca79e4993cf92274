"""The one query of callers' waits, handle times and agents' states, and its frames."""

from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.analyses.calls.measures import summed, with_mean, with_rate
from crmkit.analyses.calls.slots import Slots
from crmkit.analyses.calls.window import Window
from crmkit.stats import ratio_of_sums

__all__ = ["COUNTS", "counted", "served", "shares", "state_cells"]

QUEUE = (
    "offered",
    "blocked",
    "handled",
    "unfinished",
    "turned_away",
    "abandoned",
    "within",
    "left_before",
    "left_short",
    "unqueued",
    "waits",
    "wait",
)
HANDLE = ("all_handled", "talks", "talk", "wraps", "wrap", "handles", "handle")
SQUARES = ("wait_squares", "handle_squares")
COUNTS = (*QUEUE, *HANDLE, *SQUARES)
"""What is summed of every group of calls; times in milliseconds."""
HANDLING = ("talk", "hold", "wrap")
READY = ("ready", "preview", "ringing")
"""Preview and ringing are time in which an agent could not yet talk: with ready, as waiting."""
_KEYS = {"day": "int64", "hour": "int64", "campaign_id": "string", "outbound": "boolean"}
_STATES = {"state": "string", "slot": "int64", "net": "int64", "area": "int64"}


def counted(
    rows: ir.Table, states: ir.Table | None, slots: Slots, *, threshold: float, short: float
) -> ir.Table:
    """Calls of people summed by campaign, day and hour; agents' states by slot."""
    people = rows.filter((rows["mode"] != "voice").fill_null(True))
    calls = people.group_by("day", "hour", "campaign_id", "outbound").aggregate(
        **_queue(people, threshold, short), **_handle(people)
    )
    parts = [_shaped(calls, "calls", {**_KEYS, **dict.fromkeys(COUNTS)})]
    if states is not None:
        known = states.filter(~states.ended_at.isnull() & (states.state != "offline"))
        spans = known.select("state", began=known.started_at, over=known.ended_at)
        parts.append(_shaped(slots.sums(spans, by=("state",)), "states", _STATES))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _shaped(table: ir.Table, part: str, own: dict[str, Any]) -> ir.Table:
    kinds = {**_KEYS, **dict.fromkeys((*QUEUE, *HANDLE), "int64")}
    kinds |= {**dict.fromkeys(SQUARES, "float64"), **_STATES}
    columns = {
        name: table[name].cast(kind) if name in own else ibis.null(kind)
        for name, kind in kinds.items()
    }
    return table.select(part=ibis.literal(part), **columns)


def _milliseconds(seconds: ir.FloatingValue) -> ir.IntegerValue:
    return (seconds * 1000).round().cast("int64")


def _sums(flags: dict[str, ir.BooleanValue]) -> dict[str, ir.IntegerScalar]:
    return {name: flag.fill_null(False).cast("int64").sum() for name, flag in flags.items()}


def _queue(t: ir.Table, threshold: float, short: float) -> dict[str, ir.NumericScalar]:
    """Callers by what became of them. Each who asked for an agent is in one of five."""
    blocked = (t.result == "blocked").fill_null(False) & ~t.handled
    offered = ~t.outbound & (~t.queued_at.isnull() | t.handled | blocked)
    handled = offered & t.handled
    waiting = offered & ~t.handled & ~blocked
    by_system = (t.hangup_by == "system").fill_null(False)
    left = waiting & ~t.ended_at.isnull() & ~by_system
    wait = ibis.ifelse(handled, t.wait_seconds, ibis.null("float64"))
    flags = {
        "offered": offered,
        "blocked": offered & blocked,
        "handled": handled,
        "unfinished": waiting & t.ended_at.isnull(),
        "turned_away": waiting & ~t.ended_at.isnull() & by_system,
        "abandoned": left,
        "within": handled & (t.wait_seconds <= threshold),
        "left_before": left & (t.wait_seconds < threshold),
        "left_short": left & (t.wait_seconds < short),
        "unqueued": ~t.outbound & ~offered,
        "waits": ~wait.isnull(),
    }
    return {
        **_sums(flags),
        "wait": _milliseconds(wait).sum().fill_null(0),
        "wait_squares": (wait * wait).sum().fill_null(0.0) * 1e6,
    }


def _handle(t: ir.Table) -> dict[str, ir.NumericScalar]:
    """Talk (hold within it) and wrap of calls that an agent took."""
    whole = t.talk_seconds + t.wrap_seconds
    flags = {
        "all_handled": t.handled,
        "talks": ~t.talk_seconds.isnull(),
        "wraps": t.handled & ~t.wrap_seconds.isnull(),
        "handles": ~whole.isnull(),
    }
    wrap = ibis.ifelse(t.handled, t.wrap_seconds, ibis.null("float64"))
    return {
        **_sums(flags),
        "talk": _milliseconds(t.talk_seconds).sum().fill_null(0),
        "wrap": _milliseconds(wrap).sum().fill_null(0),
        "handle": _milliseconds(whole).sum().fill_null(0),
        "handle_squares": (whole * whole).sum().fill_null(0.0) * 1e6,
    }


def served(sums: pd.DataFrame, *, queued: bool) -> pd.DataFrame:
    """Counts with service levels, abandonment, waits and handle times, each with its interval.

    `queued`: whether the log tells who waited; without it these are NaN.
    """
    frame = sums.astype(dict.fromkeys(COUNTS, "float64"))
    parts = frame[["handled", "abandoned", "turned_away", "blocked", "unfinished"]].sum(axis=1)
    assert (parts == frame.offered).all(), "every caller ends in one way"
    if not queued:
        names = ("handled", "abandoned", "turned_away", "within", "left_before", "left_short")
        frame = frame.assign(**dict.fromkeys(("offered", *names), np.nan))
    frame = frame.assign(
        answered_or_left=frame.handled + frame.abandoned,
        offered_patient=frame.offered - frame.left_before,
        queued=frame.offered - frame.blocked - frame.unfinished,
        left_late=frame.abandoned - frame.left_short,
        handled_or_left_late=frame.handled + frame.abandoned - frame.left_short,
    )
    for name, part, whole in (
        ("level_offered", "within", "offered"),
        ("level_answered", "within", "answered_or_left"),
        ("level_patient", "within", "offered_patient"),
        ("abandon_queued", "abandoned", "queued"),
        ("abandon_late", "left_late", "handled_or_left_late"),
        ("blocked_share", "blocked", "offered"),
    ):
        frame = with_rate(frame, name, part, whole)
    frame = with_mean(frame, "asa", "wait", "wait_squares", "waits", unit=1000.0)
    frame = with_mean(frame, "aht", "handle", "handle_squares", "handles", unit=1000.0)
    with np.errstate(invalid="ignore", divide="ignore"):
        return frame.assign(
            talk_mean=frame.talk / frame.talks / 1000, wrap_mean=frame.wrap / frame.wraps / 1000
        )


def state_cells(answer: pd.DataFrame, slots: Slots) -> pd.DataFrame:
    """Seconds of each state by local day and hour of the day."""
    parts = []
    for state, own in answer.groupby("state"):
        levels = slots.busy(own)
        at = pd.to_datetime(levels["at"])
        hours = pd.DataFrame(
            {
                "state": state,
                "day": at.to_numpy().astype("datetime64[D]").astype("int64"),
                "hour": at.dt.hour.astype("int64"),
                "seconds": levels.busy / 1e6,
            }
        )
        parts.append(hours.groupby(["state", "day", "hour"], as_index=False)[["seconds"]].sum())
    empty = pd.DataFrame(
        {"state": pd.Series(dtype=object), "day": pd.Series(dtype="int64")}
        | {"hour": pd.Series(dtype="int64"), "seconds": pd.Series(dtype="float64")}
    )
    found: pd.DataFrame = pd.concat(parts, ignore_index=True) if parts else empty
    return found[found.seconds > 0].reset_index(drop=True)


def shares(cells: pd.DataFrame, by: str) -> pd.DataFrame:
    """Hours and time shares by a column: occupancy and utilisation, with intervals from days.

    Occupancy is handle / (handle + ready), utilisation handle / logged in. The interval is of the
    ratio of sums over days, as days differ; NaN on fewer than two.
    """
    handle = cells[cells.state.isin(HANDLING)]
    ready = cells[cells.state.isin(READY)]
    rows = []
    for key, own in cells.groupby(by):
        days = pd.Index(sorted(own.day.unique()))

        def hours(part: pd.DataFrame, key: Any = key, days: Any = days) -> "pd.Series[float]":
            chosen: pd.Series[float] = part[part[by] == key].groupby("day").seconds.sum()
            return chosen.reindex(days, fill_value=0.0) / 3600

        handled, free, logged = hours(handle), hours(ready), hours(cells)
        row = {by: key, "days": len(days), "handle_hours": handled.sum()}
        row |= {"ready_hours": free.sum(), "logged_hours": logged.sum()}
        for name, whole in (("occupancy", handled + free), ("utilisation", logged)):
            value, low, high = ratio_of_sums(handled, whole)
            row |= {name: value, f"{name}_low": max(low, 0.0), f"{name}_high": min(high, 1.0)}
        rows.append(row)
    rates = [
        f"{name}{end}" for name in ("occupancy", "utilisation") for end in ("", "_low", "_high")
    ]
    columns = [by, "days", "handle_hours", "ready_hours", "logged_hours", *rates]
    return pd.DataFrame(rows, columns=columns)


def trend_frame(
    cells: pd.DataFrame,
    states: pd.DataFrame,
    window: Window,
    period: periods.Period,
    *,
    queued: bool,
) -> pd.DataFrame:
    """One row a calendar period, without gaps: the service, the handle time, the occupancy."""
    days = pd.concat([cells.day, states.day]).astype("int64")
    numbers = {d: periods.number_of(periods.period_start(d, "day"), period) for d in set(days)}
    sums = summed(cells.assign(number=cells.day.map(numbers)), ["number"], COUNTS)
    busy = shares(states.assign(number=states.day.map(numbers)), "number")
    last = periods.number_of(window.as_of, period)
    first = min(numbers.values(), default=last)
    every = pd.DataFrame({"number": range(first, last + 1)})
    sums = every.merge(sums.astype({"number": "int64"}), on="number", how="left")
    frame = served(sums.fillna(dict.fromkeys(COUNTS, 0)), queued=queued)
    frame = frame.merge(busy.astype({"number": "int64"}), on="number", how="left")
    starts = [pd.Timestamp(periods.period_start(int(n), period)) for n in frame.number]
    seen = int(days.min()) if len(days) else window.last
    partial = [window.partial(int(n), period, seen) for n in frame.number]
    frame = frame.drop(columns="number")
    frame.insert(0, "period", pd.Series(starts, dtype="datetime64[us]"))
    frame.insert(1, "partial", partial)
    return frame
