"""The one query of a staffing plan: calls and agents' time by quarter hours of UTC."""

import datetime as dt
from collections.abc import Sequence

import ibis
import ibis.expr.types as ir

from crmkit import periods
from crmkit.dials import dials
from crmkit.errors import InputError

__all__ = ["FIGURES", "counted"]

FIGURES = (
    "offered",  # calls that came in, transfers not counted again
    "handled",  # of these, taken by an agent
    "quick",  # of these, within the promised seconds
    "abandoned",  # given up before an agent came
    "waited",  # seconds that they waited, all together
    "held_in",  # seconds that they held their line, the wait included
    "first_in",  # handled calls with a known length
    "talks_in",  # inbound talks with a known length, transfers included
    "seconds_in",  # of talk and wrap
    "squares_in",
    "dials",  # outbound
    "answers",  # put through to agents: persons, and machines taken for persons
    "persons",  # of dials, answered by a person
    "drops",  # no agent came in time
    "seek",  # seconds from dialling to the answer or to giving up
    "held",  # seconds that answered calls held their line from then on
    "talks_out",  # outbound talks with a known length
    "seconds_out",
    "squares_out",
    "count",  # of whatever the kind says
    "amount",
)
_EPOCH = dt.datetime(1970, 1, 1)
_MICROSECONDS = 1e6


def counted(
    calls: ir.Table,
    states: ir.Table | None,
    dispositions: ir.Table | None,
    *,
    start: dt.date,
    as_of: dt.date,
    timezone: str,
    within: float,
    unit: int,
) -> ir.Table:
    """Sums by kind and unit: one row each, with every figure, 0 where it does not apply.

    Kinds: "calls", by unit; "agents", agents who took outbound calls, by local day; "first", the
    unit of the first inbound call of all; with the states of agents who take calls in (of all,
    where none come in) also "edges" (agents at work and not in a pause: how many began less how
    many ended in the unit, and for how much of it), "state" (seconds by state, or by reason of a
    pause), and "days" (agent days worked and expected).
    """
    rows = dials(calls, dispositions, as_of=as_of, start=start, timezone=timezone)
    ever = dials(calls, as_of=as_of, timezone=timezone)
    parts = [_calls(rows, within, unit), _agents(rows), _first(ever, unit)]
    if states is not None:
        time = _of_takers(_states(states, start, as_of, timezone), rows)
        parts += [_edges(time, unit), _seconds(time), _attendance(time, as_of, timezone)]
    return ibis.union(*parts)


def _part(rows: ir.Table, kind: str, by: Sequence[str], figures: dict[str, ir.Value]) -> ir.Table:
    """An aggregate in the shape that all parts share."""
    sums = rows.group_by(*by).aggregate(**figures) if by else rows.aggregate(**figures)
    columns = {
        "kind": ibis.literal(kind),
        "unit": sums.unit.cast("int64") if "unit" in by else ibis.literal(0, type="int64"),
        "name": sums.name.cast("string") if "name" in by else ibis.literal(""),
    }
    for figure in FIGURES:
        known = figure in figures
        value = sums[figure].cast("float64").fill_null(0.0) if known else ibis.literal(0.0)
        columns[figure] = value
    return sums.select(**columns)


def _unit(at: ir.TimestampValue, unit: int) -> ir.IntegerValue:
    """The unit that an instant lies in."""
    return (_since(at) / (60 * unit)).floor().cast("int64")


def _since(at: ir.TimestampValue) -> ir.FloatingValue:
    """Seconds since 1970."""
    micro = at.delta(ibis.literal(_EPOCH), unit="microsecond").cast("float64")
    return micro / _MICROSECONDS


def _calls(rows: ir.Table, within: float, unit: int) -> ir.Table:
    inbound, outbound = ~rows.outbound, rows.outbound
    whole = inbound & rows.parent_call_id.isnull()
    lasted = rows.talk_seconds + rows.wrap_seconds.fill_null(0.0)
    through = outbound & (rows.handled | rows.dropped)
    left = whole & ~rows.handled & (rows.result != "blocked").fill_null(True)
    held = rows.line_seconds - rows.ring_seconds
    talked_in = inbound & rows.talk_seconds.notnull()
    talked_out = outbound & rows.talk_seconds.notnull()
    return _part(
        rows.mutate(unit=_unit(rows.started_at, unit)),
        "calls",
        ["unit"],
        {
            "offered": whole.sum(),
            "handled": (whole & rows.handled).sum(),
            "quick": (whole & rows.handled & (rows.wait_seconds <= within)).sum(),
            "abandoned": left.sum(),
            "waited": rows.wait_seconds.sum(where=left | (whole & rows.handled)),
            "held_in": rows.line_seconds.sum(where=whole),
            "first_in": (whole & talked_in).sum(),
            "talks_in": talked_in.sum(),
            "seconds_in": lasted.sum(where=talked_in),
            "squares_in": (lasted * lasted).sum(where=talked_in),
            "dials": outbound.sum(),
            "answers": through.sum(),
            "persons": (outbound & rows.answered).sum(),
            "drops": rows.dropped.sum(),
            "seek": rows.ring_seconds.sum(where=outbound),
            "held": held.sum(where=through),
            "talks_out": talked_out.sum(),
            "seconds_out": lasted.sum(where=talked_out),
            "squares_out": (lasted * lasted).sum(where=talked_out),
        },
    )


def _agents(rows: ir.Table) -> ir.Table:
    at_work = rows.filter(rows.outbound & rows.handled)
    return _part(
        at_work.mutate(unit=at_work.day), "agents", ["unit"], {"count": at_work.agent_id.nunique()}
    )


def _first(rows: ir.Table, unit: int) -> ir.Table:
    inbound = rows.filter(~rows.outbound)
    begins = inbound.mutate(at=_unit(inbound.started_at, unit))
    return _part(begins, "first", [], {"amount": begins["at"].min(), "count": begins.count()})


def _states(states: ir.Table, start: dt.date, as_of: dt.date, timezone: str) -> ir.Table:
    """States of agents who are logged in, that began in the days asked for and have ended."""
    for needed in ("agent_id", "state", "started_at", "ended_at"):
        if needed not in states.columns:
            raise InputError(
                f"agent_states have no column {needed}; they have: {', '.join(states.columns)}."
            )
    begin, end = periods.day_start(start, timezone), periods.day_end(as_of, timezone)
    reason = states.reason.cast("string") if "reason" in states.columns else ibis.null("string")
    rows = states.select("agent_id", "state", "started_at", "ended_at", reason=reason)
    return rows.filter(
        (rows.started_at >= begin)
        & (rows.started_at < end)
        & (rows.ended_at > rows.started_at)
        & (rows.state != "offline")
    )


def _of_takers(time: ir.Table, rows: ir.Table) -> ir.Table:
    """The states of agents who take calls in; of all, where none come in.

    Others, such as a desk that dials by hand, pause for work of their own, and are not planned.
    """
    takes = rows.filter(~rows.outbound & rows.handled, rows.agent_id.notnull())
    takers = takes.select(taker="agent_id").distinct()
    joined = time.left_join(takers, time.agent_id == takers.taker)
    counted = joined.cross_join(takers.aggregate(takers=takers.count()))
    chosen = counted.filter(counted.taker.notnull() | (counted.takers == 0))
    return chosen.select(*time.columns)


def _edges(time: ir.Table, unit: int) -> ir.Table:
    """Begins and ends of time at work: from sums of these, the agents in every unit follow."""
    working = time.filter(time.state != "pause")
    begins = working.select(at=working.started_at, sign=ibis.literal(1.0))
    ends = working.select(at=working.ended_at, sign=ibis.literal(-1.0))
    edges = ibis.union(begins, ends)
    edges = edges.mutate(unit=_unit(edges["at"], unit))
    rest = (edges.unit + 1) * (60.0 * unit) - _since(edges["at"])
    return _part(
        edges, "edges", ["unit"], {"count": edges.sign.sum(), "amount": (edges.sign * rest).sum()}
    )


def _seconds(time: ir.Table) -> ir.Table:
    lasted = _since(time.ended_at) - _since(time.started_at)
    named = time.mutate(
        lasted=lasted,
        name=ibis.ifelse(
            time.state == "pause", ibis.literal("pause ") + time.reason.fill_null(""), time.state
        ),
    )
    return _part(named, "state", ["name"], {"count": named.count(), "amount": named.lasted.sum()})


def _attendance(time: ir.Table, as_of: dt.date, timezone: str) -> ir.Table:
    """Agent days worked (count) and expected (amount).

    An agent is expected on the open days from the first to the last day worked, on those weekdays
    of which at least half were worked.
    """
    end = periods.day_end(as_of, timezone)
    day = periods.day_number(time.started_at, timezone, until=end)
    worked = time.select("agent_id", day=day).distinct().mutate(weekday=lambda t: (t.day + 3) % 7)
    spans = worked.group_by("agent_id").aggregate(first=worked.day.min(), last=worked.day.max())
    open_days = worked.select("day", "weekday").distinct()
    possible = spans.cross_join(open_days)
    possible = possible.filter(
        (possible.day >= possible["first"]) & (possible.day <= possible["last"])
    )
    could = possible.group_by("agent_id", "weekday").aggregate(could=possible.count())
    did = worked.group_by("agent_id", "weekday").aggregate(did=worked.count())
    both = could.inner_join(did, ["agent_id", "weekday"])
    usual = both.filter(both.did * 2 >= both.could)
    return _part(usual, "days", [], {"count": usual.did.sum(), "amount": usual.could.sum()})
