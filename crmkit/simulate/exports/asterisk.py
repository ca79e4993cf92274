"""Asterisk: the CDR as CSV, and the queue log."""

from collections.abc import Iterator, Mapping

import pyarrow as pa

from crmkit.simulate.exports.rows import Clock, Row, phone, rows, written

__all__ = ["cdr", "queue_log"]

_DISPOSITIONS = {
    "busy": "BUSY",
    "rejected": "BUSY",
    "failed": "CONGESTION",
    "blocked": "CONGESTION",
    "unreachable": "FAILED",
    "suspended": "FAILED",
    "empty_number": "FAILED",
}


def _unique(row: Row) -> str:
    return f"{Clock.epoch(row['started_at'])}.{int(row['call_id'][1:])}"


def cdr(tables: Mapping[str, pa.Table], timezone: str) -> str:
    """The call detail record, one line a call, in the order in which calls ended.

    accountcode, src, dst, dcontext, clid, channel, dstchannel, lastapp, lastdata, start, answer,
    end, duration, billsec, disposition, amaflags, uniqueid, userfield; no header.
    """
    clock = Clock(timezone)
    calls = rows(tables["calls"], by=("ended_at", "call_id"))
    return written(None, (_cdr_line(clock, row) for row in calls), quote=True)


def _cdr_line(clock: Clock, row: Row) -> list[object]:
    comes_in = row["direction"] == "inbound"
    number, own = phone(row["lead_id"] or row["call_id"]), "4001"
    source, target = (number, own) if comes_in else (own, number)
    trunk = f"SIP/{row['trunk_id']}-{int(row['call_id'][1:]):08x}" if row["trunk_id"] else ""
    agent = f"Agent/{row['agent_id']}" if row["agent_id"] else ""
    answered = row["answered_at"] is not None
    return [
        row["campaign_id"] or "",
        source,
        target,
        "from-trunk" if comes_in else "outbound",
        f'"{source}" <{source}>',
        trunk,
        agent,
        "Queue" if row["queued_at"] else "Dial",
        row["campaign_id"] if row["queued_at"] else f"SIP/trunk/{target}",
        clock.local(row["started_at"]),
        clock.local(row["answered_at"]),
        clock.local(row["ended_at"]),
        clock.between(row["started_at"], row["ended_at"]),
        clock.between(row["answered_at"], row["ended_at"]),
        "ANSWERED" if answered else _DISPOSITIONS.get(row["result"], "NO ANSWER"),
        "DOCUMENTATION",
        _unique(row),
        row["recording_id"] or "",
    ]


def queue_log(tables: Mapping[str, pa.Table], timezone: str) -> str:
    """The queue log: ADDMEMBER, ENTERQUEUE, CONNECT, COMPLETE..., ABANDON, PAUSE and so on.

    `epoch|callid|queue|agent|EVENT|d1|..|d5`, by time. A call dropped by the dialler's grace time
    leaves by EXITWITHTIMEOUT, one that hangs up by ABANDON.
    """
    events = [*_call_events(tables["calls"]), *_agent_events(tables["agent_states"])]
    events.sort(key=lambda event: (event[0], event[1]))
    return "".join(f"{time}|{'|'.join(rest)}\n" for time, _, rest in events)


Event = tuple[int, int, tuple[str, ...]]


def _call_events(calls: pa.Table) -> Iterator[Event]:
    for row in rows(calls, by=("started_at", "call_id")):
        if row["queued_at"] is None or row["mode"] == "voice":
            continue
        call, queue = _unique(row), row["campaign_id"] or "default"
        entered, ended = Clock.epoch(row["queued_at"]), Clock.epoch(row["ended_at"])
        number = phone(row["lead_id"] or row["call_id"])
        yield entered, 2, (call, queue, "NONE", "ENTERQUEUE", "", number, "1")
        if row["agent_id"] is None:
            event = "ABANDON" if row["hangup_by"] == "customer" else "EXITWITHTIMEOUT"
            yield ended, 4, (call, queue, "NONE", event, "1", "1", str(ended - entered))
            continue
        taken = Clock.epoch(row["agent_at"])
        agent = f"Agent/{row['agent_id']}"
        yield taken, 3, (call, queue, agent, "CONNECT", str(taken - entered), call, "0")
        event = "COMPLETECALLER" if row["hangup_by"] == "customer" else "COMPLETEAGENT"
        yield ended, 4, (call, queue, agent, event, str(taken - entered), str(ended - taken), "1")


def _agent_events(states: pa.Table) -> Iterator[Event]:
    """Logins are gaps between states; pauses are states."""
    last: dict[str, Row] = {}
    for row in rows(states, by=("agent_id", "started_at")):
        agent = row["agent_id"]
        name = f"Agent/{agent}"
        before = last.get(agent)
        if before is None or before["ended_at"] < row["started_at"]:
            if before is not None:
                yield _left(before)
            yield Clock.epoch(row["started_at"]), 1, ("NONE", "NONE", name, "ADDMEMBER", "")
        if row["state"] == "pause":
            reason = row["reason"] or ""
            yield Clock.epoch(row["started_at"]), 5, ("NONE", "NONE", name, "PAUSE", reason)
            yield Clock.epoch(row["ended_at"]), 6, ("NONE", "NONE", name, "UNPAUSE", reason)
        last[agent] = row
    for final in last.values():
        yield _left(final)


def _left(row: Row) -> Event:
    name = f"Agent/{row['agent_id']}"
    return Clock.epoch(row["ended_at"]), 7, ("NONE", "NONE", name, "REMOVEMEMBER", "")
