"""The floor's leads as the firm sees them: the lists, the steps of each, the touches they are."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from crmkit.schema import LEAD_STEPS
from crmkit.simulate.call_codes import RESULTS
from crmkit.simulate.dialer import kernel as k
from crmkit.simulate.firm import canonical, named
from crmkit.simulate.prospects import agent_ids
from crmkit.simulate.telephone.calls import floor_lead_ids, persons
from crmkit.simulate.telephone.floors import Played
from crmkit.simulate.telephone.work import FloorWork, PhoneWork
from crmkit.simulate.touches import NONE

__all__ = [
    "call_touches",
    "floor_lead_events_table",
    "floor_leads_table",
    "people_called",
]

Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

COLD, KNOWN, BY_VOICE = "外呼名单", "老客户名单", "语音名单"
NOT_TO_CALL, ASKED_NOT_TO, UNPAID = "禁呼名单", "要求不再来电", "逾期未付款，取消"
_NOTES = (NOT_TO_CALL, ASKED_NOT_TO, UNPAID)
_DAY = 86_400
_TALKED = (k.NI, k.SALE, k.CALLBK, k.INT)
_MEANT = (k.SALE, k.CALLBK, k.INT)


def floor_leads_table(floor: FloorWork) -> pa.Table:
    """The canonical leads of the floor's lists."""
    met = floor.met
    parts = [_leads_of(floor, n) for n in range(len(floor.played))] or [_none()]
    made = {
        name: pa.chunked_array([part[name] for part in parts]).combine_chunks() for name in parts[0]
    }
    number = np.concatenate([np.zeros(0, dtype=np.int64), *floor.lead_numbers])
    made["lead_id"] = floor_lead_ids(met, number)
    return canonical("leads", made)


def _none() -> dict[str, pa.Array]:
    empty = dict.fromkeys(("customer_id", "list_id", "source"), pa.nulls(0, pa.string()))
    return empty | {"created_at": pa.nulls(0, pa.timestamp("us"))}


def _leads_of(floor: FloorWork, section: int) -> dict[str, pa.Array]:
    one = floor.played[section]
    batch = one.log.leads
    kind = np.where(batch.voice, 2, 1 if one.section.known else 0)
    return {
        "customer_id": persons(floor, section),
        "list_id": named(batch.lists, batch.list_of),
        "source": named((COLD, KNOWN, BY_VOICE), kind),
        "created_at": pa.array(floor.met.span.instants(one.loaded)),
    }


def people_called(floor: FloorWork) -> tuple[Wholes, pa.Array]:
    """The numbers of the floor's leads who are no customers, and their ids."""
    parts = []
    for section, number in enumerate(floor.lead_numbers):
        prospects = floor.sales.customer[section] < 0
        ids = persons(floor, section).filter(pa.array(prospects))
        parts.append((number[prospects], ids))
    numbers = np.concatenate([np.zeros(0, dtype=np.int64), *(n for n, _ in parts)])
    ids = pa.chunked_array([i for _, i in parts], pa.string()).combine_chunks()
    return numbers, ids


@dataclass(frozen=True)
class _Steps:
    """Steps of the floor's leads: `number`, `at` in seconds, `kind`, `agent`, `note` or NONE."""

    number: Wholes
    at: Wholes
    kind: Wholes
    agent: Wholes
    note: Wholes


def floor_lead_events_table(work: PhoneWork) -> pa.Table:
    """The canonical steps of the floor's leads, up to the end of the world."""
    met = work.met
    parts = [_section_steps(work, n) for n in range(len(work.floor.played))]
    parts.append(_transfer_steps(work))
    made = {
        name: np.concatenate([vars(part)[name] for part in parts])
        for name in _Steps.__dataclass_fields__
    }
    known = made["at"] < met.span.seconds
    made = {name: values[known] for name, values in made.items()}
    return canonical(
        "lead_events",
        {
            "lead_id": floor_lead_ids(met, made["number"]),
            "occurred_at": pa.array(met.span.instants(made["at"])),
            "kind": named(LEAD_STEPS, made["kind"]),
            "agent_id": named(agent_ids(met.world), made["agent"]),
            "note": named(_NOTES, made["note"]),
        },
    )


def _section_steps(work: PhoneWork, section: int) -> _Steps:
    """Dispatched at the first dial, contacted, what the agent chose, and how the lead ended."""
    floor = work.floor
    one, calls = floor.played[section], floor.played[section].log.calls
    moved = np.zeros(len(calls), dtype=bool)
    moved[work.transfers.call[work.transfers.section == section]] = True
    person = (calls.lead >= 0) & (calls.agent >= 0) & (calls.true == k.HUMAN)
    done = calls.disposition
    rows = [
        _step(one, "dispatched", calls.attempt == 1, calls.started, nobody=True),
        _step(one, "contacted", person, calls.agent_at),
        _step(one, "interacted", np.isin(done, _TALKED), calls.ended),
        _step(one, "intent", np.isin(done, (*_MEANT, k.VOICE_INT)), calls.ended),
        _step(one, "follow_up", done == k.CALLBK, calls.ended),
        _step(one, "lost", np.isin(done, (k.NI, k.WRONG_PARTY)), calls.ended),
        _step(one, "lost", done == k.ASKED_DNC, calls.ended, note=ASKED_NOT_TO),
        _released(one, (done == k.INT) & ~moved, work.met.world.telephone.kept),
        _released(one, np.isin(done, (k.VOICE_INT, k.VOICE_HEARD)), work.met.world.telephone.kept),
        _released(one, _exhausted(one), 0),
        *_sold(floor, section),
        _never_called(one),
    ]
    rows.append(_left_over(one, rows, calls.lead[moved]))
    lead, at, kind, agent, note = (np.concatenate(part) for part in zip(*rows, strict=True))
    return _Steps(floor.lead_numbers[section][lead], at, kind, agent, note)


_Rows = tuple[Wholes, Wholes, Wholes, Wholes, Wholes]


def _rows(lead: Wholes, at: Wholes, kind: str, agent: Wholes, note: str | None = None) -> _Rows:
    kinds = np.full(len(lead), LEAD_STEPS.index(kind))
    notes = np.full(len(lead), NONE if note is None else _NOTES.index(note))
    return lead, at, kinds, agent, notes


def _step(
    one: Played,
    kind: str,
    chosen: Flags,
    when: Wholes,
    *,
    note: str | None = None,
    nobody: bool = False,
) -> _Rows:
    calls = one.log.calls
    where = np.flatnonzero(chosen & (calls.lead >= 0))
    agent = calls.agent[where]
    agent = np.where((agent < 0) | nobody, NONE, one.agents[np.maximum(agent, 0)])
    return _rows(calls.lead[where], one.seconds(when[where]), kind, agent, note)


def _released(one: Played, chosen: Flags, days: int) -> _Rows:
    """Given back, so many days after the call."""
    lead, at, kind, agent, note = _step(one, "released", chosen, one.log.calls.ended)
    return lead, at + days * _DAY, kind, agent, note


def _exhausted(one: Played) -> Flags:
    """The last calls of leads that may not be tried again."""
    calls, floor = one.log.calls, one.log.floor
    limits = dict.fromkeys(RESULTS, 0) | {
        name: min(rule.attempts, floor.max_attempts) for name, rule in floor.retries
    }
    limit = np.array([limits[name] for name in RESULTS])[calls.result]
    limit = np.where(calls.disposition == k.AM, limits["machine"], limit)
    limit = np.where(calls.disposition == k.HUP, limits["human"], limit)
    limit = np.where(calls.disposition == k.CALLBK, floor.max_attempts, limit)
    over = calls.attempt >= limit
    goes_on = (calls.disposition < 0) | np.isin(calls.disposition, (k.AM, k.HUP, k.CALLBK))
    return np.asarray(over & goes_on & (calls.lead >= 0))


def _sold(floor: FloorWork, section: int) -> list[_Rows]:
    """Won at the order, or lost when the days due are over."""
    met, sales, one = floor.met, floor.sales, floor.played[section]
    own = sales.section == section
    paid = np.flatnonzero(own & (sales.order != NONE))
    unpaid = np.flatnonzero(own & (sales.order == NONE))
    due = met.world.telephone.due * _DAY
    return [
        _rows(lead, at, kind, one.agents[one.log.calls.agent[sales.call[rows]]], note)
        for rows, lead, at, kind, note in (
            (paid, sales.lead[paid], met.purchases.at[sales.order[paid]], "won", None),
            (unpaid, sales.lead[unpaid], sales.at[unpaid] + due, "lost", UNPAID),
        )
    ]


def _never_called(one: Played) -> _Rows:
    """Numbers that may not be called are closed as they are loaded."""
    lead = np.flatnonzero(one.log.leads.do_not_call)
    return _rows(lead, one.loaded[lead], "lost", np.full(len(lead), NONE), NOT_TO_CALL)


def _left_over(one: Played, rows: list[_Rows], moved: Wholes) -> _Rows:
    """What is still open when the section ends goes back."""
    ends = [LEAD_STEPS.index(kind) for kind in ("won", "lost", "released")]
    closed = [lead[np.isin(kind, ends)] for lead, _, kind, _, _ in rows]
    open_ = np.setdiff1d(np.arange(len(one.log.leads)), np.concatenate([*closed, moved]))
    at = np.full(len(open_), one.start + one.log.times.end // 1000)
    return _rows(open_, at, "released", np.full(len(open_), NONE))


def _transfer_steps(work: PhoneWork) -> _Steps:
    """Those handed on: still interested and released later, or lost."""
    moved, met = work.transfers, work.met
    number = np.array(
        [work.floor.lead_numbers[s][x] for s, x in zip(moved.section, moved.lead, strict=True)],
        dtype=np.int64,
    )
    end = moved.ended // 1000
    taken = _rows(number, moved.taken // 1000, "contacted", moved.agent)
    stay, go = np.flatnonzero(moved.interested), np.flatnonzero(~moved.interested)
    kept = met.world.telephone.kept * _DAY
    parts = [
        taken,
        _rows(number[stay], end[stay] + kept, "released", moved.agent[stay]),
        _rows(number[go], end[go], "lost", moved.agent[go]),
    ]
    return _Steps(*(np.concatenate(part) for part in zip(*parts, strict=True)))


def call_touches(floor: FloorWork) -> tuple[pa.Array, Wholes]:
    """Conversations of the floor with the right person: whom, and when in seconds."""
    people, times = [], []
    for section, one in enumerate(floor.played):
        calls = one.log.calls
        spoke = np.isin(calls.disposition, (*_TALKED, k.ASKED_DNC)) & (calls.lead >= 0)
        lead = pa.array(calls.lead[spoke])
        people.append(persons(floor, section).take(lead))
        times.append(one.seconds(calls.agent_at[spoke]))
    who = pa.chunked_array(people, pa.string()).combine_chunks()
    return who, np.concatenate([np.zeros(0, dtype=np.int64), *times])
