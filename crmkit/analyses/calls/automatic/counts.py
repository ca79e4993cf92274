"""The one query of dials by people and by automatic voice, and the frames made from its answer."""

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.analyses.calls.automatic.options import Costs
from crmkit.analyses.calls.measures import summed, with_rate
from crmkit.analyses.calls.window import Window

__all__ = ["COUNTS", "counted", "kind_frame", "trend_frame"]

COUNTS = ("dials", "answered", "contacts", "coded", "interested", "sales", "do_not_call")
TIMES = ("talk", "work", "connected", "line")
"""Milliseconds: with a person; talk and wrap of agents; from answer to end; from start to end."""
KINDS = ("people", "voice")


def counted(rows: ir.Table, states: ir.Table | None, window: Window) -> ir.Table:
    """Outbound calls summed by day and kind; milliseconds that agents were logged in."""
    out = rows.filter(rows.outbound)
    voice = (out["mode"] == "voice").fill_null(False)
    # an automatic call is a conversation once a person has answered it
    spoke = ibis.ifelse(voice, out.answered & ~out.answered_at.isnull(), out.contact)
    connected = out.ended_at.delta(out.answered_at, unit="microsecond").cast("float64") / 1e6
    talk = ibis.ifelse(voice, connected, out.talk_seconds)
    flags = {
        "answered": out.answered,
        "contacts": spoke,
        "coded": spoke & out.coded,
        "interested": spoke & (out.interest | out.sale),
        "sales": spoke & out.sale,
        "do_not_call": spoke & out.do_not_call,
    }
    unknown = ibis.null("float64")
    seconds = {
        "talk": ibis.ifelse(spoke, talk, unknown),
        "work": out.talk_seconds + ibis.ifelse(out.handled, out.wrap_seconds.fill_null(0.0), 0.0),
        "connected": connected,
        "line": out.line_seconds,
    }
    out = out.mutate(
        voice=voice,
        **{name: flag.fill_null(False).cast("int64") for name, flag in flags.items()},
        **{name: _milliseconds(value) for name, value in seconds.items()},
    )
    names = (*COUNTS[1:], *TIMES)
    calls = out.group_by("day", "voice").aggregate(
        dials=out.count(), **{name: out[name].sum().fill_null(0) for name in names}
    )
    parts = [_shaped(calls, "calls", ("day", "voice", *COUNTS, *TIMES))]
    if states is not None:
        parts.append(_shaped(_logged_in(states, window), "states", ("logged",)))
    return ibis.union(*parts) if len(parts) > 1 else parts[0]


def _milliseconds(seconds: ir.FloatingValue) -> ir.IntegerValue:
    known = ibis.ifelse(seconds >= 0, seconds, ibis.null("float64"))
    return (known * 1000).round().cast("int64")


def _logged_in(states: ir.Table, window: Window) -> ir.Table:
    """Milliseconds logged in, in the days told."""
    first = ibis.literal(periods.day_start(window.first, window.timezone))
    last = ibis.literal(periods.day_end(window.as_of, window.timezone))
    known = states.filter(
        ~states.ended_at.isnull()
        & (states.state != "offline")
        & (states.ended_at > first)
        & (states.started_at < last)
    )
    spent = ibis.least(known.ended_at, last).delta(
        ibis.greatest(known.started_at, first), unit="millisecond"
    )
    return known.aggregate(logged=spent.cast("int64").sum())


def _shaped(table: ir.Table, part: str, own: tuple[str, ...]) -> ir.Table:
    kinds = {"day": "int64", "voice": "boolean"}
    kinds |= dict.fromkeys((*COUNTS, *TIMES, "logged"), "int64")
    columns = {
        name: table[name].cast(kind) if name in own else ibis.null(kind)
        for name, kind in kinds.items()
    }
    return table.select(part=ibis.literal(part), **columns)


def kind_frame(cells: pd.DataFrame, logged: float, costs: Costs) -> pd.DataFrame:
    """Two rows, people and voice: counts, rates with intervals, hours, costs; unknown is NaN.

    `logged`, hours that agents were logged in, nan where the log has no states: agents' hours are
    then their talk and wrap.
    """
    sums = summed(cells, ["voice"], (*COUNTS, *TIMES)).set_index("voice")
    frame = sums.reindex([False, True], fill_value=0).astype("float64").reset_index(drop=True)
    frame.insert(0, "kind", KINDS)
    hours = {f"{name}_hours": frame[name] / 3.6e6 for name in TIMES}
    frame = frame.drop(columns=list(TIMES)).assign(**hours)
    spent = frame.work_hours if np.isnan(logged) else logged
    agent = np.where(frame.kind == "voice", 0.0, spent)
    frame = frame.assign(agent_hours=agent)
    if frame.coded.sum() == 0 and frame.contacts.sum() > 0:
        frame = frame.assign(**dict.fromkeys(("interested", "sales", "do_not_call"), np.nan))
    for name, part, whole in (
        ("answer_rate", "answered", "dials"),
        ("contact_rate", "contacts", "dials"),
        ("interest_rate", "interested", "coded"),
        ("refusal_rate", "do_not_call", "coded"),
    ):
        frame = with_rate(frame, name, part, whole)
    cost = costs.of(frame.agent_hours, frame.connected_hours * 60)
    return frame.assign(
        cost=cost,
        cost_per_contact=cost / frame.contacts.where(frame.contacts > 0),
        cost_per_interest=cost / frame.interested.where(frame.interested > 0),
    )


def trend_frame(cells: pd.DataFrame, window: Window, period: periods.Period) -> pd.DataFrame:
    """One row a calendar period, without gaps: dials by people and by voice."""
    names = {day: periods.number_of(periods.period_start(day, "day"), period) for day in cells.day}
    sums = cells.assign(number=cells.day.map(names)).pivot_table(
        index="number", columns="voice", values="dials", aggfunc="sum", fill_value=0
    )
    last = periods.number_of(window.as_of, period)
    every = range(min(names.values(), default=last), last + 1)
    sums = sums.reindex(index=every, columns=[False, True], fill_value=0)
    seen = int(cells.day.min()) if len(cells) else window.last
    return pd.DataFrame(
        {
            "period": [pd.Timestamp(periods.period_start(n, period)) for n in every],
            "partial": [window.partial(n, period, seen) for n in every],
            "people": sums[False].to_numpy(dtype="int64"),
            "voice": sums[True].to_numpy(dtype="int64"),
        }
    )
