"""VICIdial: the dial log, closer log, agent log, list and status table, as its tables' columns."""

import datetime as dt
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa

from crmkit.simulate.exports.rows import Clock, Row, by_id, phone, rows, written

__all__ = ["agent_log", "closer_log", "dial_log", "lead_list", "statuses"]

Tables = Mapping[str, pa.Table]

_LOG = (
    *("uniqueid", "lead_id", "list_id", "campaign_id", "call_date", "start_epoch", "end_epoch"),
    *("length_in_sec", "status", "phone_number", "user", "term_reason", "alt_dial"),
    "called_count",
)
_CLOSER = (
    *("closecallid", "lead_id", "list_id", "campaign_id", "call_date", "start_epoch", "end_epoch"),
    *("length_in_sec", "status", "phone_number", "user", "queue_seconds", "uniqueid"),
    *("xfercallid", "term_reason", "queue_position"),
)
_AGENT = (
    *("agent_log_id", "user", "event_time", "lead_id", "campaign_id", "pause_epoch", "pause_sec"),
    *("wait_epoch", "wait_sec", "talk_epoch", "talk_sec", "dispo_epoch", "dispo_sec"),
    *("dead_epoch", "dead_sec", "status", "sub_status", "uniqueid"),
)
_LIST = (
    *("lead_id", "list_id", "status", "user", "called_count", "gmt_offset_now"),
    *("last_local_call_time", "rank", "phone_number"),
)
_FLAGS = (
    *("status", "status_name", "human_answered", "sale", "dnc", "customer_contact"),
    *("not_interested", "unworkable", "scheduled_callback", "completed"),
)
_ENDED_BY = {"customer": "CALLER", "agent": "AGENT", "system": "SYSTEM"}


def _unique(row: Row) -> str:
    return f"{Clock.epoch(row['started_at'])}.{int(row['call_id'][1:])}"


def _outbound(tables: Tables) -> list[dict[str, Any]]:
    found = rows(tables["calls"], by=("started_at", "call_id"))
    return [row for row in found if row["direction"] == "outbound"]


def _reason(row: Row) -> str:
    if row["result"] == "dropped":
        return "ABANDON" if row["hangup_by"] == "customer" else "QUEUETIMEOUT"
    return _ENDED_BY[row["hangup_by"]] if row["answered_at"] else "NONE"


def dial_log(tables: Tables, timezone: str) -> str:
    """vicidial_log: one row an outbound call."""
    clock = Clock(timezone)
    lines = (
        [
            _unique(row),
            row["lead_id"],
            row["list_id"],
            row["campaign_id"],
            clock.local(row["started_at"]),
            clock.epoch(row["started_at"]),
            clock.epoch(row["ended_at"]),
            clock.between(row["started_at"], row["ended_at"]),
            row["raw_status"],
            phone(row["lead_id"]),
            row["agent_id"] or "VDAD",
            _reason(row),
            "MAIN",
            row["attempt_no"],
        ]
        for row in _outbound(tables)
    )
    return written(_LOG, lines, quote=False)


def closer_log(tables: Tables, timezone: str) -> str:
    """vicidial_closer_log: one row a call that came in."""
    clock = Clock(timezone)
    found = rows(tables["calls"], by=("started_at", "call_id"))
    calls = [row for row in found if row["direction"] == "inbound"]
    lines = (
        [
            number,
            row["lead_id"] or "",
            "999",
            row["campaign_id"],
            clock.local(row["started_at"]),
            clock.epoch(row["started_at"]),
            clock.epoch(row["ended_at"]),
            clock.between(row["started_at"], row["ended_at"]),
            row["raw_status"],
            phone(row["call_id"]),
            row["agent_id"] or "VDCL",
            clock.between(row["queued_at"], row["agent_at"] or row["ended_at"]),
            _unique(row),
            0,
            _reason(row),
            1,
        ]
        for number, row in enumerate(calls, start=1)
    )
    return written(_CLOSER, lines, quote=False)


def agent_log(tables: Tables, timezone: str) -> str:
    """vicidial_agent_log: a wide row for each pause, wait, talk and wrap of an agent.

    Preview and ringing count as waiting. A row ends with a wrap, or where the agent goes home or
    pauses; `talk_sec` holds no dead time here.
    """
    clock = Clock(timezone)
    calls = by_id(tables["calls"], "call_id")
    lines = _wide(clock, calls, rows(tables["agent_states"], by=("agent_id", "started_at")))
    return written(
        _AGENT, ([number, *line] for number, line in enumerate(lines, start=1)), quote=False
    )


_PHASE = {"pause": 0, "ready": 1, "preview": 1, "ringing": 1, "talk": 2, "wrap": 3}


def _wide(
    clock: Clock, calls: Mapping[str, Row], states: list[dict[str, Any]]
) -> Iterator[list[object]]:
    """Runs of states in the order pause, wait, talk, wrap, each run a row."""
    run: list[dict[str, Any]] = []
    for state in states:
        if run and (
            state["agent_id"] != run[-1]["agent_id"]
            or state["started_at"] != run[-1]["ended_at"]
            or _PHASE[state["state"]] < _PHASE[run[-1]["state"]]
        ):
            yield _line(clock, calls, run)
            run = []
        run.append(state)
    if run:
        yield _line(clock, calls, run)


def _line(clock: Clock, calls: Mapping[str, Row], run: list[dict[str, Any]]) -> list[object]:
    begun: list[dt.datetime | None] = [None] * 4
    seconds = [0] * 4
    for state in run:
        phase = _PHASE[state["state"]]
        begun[phase] = begun[phase] or state["started_at"]
        seconds[phase] += clock.between(state["started_at"], state["ended_at"])
    talks = [state["call_id"] for state in run if state["state"] == "talk"]
    call: Row = calls[talks[-1]] if talks else {}
    reason = next((state["reason"] for state in run if state["state"] == "pause"), None)
    spans = [value for k in range(4) for value in (clock.epoch(begun[k]), seconds[k])]
    return [
        run[0]["agent_id"],
        clock.local(run[0]["started_at"]),
        call.get("lead_id") or "",
        call.get("campaign_id") or "",
        *spans,
        0,
        0,
        call.get("disposition") or "",
        reason or "",
        _unique(call) if call else "",
    ]


def lead_list(tables: Tables, timezone: str) -> str:
    """vicidial_list: the leads dialled so far, as their last call left them."""
    clock = Clock(timezone)
    calls = _outbound(tables)
    count = Counter(row["lead_id"] for row in calls)
    last = {row["lead_id"]: row for row in calls}
    lines = (
        [
            lead,
            row["list_id"],
            row["raw_status"],
            row["agent_id"] or "VDAD",
            count[lead],
            f"{clock.hours(row['started_at']):.2f}",
            clock.local(row["started_at"]),
            0,
            phone(lead),
        ]
        for lead, row in sorted(last.items())
    )
    return written(_LIST, lines, quote=False)


def statuses(tables: Tables, timezone: str) -> str:
    """vicidial_statuses: what each status means, Y or N. It holds no times."""
    lines = (
        [
            row["code"],
            row["code"],
            *(
                "Y" if flag else "N"
                for flag in (
                    row["human_answered"],
                    row["sale"],
                    row["do_not_call"],
                    row["right_party"],
                    row["right_party"] and not row["interest"] and not row["do_not_call"],
                    row["code"] in ("ADC", "SUSP", "WRONG"),
                    row["callback"],
                    row["completed"],
                )
            ),
        ]
        for row in rows(tables["dispositions"], by=("code",))
    )
    return written(_FLAGS, lines, quote=False)
