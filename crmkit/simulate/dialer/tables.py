"""The canonical tables of a log."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from crmkit.schema import TABLES
from crmkit.simulate.call_codes import DISPOSITIONS, RAW, RESULTS, STATES, STATUSES
from crmkit.simulate.dialer import kernel as k
from crmkit.simulate.dialer.crew import LONG_AGO
from crmkit.simulate.floor import stream

if TYPE_CHECKING:
    from crmkit.simulate.dialer.log import FloorLog

__all__ = ["INBOUND", "agent_ids", "call_columns", "call_ids", "lead_ids", "tables", "turn_columns"]

Wholes = npt.NDArray[np.int64]

INBOUND = "inbound"
"""The campaign of calls that come in."""

_RINGS = tuple(
    RESULTS.index(name) for name in ("human", "machine", "no_answer", "rejected", "dropped")
)
_CODES = [d.code for d in DISPOSITIONS]
_AGENTS_CODES = len(DISPOSITIONS) - 2  # the last two are chosen by nobody


def tables(log: "FloorLog") -> dict[str, pa.Table]:
    """The canonical tables, exactly of the schema and in its order."""
    return {
        "calls": _canonical("calls", call_columns(log)),
        "agent_states": _canonical("agent_states", turn_columns(log)),
        "lead_events": _lead_events(log),
        "dispositions": _dispositions(),
        "agents": _agents(log),
        "campaigns": _campaigns(log),
    }


def _canonical(name: str, columns: Mapping[str, pa.Array]) -> pa.Table:
    table = TABLES[name]
    made = pa.table(dict(columns)).select(table.names).cast(table.schema().to_pyarrow())
    return made.sort_by([(key, "ascending") for key in table.order]).combine_chunks()


def _named(prefix: str, positions: Wholes, width: int) -> pa.Array:
    known = pa.array(positions + 1, mask=positions < 0)
    digits = pc.utf8_lpad(known.cast(pa.string()), width, "0")
    return pc.binary_join_element_wise(pa.scalar(prefix), digits, "")


def call_ids(positions: Wholes) -> pa.Array:
    """The ids of calls by position; null below 0."""
    return _named("K", positions, 9)


def agent_ids(positions: Wholes) -> pa.Array:
    """The ids of agents by position; null below 0.

    >>> agent_ids(np.array([0, -1])).to_pylist()
    ['A0001', None]
    """
    return _named("A", positions, 4)


def lead_ids(log: "FloorLog", positions: Wholes) -> pa.Array:
    """The ids of leads by position; null below 0."""
    if log.leads.lead_ids is None:
        return _named("L", positions, 7)
    return _taken(log.leads.lead_ids, positions)


def _taken(names: Sequence[str | None], positions: Wholes) -> pa.Array:
    """Names by position; null below 0."""
    where = pa.array(positions, mask=positions < 0)
    return pa.array(names, type=pa.string()).take(where)


def call_columns(log: "FloorLog") -> dict[str, pa.Array]:
    """The columns of `calls`, in the order of the log."""
    calls, n = log.calls, len(log.calls)
    ids = call_ids(np.arange(n))
    spoke = calls.agent >= 0
    caller = calls.kind == k.COMING_IN
    return {
        "call_id": ids,
        "parent_call_id": pa.nulls(n, pa.string()),
        "lead_id": lead_ids(log, calls.lead),
        "customer_id": _customers(log),
        "attempt_no": pa.array(calls.attempt, mask=caller),
        "list_id": _of_lead(log, log.leads.lists, log.leads.list_of),
        "campaign_id": _campaign_of(log),
        "direction": _taken(("outbound", "inbound"), caller.astype(np.int64)),
        "mode": _taken((log.floor.mode, "manual", "voice"), np.where(caller, -1, calls.kind)),
        "trunk_id": _named("T", calls.trunk, 4),
        "started_at": _instants(log, calls.started),
        "ringing_at": _instants(log, _ringing(log)),
        "answered_at": _instants(log, calls.answered),
        "queued_at": _instants(log, calls.queued),
        "agent_at": _instants(log, calls.agent_at),
        "ended_at": _instants(log, calls.ended),
        "wrap_end_at": _instants(log, calls.wrap_end),
        "result": _taken(RESULTS, calls.result),
        "raw_status": _raw(log),
        "amd_result": _taken(("human", "machine"), calls.amd - 1),
        "hangup_by": _hangups(log),
        "agent_id": agent_ids(calls.agent),
        "disposition": _taken(
            _CODES, np.where(calls.disposition < _AGENTS_CODES, calls.disposition, -1)
        ),
        "recording_id": _named("R", np.where(spoke, np.arange(n), -1), 9),
    }


def _instants(log: "FloorLog", ms: Wholes) -> pa.Array:
    return pa.array(log.times.instants(ms))


def _customers(log: "FloorLog") -> pa.Array:
    if log.leads.customer_ids is None:
        return pa.nulls(len(log.calls), pa.string())
    return _taken(log.leads.customer_ids, log.calls.lead)


def _of_lead(log: "FloorLog", names: Sequence[str], positions: Wholes) -> pa.Array:
    lead = log.calls.lead
    if len(positions) == 0:
        return pa.nulls(len(lead), pa.string())
    return _taken(names, np.where(lead < 0, -1, positions[lead]))


def _campaign_of(log: "FloorLog") -> pa.Array:
    outbound = _of_lead(log, log.leads.campaigns, log.leads.campaign_of)
    return pc.if_else(pa.array(log.calls.kind == k.COMING_IN), INBOUND, outbound)


def _ringing(log: "FloorLog") -> Wholes:
    """When it rang: after the setup, for results that ring at all; callers are heard at once."""
    calls = log.calls
    rang = np.isin(calls.result, _RINGS) | (calls.answered >= 0)
    at = np.minimum(calls.started + round(log.floor.setup * 1000), calls.ended)
    at = np.where(calls.kind == k.COMING_IN, calls.started, at)
    return np.where(rang, at, -1)


def _raw(log: "FloorLog") -> pa.Array:
    """The outcome chosen where there is one, else the dialler's own status."""
    calls = log.calls
    status = _taken([RAW.get(name) for name in RESULTS], calls.result)
    return pc.coalesce(_taken(_CODES, calls.disposition), status)


def _hangups(log: "FloorLog") -> pa.Array:
    """Who hung up: the customer or the agent after a talk, by chance; else as it happened."""
    calls = log.calls
    chance = stream(log.seed, "hang-ups").random(len(calls))
    customer = np.where(calls.disposition == k.HUP, 0.95, 0.55)
    by = np.where(calls.agent >= 0, np.where(chance < customer, 0, 1), np.where(calls.left, 0, 2))
    by = np.where(calls.disposition == k.AM, 1, by)
    by = np.where((calls.agent < 0) & (calls.result == RESULTS.index("rejected")), 0, by)
    by = np.where(calls.disposition == k.VOICE_HEARD, 0, by)
    return _taken(("customer", "agent", "system"), by)


def turn_columns(log: "FloorLog") -> dict[str, pa.Array]:
    """The columns of `agent_states`, in the order of the log."""
    turns = log.turns
    lead_campaign = _campaign_of(log)
    return {
        "agent_id": agent_ids(turns.agent),
        "state": _taken(STATES, turns.state),
        "reason": _taken(log.reasons, turns.reason),
        "started_at": _instants(log, turns.started),
        "ended_at": _instants(log, turns.ended),
        "call_id": call_ids(turns.call),
        "campaign_id": lead_campaign.take(pa.array(turns.call, mask=turns.call < 0)),
    }


_STEPS = (
    ("interacted", (k.NI, k.SALE, k.CALLBK, k.INT)),
    ("intent", (k.SALE, k.CALLBK, k.INT)),
    ("won", (k.SALE,)),
    ("follow_up", (k.CALLBK,)),
    ("lost", (k.NI, k.ASKED_DNC, k.WRONG_PARTY)),
)


def _lead_events(log: "FloorLog") -> pa.Table:
    """The steps that calls show: dispatched at the first dial, contacted, and what followed."""
    calls = log.calls
    person = (calls.lead >= 0) & (calls.agent >= 0) & (calls.true == k.HUMAN)
    steps = [
        ("dispatched", calls.attempt == 1, calls.started),
        ("contacted", person, calls.agent_at),
        *((name, np.isin(calls.disposition, codes), calls.ended) for name, codes in _STEPS),
    ]
    where = np.concatenate([np.flatnonzero(chosen) for _, chosen, _ in steps])
    kind = np.repeat(np.arange(len(steps)), [int(chosen.sum()) for _, chosen, _ in steps])
    at = np.concatenate([when[chosen] for _, chosen, when in steps])
    return _canonical(
        "lead_events",
        {
            "lead_id": lead_ids(log, calls.lead[where]),
            "occurred_at": _instants(log, at),
            "kind": _taken([name for name, _, _ in steps], kind),
            "agent_id": agent_ids(np.where(kind == 0, -1, calls.agent[where])),
            "note": pa.nulls(len(where), pa.string()),
        },
    )


def _dispositions() -> pa.Table:
    rows = [asdict(d) for d in (*DISPOSITIONS, *STATUSES)]
    return _canonical(
        "dispositions", {name: pa.array([row[name] for row in rows]) for name in rows[0]}
    )


def _agents(log: "FloorLog") -> pa.Table:
    """Agents, in teams of ten; the new are hired on the first day, the others long before."""
    n = log.floor.agents
    from_start = stream(log.seed, "hired").integers(30, 1095, n) * 86_400_000
    joined = log.crew.joined
    since = np.where(joined > LONG_AGO, joined * 86_400_000, -from_start)
    hired = np.datetime64(log.times.start, "us") + since.astype("timedelta64[ms]")
    return _canonical(
        "agents",
        {
            "agent_id": agent_ids(np.arange(n)),
            "team": _named("team-", np.arange(n) // 10, 1),
            "hired_at": pa.array(hired),
            "name": pa.nulls(n, pa.string()),
        },
    )


def _campaigns(log: "FloorLog") -> pa.Table:
    """Each campaign that was dialled or called in, with the settings that rules depend on."""
    calls, floor = log.calls, log.floor
    names = [*log.leads.campaigns, *([INBOUND] if floor.inbound else [])]
    lead = np.maximum(calls.lead, 0)
    of = log.leads.campaign_of[lead] if len(log.leads) else lead
    number = np.where(calls.kind == k.COMING_IN, len(log.leads.campaigns), of)
    first = np.full(len(names), -1)
    last = np.full(len(names), -1)
    for place in range(len(names)):
        own = np.flatnonzero(number == place)
        if len(own):
            first[place], last[place] = calls.started[own[0]], calls.ended[own].max()
    settings = {
        "mode": floor.mode,
        "pacing": floor.pacing if floor.mode == "predictive" else None,
        "ratio": floor.ratio if floor.mode == "power" else None,
        "drop_target": floor.drop_target,
        "grace_seconds": floor.grace,
        "ring_timeout_seconds": floor.ring_timeout,
        "trunks": floor.trunks,
        "max_attempts": floor.max_attempts,
    }
    words = json.dumps(settings, sort_keys=True)
    return _canonical(
        "campaigns",
        {
            "campaign_id": pa.array(names),
            "kind": pa.array(["inbound" if name == INBOUND else "outbound" for name in names]),
            "started_at": _instants(log, first),
            "ended_at": _instants(log, last),
            "settings": pa.array([None if name == INBOUND else words for name in names]),
        },
    )
