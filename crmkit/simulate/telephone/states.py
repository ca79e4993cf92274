"""The canonical states of the firm's agents, on the floor and at the desk."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from crmkit.schema import AGENT_STATES
from crmkit.simulate.call_codes import STATES
from crmkit.simulate.dialer import kernel as k
from crmkit.simulate.firm import canonical, named
from crmkit.simulate.met import Met
from crmkit.simulate.prospects import agent_ids
from crmkit.simulate.telephone.calls import DESK_CAMPAIGN, call_ids, numbers
from crmkit.simulate.telephone.desk_days import LUNCH, PAPERS, Busy, stretches
from crmkit.simulate.telephone.floors import Played
from crmkit.simulate.telephone.work import PhoneWork

__all__ = ["agent_states_table"]

Wholes = npt.NDArray[np.int64]
Columns = dict[str, Wholes]

_NAMES = ("agent", "state", "reason", "started", "ended", "call", "campaign")
_DESK_HOLD = 0.06
_LONG_TALK = 60_000  # milliseconds from which a talk may have a hold in it
_HOLD_FROM, _HOLD_SHARE, _MOST_HOLD = 0.3, 0.25, 90_000
_STATE = {name: number for number, name in enumerate(AGENT_STATES)}


def agent_states_table(work: PhoneWork) -> pa.Table:
    """The canonical states; a talk with a hold in it is told in three."""
    reasons = sorted({LUNCH, PAPERS, *(r for one in work.floor.played for r in one.log.reasons)})
    campaigns = _campaigns(work)
    parts, before = [], 0
    for one in work.floor.played:
        parts.append(_with_holds(work.met, _of_section(one, reasons, campaigns, before), one))
        before += len(one.log.calls)
    desk = _of_desk(work, reasons, campaigns, before)
    parts.append(_held(work.met, desk, _DESK_HOLD, "the desk"))
    whole = {name: np.concatenate([part[name] for part in parts]) for name in _NAMES}
    call = np.append(numbers(work), -1)[whole["call"]]
    return canonical(
        "agent_states",
        {
            "agent_id": named(agent_ids(work.met.world), whole["agent"]),
            "state": named(AGENT_STATES, whole["state"]),
            "reason": named(reasons, whole["reason"]),
            "started_at": _instants(work.met, whole["started"]),
            "ended_at": _instants(work.met, whole["ended"]),
            "call_id": call_ids(work.met, call),
            "campaign_id": named(campaigns, whole["campaign"]),
        },
    )


def _instants(met: Met, ms: Wholes) -> pa.Array:
    return pa.array(np.datetime64(met.span.start, "us") + ms.astype("timedelta64[ms]"))


def _campaigns(work: PhoneWork) -> list[str]:
    ids = [c.id for one in work.floor.played for c in one.section.campaigns]
    return [*dict.fromkeys(ids), DESK_CAMPAIGN]


def _of_section(one: Played, reasons: Sequence[str], campaigns: list[str], before: int) -> Columns:
    """The turns of a section, with agents, calls and times of the firm."""
    turns, calls, batch = one.log.turns, one.log.calls, one.log.leads
    state = np.array([_STATE[name] for name in STATES])[turns.state]
    own = np.array([reasons.index(reason) for reason in one.log.reasons] or [0])
    call = turns.call
    lead = np.append(calls.lead, -1)[call]
    listed = np.append(batch.campaign_of, -1)[lead]
    places = np.array([campaigns.index(name) for name in batch.campaigns])
    campaign = np.where(lead >= 0, places[listed], -1)
    caller = (call >= 0) & (np.append(calls.kind, -1)[call] == k.COMING_IN)
    campaign = np.where(caller, campaigns.index(one.section.campaigns[-1].id), campaign)
    return {
        "agent": one.agents[turns.agent],
        "state": state,
        "reason": np.where(turns.reason >= 0, own[turns.reason], -1),
        "started": 1000 * one.start + turns.started,
        "ended": 1000 * one.start + turns.ended,
        "call": np.where(call >= 0, before + call, -1),
        "campaign": campaign,
    }


def _of_desk(work: PhoneWork, reasons: Sequence[str], campaigns: list[str], before: int) -> Columns:
    desk, moved = work.desk, work.transfers
    spoken = desk.answered >= 0
    answered = np.where(spoken, desk.answered, desk.ended)
    call = before + np.arange(len(desk) + len(moved))
    busy = Busy(
        agent=np.concatenate([desk.agent, moved.agent]),
        started=np.concatenate([desk.started, moved.taken]),
        answered=np.concatenate([answered, moved.taken]),
        ended=np.concatenate([desk.ended, moved.ended]),
        until=np.concatenate([desk.until, moved.wrap_end]),
        call=call,
    )
    made = stretches(work.days, busy)
    handed = np.array(
        [
            campaigns.index(one.log.leads.campaigns[int(one.log.leads.campaign_of[lead])])
            for one, lead in (
                (work.floor.played[s], x) for s, x in zip(moved.section, moved.lead, strict=True)
            )
        ],
        dtype=np.int64,
    )
    own = np.full(len(desk), campaigns.index(DESK_CAMPAIGN))
    by_call = np.concatenate([own, handed, [-1]])
    return {
        "agent": made.agent,
        "state": made.state,
        "reason": np.where(
            made.state == _STATE["pause"],
            np.where(made.lunch, reasons.index(LUNCH), reasons.index(PAPERS)),
            -1,
        ),
        "started": made.started,
        "ended": made.ended,
        "call": made.call,
        "campaign": by_call[np.where(made.call >= 0, made.call - before, -1)],
    }


def _with_holds(met: Met, turns: Columns, one: Played) -> Columns:
    return _held(met, turns, one.section.hold, one.name)


def _held(met: Met, turns: Columns, share: float, name: str) -> Columns:
    """Put a hold into a share of the longer talks; the whole lasts as long as before."""
    lasted = turns["ended"] - turns["started"]
    could = np.flatnonzero((turns["state"] == _STATE["talk"]) & (lasted >= _LONG_TALK))
    rng = met.world.stream(f"holds of {name}")
    rows = could[rng.random(len(could)) < share]
    begin = turns["started"][rows] + (_HOLD_FROM * lasted[rows]).astype(np.int64)
    part = _HOLD_SHARE * (0.3 + rng.random(len(rows)))
    end = begin + np.minimum((part * lasted[rows]).astype(np.int64), _MOST_HOLD) + 1
    first = {key: values.copy() for key, values in turns.items()}
    first["ended"][rows] = begin
    hold = {key: values[rows] for key, values in turns.items()}
    rest = dict(hold)
    hold |= {"started": begin, "ended": end, "state": np.full(len(rows), _STATE["hold"])}
    rest |= {"started": end}
    return {key: np.concatenate([first[key], hold[key], rest[key]]) for key in turns}
