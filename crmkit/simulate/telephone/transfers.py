"""Interested people whom the floor hands on to a free agent of the desk."""

from bisect import bisect_left, insort
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.simulate.dialer import kernel as k
from crmkit.simulate.met import Met
from crmkit.simulate.telephone.desk import DeskCalls
from crmkit.simulate.telephone.desk_days import DeskDays
from crmkit.simulate.telephone.floors import Played
from crmkit.simulate.touches import NONE

__all__ = ["Transfers", "draw_transfers"]

Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_PICK_UP = (2.0, 9.0)  # seconds until the other agent is on the line
_TALK, _WRAP = 140.0, 20.0
_STAYS = 0.6  # of those handed on, those who are still interested in the end
_ASKED = 6  # agents tried


@dataclass(frozen=True)
class Transfers:
    """Calls handed on, by time, in milliseconds since the start of the world.

    `section` and `call`, the call it came from; `lead`, in that section; `agent`, the one who took
    over; `started`, `taken`, `ended`, `wrap_end`; `interested`, whether interest is left.
    """

    section: Wholes
    call: Wholes
    lead: Wholes
    agent: Wholes
    started: Wholes
    taken: Wholes
    ended: Wholes
    wrap_end: Wholes
    interested: Flags

    def __len__(self) -> int:
        return len(self.call)


def draw_transfers(met: Met, played: list[Played], desk: DeskCalls, days: DeskDays) -> Transfers:
    """Hand on some of the interested while an agent of the desk is there and free."""
    asked = [_asked(met, number, one) for number, one in enumerate(played)]
    section = np.concatenate([np.zeros(0, dtype=np.int64), *(rows[0] for rows in asked)])
    call = np.concatenate([np.zeros(0, dtype=np.int64), *(rows[1] for rows in asked)])
    at = np.concatenate([np.zeros(0, dtype=np.int64), *(rows[2] for rows in asked)])
    order = np.lexsort((call, section, at))
    section, call, at = section[order], call[order], at[order]
    rng = met.world.stream("transfers")
    n = len(at)
    picked = np.rint(1000 * rng.uniform(*_PICK_UP, n)).astype(np.int64)
    talk = np.rint(1000 * _TALK * np.exp(0.6 * rng.normal(size=n))).astype(np.int64)
    wrap = np.rint(1000 * _WRAP * np.exp(0.6 * rng.normal(size=n))).astype(np.int64) + 1
    agent = _free_agents(met, rng, desk, days, at, picked + talk + wrap)
    taken = agent != NONE
    lead = np.array([played[s].log.calls.lead[c] for s, c in zip(section, call, strict=True)], int)
    interested = rng.random(n) < _STAYS
    made = (at, at + picked, at + picked + talk, at + picked + talk + wrap)
    return Transfers(*(values[taken] for values in (section, call, lead, agent, *made, interested)))


def _asked(met: Met, number: int, one: Played) -> tuple[Wholes, Wholes, Wholes]:
    """Calls to hand on: section, call, and when its first agent is done talking."""
    calls = one.log.calls
    rows = np.flatnonzero((calls.disposition == k.INT) & (calls.kind < k.BY_VOICE))
    chance = met.world.stream(f"transfers of {one.name}").random(len(rows))
    rows = rows[chance < one.section.transfer]
    return np.full(len(rows), number), rows, 1000 * one.start + calls.ended[rows]


def _free_agents(
    met: Met, rng: np.random.Generator, desk: DeskCalls, days: DeskDays, at: Wholes, lasts: Wholes
) -> Wholes:
    """For each in turn, an agent of the desk who is there and free, or NONE."""
    agents = met.world.desk.agents
    busy: list[list[tuple[int, int]]] = [[] for _ in range(agents)]
    rows = zip(desk.agent.tolist(), desk.started.tolist(), desk.until.tolist(), strict=True)
    for agent, begin, end in rows:
        busy[agent].append((begin, end))
    asked = min(_ASKED, agents)
    found = []
    for begin, length in zip(at.tolist(), lasts.tolist(), strict=True):
        chosen = NONE
        for agent in rng.permutation(agents)[:asked].tolist():
            end = begin + length
            if days.there(agent, begin, end) and _is_free(busy[agent], begin, end):
                insort(busy[agent], (begin, end))
                chosen = agent
                break
        found.append(chosen)
    return np.array(found, dtype=np.int64)


def _is_free(busy: list[tuple[int, int]], begin: int, end: int) -> bool:
    place = bisect_left(busy, (begin, end))
    before = place == 0 or busy[place - 1][1] < begin
    after = place == len(busy) or busy[place][0] > end
    return before and after
