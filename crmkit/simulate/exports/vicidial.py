"""VICIdial: the dial log, closer log, agent log, list and status table, as its tables' columns."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from crmkit.simulate.exports.columns import Clocks, csv_text, ordered, phones, unique_ids

__all__ = ["agent_log", "closer_log", "dial_log", "lead_list", "statuses"]

Tables = Mapping[str, pa.Table]
Columns = dict[str, pa.Array]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_NEEDED = (
    *("call_id", "lead_id", "list_id", "campaign_id", "direction", "started_at", "queued_at"),
    *("answered_at", "agent_at", "ended_at", "result", "raw_status", "hangup_by", "agent_id"),
    *("disposition", "attempt_no"),
)
_ENDED_BY = {"customer": "CALLER", "agent": "AGENT", "system": "SYSTEM"}


def _calls(tables: Tables, direction: str) -> Columns:
    """The calls of one direction, by time."""
    calls = tables["calls"]
    some = calls.filter(pc.equal(calls["direction"], direction))
    return ordered(some, ("started_at", "call_id"), _NEEDED)


def _same(word: str, like: pa.Array) -> pa.Array:
    return pa.array([word] * len(like), pa.string())


def _reasons(calls: Columns) -> pa.Array:
    """Who ended each call, in VICIdial's words."""
    ends = pa.array(list(_ENDED_BY.values()))
    who = ends.take(pc.index_in(calls["hangup_by"], pa.array(list(_ENDED_BY))))
    spoken = pc.if_else(pc.is_valid(calls["answered_at"]), who, "NONE")
    left = pc.if_else(pc.equal(calls["hangup_by"], "customer"), "ABANDON", "QUEUETIMEOUT")
    return pc.if_else(pc.equal(calls["result"], "dropped"), left, spoken)


def dial_log(tables: Tables, timezone: str) -> str:
    """vicidial_log: one row an outbound call."""
    clock, calls = Clocks(timezone), _calls(tables, "outbound")
    return csv_text(
        {
            "uniqueid": unique_ids(calls["started_at"], calls["call_id"]),
            "lead_id": calls["lead_id"],
            "list_id": calls["list_id"],
            "campaign_id": calls["campaign_id"],
            **_times(clock, calls),
            "status": calls["raw_status"],
            "phone_number": phones(calls["lead_id"]),
            "user": pc.fill_null(calls["agent_id"], "VDAD"),
            "term_reason": _reasons(calls),
            "alt_dial": _same("MAIN", calls["call_id"]),
            "called_count": calls["attempt_no"],
        }
    )


def _times(clock: Clocks, calls: Columns) -> dict[str, pa.Array | Wholes]:
    return {
        "call_date": clock.local(calls["started_at"]),
        "start_epoch": clock.epoch(calls["started_at"]),
        "end_epoch": clock.epoch(calls["ended_at"]),
        "length_in_sec": clock.between(calls["started_at"], calls["ended_at"]),
    }


def closer_log(tables: Tables, timezone: str) -> str:
    """vicidial_closer_log: one row a call that came in."""
    clock, calls = Clocks(timezone), _calls(tables, "inbound")
    n = len(calls["call_id"])
    waited_until = pc.coalesce(calls["agent_at"], calls["ended_at"])
    return csv_text(
        {
            "closecallid": np.arange(1, n + 1),
            "lead_id": calls["lead_id"],
            "list_id": _same("999", calls["call_id"]),
            "campaign_id": calls["campaign_id"],
            **_times(clock, calls),
            "status": calls["raw_status"],
            "phone_number": phones(calls["call_id"]),
            "user": pc.fill_null(calls["agent_id"], "VDCL"),
            "queue_seconds": clock.between(calls["queued_at"], waited_until),
            "uniqueid": unique_ids(calls["started_at"], calls["call_id"]),
            "xfercallid": np.zeros(n, dtype=np.int64),
            "term_reason": _reasons(calls),
            "queue_position": np.ones(n, dtype=np.int64),
        }
    )


_PHASES = ("pause", "wait", "talk", "dispo")
_PHASE = {
    **{"pause": 0, "ready": 1, "preview": 1, "ringing": 1},
    **{"talk": 2, "hold": 2, "wrap": 3},
}


def agent_log(tables: Tables, timezone: str) -> str:
    """vicidial_agent_log: a wide row for each pause, wait, talk and wrap of an agent.

    Preview and ringing count as waiting, hold as talk. A row ends with a wrap, or where the agent
    goes home or pauses; `talk_sec` holds no dead time here.
    """
    clock = Clocks(timezone)
    states = ordered(
        tables["agent_states"],
        ("agent_id", "started_at"),
        ("agent_id", "state", "reason", "started_at", "ended_at", "call_id"),
    )
    phase = np.array([*_PHASE.values(), 0])[
        pc.index_in(states["state"], pa.array(list(_PHASE))).to_numpy(zero_copy_only=False)
    ]
    first = _run_starts(states, phase)
    run = np.cumsum(first) - 1
    heads = np.flatnonzero(first)
    call = _of_run(states["call_id"], phase == 2, run, len(heads), last=True)
    calls = _looked_up(tables["calls"], call)
    return csv_text(
        {
            "agent_log_id": np.arange(1, len(heads) + 1),
            "user": states["agent_id"].take(pa.array(heads)),
            "event_time": clock.local(states["started_at"].take(pa.array(heads))),
            "lead_id": calls["lead_id"],
            "campaign_id": calls["campaign_id"],
            **_spans(clock, states, phase, run, len(heads)),
            "dead_epoch": np.zeros(len(heads), dtype=np.int64),
            "dead_sec": np.zeros(len(heads), dtype=np.int64),
            "status": calls["disposition"],
            "sub_status": _of_run(states["reason"], phase == 0, run, len(heads), last=False),
            "uniqueid": unique_ids(calls["started_at"], call),
        }
    )


def _run_starts(states: Columns, phase: Wholes) -> Flags:
    """Where a row of the log begins: another agent, a gap, or an earlier phase than before."""
    agent = pc.dictionary_encode(states["agent_id"]).indices.to_numpy(zero_copy_only=False)
    began = pc.cast(states["started_at"], pa.int64()).to_numpy(zero_copy_only=False)
    ended = pc.cast(states["ended_at"], pa.int64()).to_numpy(zero_copy_only=False)
    new = (agent[1:] != agent[:-1]) | (began[1:] != ended[:-1]) | (phase[1:] < phase[:-1])
    return np.append(True, new)[: len(agent)]


def _of_run(values: pa.Array, chosen: Flags, run: Wholes, runs: int, *, last: bool) -> pa.Array:
    """The first or last known value of the chosen states of each run; null where there is none."""
    rows = np.flatnonzero(chosen & pc.is_valid(values).to_numpy(zero_copy_only=False))
    place = np.full(runs, -1)
    order = rows if last else rows[::-1]
    place[run[order]] = order
    return values.take(pa.array(place, mask=place < 0))


def _looked_up(calls: pa.Table, ids: pa.Array) -> Columns:
    """Columns of the calls of these ids; null where there is no call."""
    place = pc.index_in(ids, calls["call_id"].combine_chunks())
    place = pc.if_else(pc.is_valid(ids), place, pa.scalar(None, pa.int32()))
    names = ("lead_id", "campaign_id", "disposition", "started_at")
    return {name: calls[name].combine_chunks().take(place) for name in names}


def _spans(
    clock: Clocks, states: Columns, phase: Wholes, run: Wholes, runs: int
) -> dict[str, Wholes]:
    """When each phase of a run began, 0 for none, and its seconds."""
    seconds = clock.between(states["started_at"], states["ended_at"])
    began = clock.epoch(states["started_at"])
    made = {}
    for number, name in enumerate(_PHASES):
        rows = np.flatnonzero(phase == number)
        at = np.zeros(runs, dtype=np.int64)
        at[run[rows[::-1]]] = began[rows[::-1]]
        made[f"{name}_epoch"] = at
        lasted = np.bincount(run[rows], weights=seconds[rows], minlength=runs)
        made[f"{name}_sec"] = lasted.astype(np.int64)
    return made


def lead_list(tables: Tables, timezone: str) -> str:
    """vicidial_list: the leads dialled so far, as their last call left them."""
    clock, calls = Clocks(timezone), _calls(tables, "outbound")
    leads = pc.dictionary_encode(calls["lead_id"])
    which = leads.indices.to_numpy(zero_copy_only=False)
    last = np.zeros(len(leads.dictionary), dtype=np.int64)
    last[which] = np.arange(len(which))
    by_id = pc.sort_indices(leads.dictionary).to_numpy(zero_copy_only=False)
    rows = pa.array(last[by_id])
    found = {name: values.take(rows) for name, values in calls.items()}
    count = np.bincount(which, minlength=len(last))[by_id]
    shift = clock.hours(found["started_at"]) / 3600
    return csv_text(
        {
            "lead_id": found["lead_id"],
            "list_id": found["list_id"],
            "status": found["raw_status"],
            "user": pc.fill_null(found["agent_id"], "VDAD"),
            "called_count": count,
            "gmt_offset_now": pa.array([f"{hours:.2f}" for hours in shift.tolist()], pa.string()),
            "last_local_call_time": clock.local(found["started_at"]),
            "rank": np.zeros(len(count), dtype=np.int64),
            "phone_number": phones(found["lead_id"]),
        }
    )


def statuses(tables: Tables, timezone: str) -> str:
    """vicidial_statuses: what each status means, Y or N. It holds no times."""
    table = tables["dispositions"]
    found = ordered(table, ("code",), table.column_names)
    code = found["code"]
    refused = pc.and_(
        found["right_party"], pc.and_(pc.invert(found["interest"]), pc.invert(found["do_not_call"]))
    )
    unworkable = pc.is_in(code, pa.array(["ADC", "SUSP", "WRONG"]))
    flags = {
        "human_answered": found["human_answered"],
        "sale": found["sale"],
        "dnc": found["do_not_call"],
        "customer_contact": found["right_party"],
        "not_interested": refused,
        "unworkable": unworkable,
        "scheduled_callback": found["callback"],
        "completed": found["completed"],
    }
    words = {name: pc.if_else(pc.fill_null(flag, False), "Y", "N") for name, flag in flags.items()}
    return csv_text({"status": code, "status_name": code, **words})
