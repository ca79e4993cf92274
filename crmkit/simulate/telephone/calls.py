"""The canonical calls of the firm: of every section, of the desk, and those handed on."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from crmkit.simulate.call_codes import RAW, RESULTS
from crmkit.simulate.dialer import kernel as k
from crmkit.simulate.dialer.tables import call_columns
from crmkit.simulate.firm import canonical, customer_ids, joined, named, padded
from crmkit.simulate.met import Met
from crmkit.simulate.people import NOBODY
from crmkit.simulate.prospects import agent_ids, lead_ids, person_ids
from crmkit.simulate.telephone.sales import callers
from crmkit.simulate.telephone.work import FloorWork, PhoneWork

__all__ = ["DESK_CAMPAIGN", "HANDED_ON", "calls_table", "floor_lead_ids", "numbers", "persons"]

Wholes = npt.NDArray[np.int64]
Columns = dict[str, pa.Array]

DESK_CAMPAIGN = "D001"
"""The campaign of the desk's calls."""

HANDED_ON = "XFER"
"""The outcome of a call that was handed on; what came of it stands at the second call."""

_CUSTOMER_ENDS = 0.55  # of conversations


def calls_table(work: PhoneWork) -> pa.Table:
    """The canonical calls, numbered in the order in which they began."""
    blocks = [
        *(_of_section(work, n) for n in range(len(work.floor.played))),
        _of_desk(work),
        _of_transfers(work),
    ]
    names = list(blocks[0])
    whole = {
        name: pa.chunked_array([block[name] for block in blocks]).combine_chunks() for name in names
    }
    ids = numbers(work)
    whole["call_id"] = call_ids(work.met, ids)
    whole["recording_id"] = _recordings(work.met, ids, whole["agent_at"])
    whole["parent_call_id"] = _parents(work, ids)
    return canonical("calls", whole)


def starts(work: PhoneWork) -> Wholes:
    """When each call began, in milliseconds since the start of the world, block by block."""
    floor = [1000 * one.start + one.log.calls.started for one in work.floor.played]
    return np.concatenate([*floor, work.desk.started, work.transfers.started]).astype(np.int64)


def numbers(work: PhoneWork) -> Wholes:
    """The number of each call, block by block: sections, desk, handed on."""
    at = starts(work)
    number = np.empty(len(at), dtype=np.int64)
    number[np.argsort(at, kind="stable")] = np.arange(len(at))
    return number


def call_ids(met: Met, number: Wholes) -> pa.Array:
    """The ids of calls by number; null below 0."""
    known = pa.array(number, mask=number < 0)
    return joined(f"K{met.world.tag}", padded(pc.add(known, 1), 9))


def _recordings(met: Met, number: Wholes, agent_at: pa.Array) -> pa.Array:
    """Every call that an agent took is recorded."""
    ids = joined(f"R{met.world.tag}", padded(pa.array(number + 1), 9))
    return pc.if_else(pc.is_valid(agent_at), ids, pa.scalar(None, pa.string()))


def _parents(work: PhoneWork, number: Wholes) -> pa.Array:
    before = np.concatenate([[0], np.cumsum([len(p.log.calls) for p in work.floor.played])])
    parent = np.full(len(number), -1)
    moved = work.transfers
    if len(moved):
        parent[-len(moved) :] = number[before[moved.section].astype(np.int64) + moved.call]
    return call_ids(work.met, parent)


def floor_lead_ids(met: Met, number: Wholes) -> pa.Array:
    """The ids of leads of the floor by their number; null below 0."""
    known = pa.array(number, mask=number < 0)
    return joined(f"L{met.world.tag}", padded(pc.add(known, 1), 7))


def persons(floor: FloorWork, section: int) -> pa.Array:
    """Who the leads of a section are about: a customer, else a prospect, P."""
    met = floor.met
    number = floor.lead_numbers[section]
    prospect = joined(f"P{met.world.tag}", padded(pa.array(number + 1), 7))
    customer = floor.sales.customer[section]
    return pc.if_else(pa.array(customer != NOBODY), customer_ids(customer, met.world.tag), prospect)


def _of_section(work: PhoneWork, section: int) -> Columns:
    met, one = work.met, work.floor.played[section]
    calls = one.log.calls
    columns = call_columns(one.log)
    lead = pa.array(calls.lead, mask=calls.lead < 0)
    columns["lead_id"] = floor_lead_ids(met, work.floor.lead_numbers[section]).take(lead)
    columns["customer_id"] = _people(work, section)
    if one.section.floor.inbound is not None:
        own = pa.array([one.section.campaigns[-1].id] * len(calls), pa.string())
        columns["campaign_id"] = pc.if_else(
            pa.array(calls.kind == k.COMING_IN), own, columns["campaign_id"]
        )
    columns["trunk_id"] = joined(
        f"T{section + 1}-", padded(pa.array(calls.trunk + 1, mask=calls.trunk < 0), 3)
    )
    columns["agent_id"] = named(
        agent_ids(met.world), np.where(calls.agent < 0, -1, one.agents[calls.agent])
    )
    return _handed_on(work, section, columns)


def _people(work: PhoneWork, section: int) -> pa.Array:
    """Whom each call of a section was with: the lead's person, or the caller."""
    met, one = work.met, work.floor.played[section]
    calls = one.log.calls
    lead = pa.array(calls.lead, mask=calls.lead < 0)
    called = persons(work.floor, section).take(lead)
    who = np.full(len(calls), NOBODY)
    coming = calls.kind == k.COMING_IN
    who[coming] = callers(met, one)
    return pc.coalesce(called, customer_ids(who, met.world.tag))


def _handed_on(work: PhoneWork, section: int, columns: Columns) -> Columns:
    moved = work.transfers.call[work.transfers.section == section]
    mask = np.zeros(len(columns["call_id"]), dtype=bool)
    mask[moved] = True
    for name in ("disposition", "raw_status"):
        columns[name] = pc.if_else(pa.array(mask), HANDED_ON, columns[name])
    return columns


def _instants(met: Met, ms: Wholes) -> pa.Array:
    at = np.datetime64(met.span.start, "us") + ms.astype("timedelta64[ms]")
    return pa.array(np.where(ms < 0, np.datetime64("NaT"), at))


def _of_desk(work: PhoneWork) -> Columns:
    met, desk, leads = work.met, work.desk, work.leads
    n = len(desk)
    lists = [name for source in met.world.desk.sources for name in source.lists]
    before = np.concatenate([[0], np.cumsum([len(s.lists) for s in met.world.desk.sources])])
    list_ = before[leads.source].astype(np.int64) + leads.list_
    spoken = desk.answered >= 0
    lead = pa.array(desk.lead)
    result = named(RESULTS, desk.result)
    disposition = pa.array(desk.disposition, pa.string())
    rang = np.isin(desk.result, [RESULTS.index(x) for x in ("human", "no_answer", "rejected")])
    return {
        "call_id": pa.nulls(n, pa.string()),
        "parent_call_id": pa.nulls(n, pa.string()),
        "lead_id": lead_ids(leads, met.world.tag).take(lead),
        "customer_id": person_ids(leads, met.world.tag).take(lead),
        "attempt_no": pa.array(desk.attempt),
        "list_id": named(lists, list_[desk.lead]),
        "campaign_id": _same(DESK_CAMPAIGN, n),
        "direction": _same("outbound", n),
        "mode": _same("manual", n),
        "trunk_id": joined("D-", padded(pa.array(desk.agent + 1), 3)),
        "started_at": _instants(met, desk.started),
        "ringing_at": _instants(met, np.where(rang, desk.started + 1000, -1)),
        "answered_at": _instants(met, desk.answered),
        "queued_at": _instants(met, desk.answered),
        "agent_at": _instants(met, desk.answered),
        "ended_at": _instants(met, desk.ended),
        "wrap_end_at": _instants(met, desk.wrap_end),
        "result": result,
        "raw_status": pc.coalesce(disposition, named([RAW.get(r) for r in RESULTS], desk.result)),
        "amd_result": pa.nulls(n, pa.string()),
        "hangup_by": _ended_by(met, "desk", spoken, desk.result),
        "agent_id": named(agent_ids(met.world), desk.agent),
        "disposition": disposition,
        "recording_id": pa.nulls(n, pa.string()),
    }


def _of_transfers(work: PhoneWork) -> Columns:
    met, moved = work.met, work.transfers
    n = len(moved)
    ids, people, lists, campaigns = _of_parents(work)
    outcome = pc.if_else(pa.array(moved.interested), "INT", "NI")
    return {
        "call_id": pa.nulls(n, pa.string()),
        "parent_call_id": pa.nulls(n, pa.string()),
        "lead_id": ids,
        "customer_id": people,
        "attempt_no": pa.nulls(n, pa.int64()),
        "list_id": lists,
        "campaign_id": campaigns,
        "direction": _same("outbound", n),
        "mode": _same("manual", n),
        "trunk_id": joined("D-", padded(pa.array(moved.agent + 1), 3)),
        "started_at": _instants(met, moved.started),
        "ringing_at": pa.nulls(n, pa.timestamp("us")),
        "answered_at": _instants(met, moved.started),
        "queued_at": pa.nulls(n, pa.timestamp("us")),
        "agent_at": _instants(met, moved.taken),
        "ended_at": _instants(met, moved.ended),
        "wrap_end_at": _instants(met, moved.wrap_end),
        "result": _same("human", n),
        "raw_status": outcome,
        "amd_result": pa.nulls(n, pa.string()),
        "hangup_by": _ended_by(met, "transfers", np.ones(n, dtype=bool), np.zeros(n, dtype=int)),
        "agent_id": named(agent_ids(met.world), moved.agent),
        "disposition": outcome,
        "recording_id": pa.nulls(n, pa.string()),
    }


def _of_parents(work: PhoneWork) -> tuple[pa.Array, ...]:
    """Lead, person, list and campaign of the calls that were handed on, in their order."""
    moved, played = work.transfers, work.floor.played
    rows: list[tuple[str | None, ...]] = []
    people = [persons(work.floor, s) for s in range(len(played))]
    for section, lead in zip(moved.section.tolist(), moved.lead.tolist(), strict=True):
        one = played[section]
        batch = one.log.leads
        rows.append(
            (
                people[section][lead].as_py(),
                batch.lists[int(batch.list_of[lead])],
                batch.campaigns[int(batch.campaign_of[lead])],
            )
        )
    number = [work.floor.lead_numbers[s][x] for s, x in zip(moved.section, moved.lead, strict=True)]
    columns = list(zip(*rows, strict=True)) or [()] * 3
    ids = floor_lead_ids(work.met, np.array(number, dtype=np.int64))
    return (ids, *(pa.array(column, pa.string()) for column in columns))


def _same(word: str, n: int) -> pa.Array:
    return pa.array([word] * n, pa.string())


def _ended_by(met: Met, name: str, spoken: npt.NDArray[np.bool_], result: Wholes) -> pa.Array:
    """Conversations end by either; who rejects hangs up; else the switch does."""
    chance = met.world.stream(f"hang-ups of {name}").random(len(spoken))
    by = np.where(spoken, np.where(chance < _CUSTOMER_ENDS, 0, 1), 2)
    by = np.where(result == RESULTS.index("rejected"), 0, by)
    return named(("customer", "agent", "system"), by)
