"""A floor and its leads as the numbers that the engine runs on."""

from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from crmkit.simulate.call_codes import RESULTS
from crmkit.simulate.dialer import kernel as k
from crmkit.simulate.dialer.crew import Crew
from crmkit.simulate.dialer.desk import Agent, Call, Caller, Cause, Counts, Lead, Pool
from crmkit.simulate.dialer.leads import NUMBER_STATES, LeadBatch, Numbers
from crmkit.simulate.dialer.pacing import loads
from crmkit.simulate.dialer.times import Roster, Times, arrivals
from crmkit.simulate.floor import PACINGS, Floor, stream
from crmkit.simulate.floor_parts import Duration, minutes

__all__ = ["Arrays", "arrays", "milliseconds", "records"]

Arrays = dict[str, npt.NDArray[Any]]
Floats = npt.NDArray[np.float64]

_UNTIL_TIMEOUT = 1e9
_RING_SHARES = {
    **dict.fromkeys(RESULTS, 0.4),  # a recorded announcement instead of ringing
    **{"machine": 1.0, "no_answer": _UNTIL_TIMEOUT, "rejected": 0.6, "busy": 0.25, "failed": 0.1},
}
"""How long a call takes by its true cause, as a share of the time to an answer."""


def milliseconds(seconds: Floats) -> npt.NDArray[np.int64]:
    """Seconds as whole milliseconds."""
    return np.rint(seconds * 1000).astype(np.int64)


def arrays(
    floor: Floor, leads: LeadBatch, times: Times, plan: Roster, crew: Crew, seed: int
) -> Arrays:
    """All fields of the desk but the blocks, which `blocks.py` adds."""
    made = _leads(floor, leads) | _causes(floor) | _trunks(floor) | _agents(floor, plan, crew)
    made |= _callers(floor, times, seed)
    made["hour"] = times.local_minutes // 60
    made["clock"] = times.local_minutes
    made["window_at"] = np.array(times.windows)
    made["load"] = _loads(floor)
    settings = _settings(floor, made)
    made["counts"] = records(Counts, 1, **settings, **_reals(floor))
    made["heap"] = np.zeros(2 * settings["heap_room"], dtype=np.int64)
    for name in ("due", "due_voice"):
        made[name] = np.zeros(len(leads) + 2, dtype=np.int64)
    return made


def _leads(floor: Floor, leads: LeadBatch) -> Arrays:
    wanted = np.flatnonzero(~leads.do_not_call & (leads.first_day <= 0))
    by_voice = leads.voice & (floor.voice is not None)
    skipped = leads.voice & (floor.voice is None)
    by_agents = wanted[~by_voice[wanted] & ~skipped[wanted]]
    if floor.agents == 0:
        by_agents = by_agents[:0]
    voices = int(by_voice[wanted].sum())
    state = np.where(leads.number_state < 0, len(NUMBER_STATES), leads.number_state)
    return {
        "fresh": np.concatenate([by_agents, wanted[by_voice[wanted]]]),
        "pools": records(
            Pool, 2, fresh=[0, len(by_agents)], end=[len(by_agents), len(by_agents) + voices]
        ),
        "hour_factor": leads.hour_factors.ravel(),
        "leads": records(
            Lead,
            len(leads),
            reach=leads.reach,
            interest=leads.interest,
            hour_kind=leads.hour_kind * 24,
            alias_at=state * _pairs(floor),
            by_voice=by_voice,
            owner=-1,
            own_next=-1,
        ),
    }


def records(kind: type, n: int, **columns: Any) -> npt.NDArray[Any]:
    """Records of a kind as an array, from columns; a field not given is 0."""
    types = [(f.name, "f8" if f.type is float else "i8") for f in fields(kind)]
    made = np.zeros(n, dtype=types)
    for name, values in columns.items():
        made[name] = values
    return made


def _pairs(floor: Floor) -> int:
    """How many pairs of true and reported cause there are."""
    return len(RESULTS) - 3 + len(floor.confusion)


def _causes(floor: Floor) -> Arrays:
    """For each number state, the alias table (Walker 1977) of true and reported causes."""
    mix = dict(floor.mix)
    average = np.array([0.0, *(mix.get(name, 0.0) for name in RESULTS[1:])])
    if average.sum() <= 0:
        average[RESULTS.index("no_answer")] = 1.0
    tables = [_alias(*_confused(floor, row)) for row in (*Numbers.of(floor).failures, average)]
    limits = dict.fromkeys(RESULTS, 0) | {
        r: min(v.attempts, floor.max_attempts) for r, v in floor.retries
    }
    after = dict.fromkeys(RESULTS, 0.0) | {r: v.after for r, v in floor.retries}
    return {
        "causes": np.concatenate(tables),
        "retry_limit": np.array([*(limits[name] for name in RESULTS), floor.max_attempts]),
        "retry_after": milliseconds(np.array([after[name] * 60 for name in RESULTS])),
    }


def _confused(floor: Floor, causes: Floats) -> tuple[Floats, npt.NDArray[np.int64]]:
    """Shares of pairs of true and reported cause, and their codes."""
    left = causes.copy()
    shares, codes = [], []
    for true, reported, part in floor.confusion:
        t, r = RESULTS.index(true), RESULTS.index(reported)
        shares.append(causes[t] * part)
        left[t] -= causes[t] * part
        codes.append((t << 4) | r)
    plain = range(1, len(RESULTS) - 2)
    shares.extend(max(left[c], 0.0) for c in plain)
    codes.extend((c << 4) | c for c in plain)
    return np.array(shares) / sum(shares), np.array(codes)


def _alias(shares: Floats, codes: npt.NDArray[np.int64]) -> npt.NDArray[Any]:
    """The alias table of shares: keep a column when the fraction is below its cut, else go over."""
    mass = (shares * len(shares)).tolist()
    cut, to = [1.0] * len(mass), list(range(len(mass)))
    small = [i for i, m in enumerate(mass) if m < 1]
    large = [i for i, m in enumerate(mass) if m >= 1]
    while small and large:
        low, high = small.pop(), large.pop()
        cut[low], to[low] = mass[low], high
        mass[high] -= 1 - mass[low]
        (small if mass[high] < 1 else large).append(high)
    ring = np.array([_RING_SHARES[name] for name in RESULTS])[codes >> 4]
    return records(
        Cause, len(cut), cut=cut, code=codes, other=codes[to], share=ring, other_share=ring[to]
    )


def _trunks(floor: Floor) -> Arrays:
    """Trunks, all free, and behind them the heads of two queues, which point at themselves."""
    own = np.arange(floor.trunks + 2)
    return {
        "calls": records(Call, len(own), slot=own, before=own, after=own),
        "free": np.arange(floor.trunks)[::-1].copy(),
    }


def _agents(floor: Floor, plan: Roster, crew: Crew) -> Arrays:
    agents = floor.agents
    only_in = 0 if floor.inbound is None else floor.inbound.agents or 0
    inside = np.arange(agents) < only_in
    blended = floor.inbound is not None and floor.inbound.agents is None
    own = np.arange(agents + 2)
    made = records(Agent, agents + 2, before=own, after=own, own_first=-1)
    made["group"][:agents] = inside
    made["takes_in"][:agents] = inside | blended
    made["takes_out"][:agents] = ~inside
    made["speed"][:agents] = crew.speed
    made["roster_next"][:agents] = plan.first
    made["roster_end"][:agents] = plan.end
    return {
        "agents": made,
        "skill": crew.daily(floor).ravel(),
        "roster_at": np.array(plan.at, dtype=np.int64),
        "roster_want": np.array(plan.want, dtype=np.int64),
    }


def _callers(floor: Floor, times: Times, seed: int) -> Arrays:
    if floor.inbound is None:
        return {"callers": records(Caller, 0)}
    at = arrivals(seed, floor.inbound, times)

    def drawn(name: str, length: Duration | None) -> npt.NDArray[np.int64]:
        if length is None:
            return np.full(len(at), -1)
        return milliseconds(length.draw(stream(seed, f"caller {name}"), len(at)))

    return {
        "callers": records(
            Caller,
            len(at),
            at=at,
            patience=drawn("patience", floor.inbound.patience),
            talk=drawn("talk", floor.inbound.talk),
            wrap=drawn("wrap", floor.inbound.wrap),
        )
    }


def _handle(floor: Floor) -> float:
    return floor.planned_handle or floor.talk.mean + floor.wrap.mean


def _loads(floor: Floor) -> Floats:
    if floor.mode != "predictive" or floor.pacing != "erlang" or floor.agents == 0:
        return np.zeros(1)
    return loads(floor.agents, target=floor.drop_target, grace=floor.grace, handle=_handle(floor))


def _settings(floor: Floor, made: Arrays) -> dict[str, int]:
    clock = minutes("latest", floor.latest)
    return {
        "free": floor.trunks,
        "voice_lines": floor.voice.lines if floor.voice else 0,
        "trunks": floor.trunks,
        "agents": floor.agents,
        "grace": round(floor.grace * 1000),
        "setup": round(floor.setup * 1000),
        "timeout": round(floor.ring_timeout * 1000),
        "amd_ms": _amd_ms(floor),
        "pitch": round(floor.outcomes.pitch * 1000),
        "machine_ms": 5000,
        "latest": clock // 60 * 100 + clock % 60,
        "eager": floor.mode in ("manual", "preview", "progressive") or floor.voice is not None,
        "reserves": floor.mode in ("manual", "preview", "progressive"),
        "looks_first": floor.mode in ("manual", "preview"),
        "pacing": PACINGS.index(floor.pacing) + 1 if floor.mode == "predictive" else k.RATIO,
        "own": floor.callbacks == "own",
        "in_group": floor.inbound is not None and floor.inbound.agents is not None,
        "kinds": _pairs(floor),
        "days": floor.days,
        "inbounds": len(made["callers"]),
        "windows": len(made["window_at"]),
        "heap_room": 4 * (floor.trunks + floor.agents) + 2048,
    }


def _amd_ms(floor: Floor) -> int:
    """Milliseconds that detection listens; -1 without it, and where agents dial by hand."""
    if floor.amd is None or floor.mode in ("manual", "preview"):
        return -1
    return round(floor.amd.seconds * 1000)


def _reals(floor: Floor) -> dict[str, float]:
    amd, outcomes = floor.amd, floor.outcomes
    erlang = floor.mode == "predictive" and floor.pacing == "erlang"
    planned = floor.planned_answer is not None and floor.planned_handle is not None
    return {
        "level": floor.ratio if floor.mode == "power" else 0.0 if erlang else 1.0,
        "max_level": floor.max_level,
        "intensity": floor.intensity,
        "target_diff": floor.target_diff,
        "drop_target": floor.drop_target,
        "plan_answer": floor.planned_answer or max(dict(floor.mix).get("human", 0.0), 0.01),
        "plan_handle": _handle(floor) * 1000,
        "prior": 1e15 if planned else 50.0,
        "callback": outcomes.callback,
        "interested": outcomes.interested,
        "wrong": outcomes.wrong_party,
        "dnc": outcomes.do_not_call,
        "amd_human": amd.human if amd else 1.0,
        "amd_machine": amd.machine if amd else 0.0,
    }
