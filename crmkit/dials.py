"""Calls with what they came to: the rows that every question about the telephone begins with."""

import ibis
import ibis.expr.types as ir

from crmkit import periods, schema
from crmkit.errors import InputError

__all__ = ["FLAGS", "dials", "on_floor"]

FLAGS = ("right_party", "interest", "sale", "do_not_call", "callback", "completed")
"""What the table of dispositions says of an outcome, beside whether a person answered."""

_ANSWERED = ("human", "dropped")  # a dropped call was answered by a person
_MICROSECONDS = 1e6


def dials(
    calls: ir.Table,
    dispositions: ir.Table | None = None,
    *,
    as_of: periods.Day,
    start: periods.Day | None = None,
    timezone: str = "UTC",
) -> ir.Table:
    """Calls of the days asked for, with their local time, outcome flags and lengths.

    Outcomes are read from the flags of the disposition, never from the name of a status. The
    disposition is the agent's, or else the status that the dialler wrote.

    Parameters:
        calls: the canonical table, outbound and inbound; columns it lacks are unknown.
        dispositions: the canonical table; without it the flags are null, but for `answered`.
        as_of: the last local calendar day that counts, included, by the call's start.
        start: the first one; None for all.
        timezone: IANA zone of days and hours.

    Returns: one row a call, with the canonical columns and
        day (days since 1970-01-01), hour (0 to 23), weekday (0 is Monday): local, of the start;
        outbound: not inbound;
        answered: by a person: the flag human_answered, or else the result human or dropped;
        handled: an agent spoke; contact: handled and answered by a person;
        dropped: a person answered an outbound call and no agent came in time;
        coded: the disposition is in the table, so that the flags are known;
        right_party, interest, sale, do_not_call, callback, completed: flags, null if not coded;
        ring_seconds, start to answer, or to the end where nobody answered; wait_seconds, from the
        queue to the agent or the end; talk_seconds, agent to end; wrap_seconds; line_seconds, start
        to end: null where a time is missing or out of order.
    Raises: InputError where calls have no start or no id.

    >>> import datetime as dt
    >>> at = dt.datetime(2025, 3, 3, 1, 0, 0)
    >>> call = {"call_id": "1", "started_at": at, "agent_at": at + dt.timedelta(seconds=9),
    ...     "ended_at": at + dt.timedelta(seconds=70), "result": "human", "disposition": "SALE"}
    >>> codes = ibis.memtable([{"code": "SALE", "human_answered": True, "sale": True}])
    >>> row = dials(ibis.memtable([call]), codes, as_of="2025-03-03", timezone="Asia/Shanghai")
    >>> row.select("hour", "contact", "sale", "talk_seconds").execute().values.tolist()
    [[9, True, True, 61.0]]
    """
    for needed in schema.table("calls").required:
        if needed not in calls.columns:
            raise InputError(
                f"calls have no column {needed}; they have: {', '.join(calls.columns)}."
            )
    end = periods.day_end(as_of, timezone)
    rows = _complete(calls, "calls").filter(lambda t: t.started_at < end)
    if start is not None:
        begin = periods.day_start(start, timezone)
        rows = rows.filter(rows.started_at >= begin)
    local = periods.local_time(rows.started_at, timezone, until=end)
    day = periods.day_number(rows.started_at, timezone, until=end)
    rows = _flagged(
        rows.mutate(
            day=day,
            hour=local.hour().cast("int64"),
            weekday=(day + 3) % 7,  # 1970-01-01 was a Thursday
            outbound=(rows.direction != "inbound").fill_null(True),
            handled=rows.agent_at.notnull(),
        ),
        dispositions,
    )
    return _timed(
        rows.mutate(
            contact=rows.handled & rows.answered,
            dropped=(rows.outbound & (rows.result == "dropped")).fill_null(False),
        )
    )


def on_floor(agent_states: ir.Table) -> ir.Table:
    """The states of agents who are ever ready for a call: those on the call floor.

    A desk that dials by hand is never ready, and its other work is no idle time: how busy a floor
    is says nothing of it.

    Parameters: `agent_states`, the canonical table.
    Returns: the same columns, fewer rows.

    >>> states = {"agent_id": ["a", "a", "b"], "state": ["ready", "talk", "talk"]}
    >>> on_floor(ibis.memtable(states)).agent_id.execute().tolist()
    ['a', 'a']
    """
    ready = agent_states.filter(agent_states.state == "ready")
    return agent_states.semi_join(ready.select("agent_id").distinct(), "agent_id")


def _complete(table: ir.Table, name: str) -> ir.Table:
    """The table with every canonical column; those it lacks are null."""
    return table.select(
        *(
            table[column.name].cast(column.type).name(column.name)
            if column.name in table.columns
            else ibis.null(column.type).name(column.name)
            for column in schema.table(name).columns
        )
    )


def _flagged(rows: ir.Table, dispositions: ir.Table | None) -> ir.Table:
    by_result = rows.result.isin(_ANSWERED).fill_null(False)
    if dispositions is None:
        unknown = {name: ibis.null("boolean") for name in FLAGS}
        return rows.mutate(answered=by_result, coded=ibis.literal(False), **unknown)
    codes = _complete(dispositions, "dispositions")
    codes = codes.select(
        "human_answered", flag_code=codes.code, **{f"flag_{n}": codes[n] for n in FLAGS}
    )
    joined = rows.mutate(by_result=by_result, outcome=rows.disposition.coalesce(rows.raw_status))
    joined = joined.left_join(codes, joined.outcome == codes.flag_code)
    coded = joined.flag_code.notnull()
    flags = {
        name: ibis.ifelse(coded, joined[f"flag_{name}"].fill_null(False), ibis.null("boolean"))
        for name in FLAGS
    }
    answered = joined.human_answered.coalesce(joined.by_result)
    return joined.select(*rows.columns, answered=answered, coded=coded, **flags)


def _timed(rows: ir.Table) -> ir.Table:
    waits_from = rows.queued_at.coalesce(rows.answered_at)
    picked_up = rows.handled | rows.answered | (rows.result == "machine").fill_null(False)
    unanswered = ibis.ifelse(picked_up, ibis.null("timestamp"), rows.ended_at)
    return rows.mutate(
        ring_seconds=_seconds(rows.started_at, rows.answered_at.coalesce(unanswered)),
        wait_seconds=_seconds(waits_from, rows.agent_at.coalesce(rows.ended_at)),
        talk_seconds=_seconds(rows.agent_at, rows.ended_at),
        wrap_seconds=_seconds(rows.ended_at, rows.wrap_end_at),
        line_seconds=_seconds(rows.started_at, rows.ended_at),
    )


def _seconds(begin: ir.TimestampValue, end: ir.TimestampValue) -> ir.FloatingValue:
    """Elapsed seconds; null where the end is before the beginning."""
    lasted = end.delta(begin, unit="microsecond").cast("float64") / _MICROSECONDS
    return ibis.ifelse(lasted >= 0, lasted, ibis.null("float64"))
