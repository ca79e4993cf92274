"""FreeSWITCH: mod_cdr_csv, the A-leg only, as it comes by default."""

import uuid
from collections.abc import Mapping

import pyarrow as pa

from crmkit.simulate.exports.rows import Clock, Row, phone, rows, written

__all__ = ["freeswitch_cdr"]

_CAUSES = {
    "busy": "USER_BUSY",
    "rejected": "CALL_REJECTED",
    "no_answer": "NO_ANSWER",
    "powered_off": "SUBSCRIBER_ABSENT",
    "suspended": "OUTGOING_CALL_BARRED",
    "empty_number": "UNALLOCATED_NUMBER",
    "unreachable": "DESTINATION_OUT_OF_ORDER",
    "failed": "NORMAL_TEMPORARY_FAILURE",
    "blocked": "NORMAL_CIRCUIT_CONGESTION",
}
_SPACE = uuid.UUID("6f1c7a52-0b53-5c5e-9d0e-3a7d4f3f1a10")


def freeswitch_cdr(tables: Mapping[str, pa.Table], timezone: str) -> str:
    """One quoted line a call, in the order in which calls ended; no header.

    caller_id_name, caller_id_number, destination_number, context, start_stamp, answer_stamp,
    end_stamp, duration, billsec, hangup_cause, uuid, bleg_uuid, accountcode.
    """
    clock = Clock(timezone)
    calls = rows(tables["calls"], by=("ended_at", "call_id"))
    return written(None, (_line(clock, row) for row in calls), quote=True)


def _line(clock: Clock, row: Row) -> list[object]:
    comes_in = row["direction"] == "inbound"
    number, own = phone(row["lead_id"] or row["call_id"]), "4001"
    source, target = (number, own) if comes_in else (own, number)
    agent_leg = str(uuid.uuid5(_SPACE, row["call_id"] + "b")) if row["agent_id"] else ""
    answered = row["answered_at"] is not None
    return [
        source,
        source,
        target,
        "public" if comes_in else "default",
        clock.local(row["started_at"]),
        clock.local(row["answered_at"]),
        clock.local(row["ended_at"]),
        str(clock.between(row["started_at"], row["ended_at"])),
        str(clock.between(row["answered_at"], row["ended_at"])),
        "NORMAL_CLEARING" if answered else _CAUSES.get(row["result"], "NO_ANSWER"),
        str(uuid.uuid5(_SPACE, row["call_id"])),
        agent_leg,
        row["campaign_id"] or "",
    ]
