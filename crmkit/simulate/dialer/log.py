"""What a floor did: its calls and agents' states in columns, and the canonical tables of them."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from crmkit.simulate.call_codes import RESULTS
from crmkit.simulate.dialer import kernel as k
from crmkit.simulate.dialer.blocks import Rows
from crmkit.simulate.dialer.crew import Crew
from crmkit.simulate.dialer.leads import LeadBatch
from crmkit.simulate.dialer.summary import FloorSummary, summed
from crmkit.simulate.dialer.tables import tables
from crmkit.simulate.dialer.times import Times
from crmkit.simulate.floor import Floor

__all__ = ["Calls", "FloorLog", "Turns"]

Wholes = npt.NDArray[np.int64]
_NONE = -1


@dataclass(frozen=True, kw_only=True)
class Calls:
    """All calls, one element each, in the order in which they were dialled or came in.

    Times in milliseconds since the first midnight; -1 is none. `kind`: 0 from the list, 1 an own
    callback, 2 automatic voice, 3 a caller; `true` and `result`, positions in RESULTS: the cause,
    and what the dialler saw; `amd`: 0 none, 1 human, 2 machine; `left`, who gave up waiting.
    """

    lead: Wholes
    attempt: Wholes
    kind: Wholes
    trunk: Wholes
    started: Wholes
    answered: Wholes
    queued: Wholes
    agent_at: Wholes
    ended: Wholes
    wrap_end: Wholes
    agent: Wholes
    disposition: Wholes
    amd: Wholes
    left: npt.NDArray[np.bool_]
    true: Wholes
    result: Wholes

    def __len__(self) -> int:
        return len(self.started)


@dataclass(frozen=True, kw_only=True)
class Turns:
    """Agents' states, by agent and time; `state` and `reason` as numbers, `call` or -1."""

    agent: Wholes
    state: Wholes
    reason: Wholes
    started: Wholes
    ended: Wholes
    call: Wholes

    def __len__(self) -> int:
        return len(self.agent)


@dataclass(frozen=True, kw_only=True)
class FloorLog:
    """The log of a floor: `calls` and `turns` with the truth, and the tables a firm would see."""

    floor: Floor
    leads: LeadBatch
    crew: Crew
    times: Times
    reasons: tuple[str, ...]
    calls: Calls
    turns: Turns
    seed: int

    @classmethod
    def of(
        cls,
        floor: Floor,
        leads: LeadBatch,
        crew: Crew,
        times: Times,
        reasons: tuple[str, ...],
        rows: Rows,
        seed: int,
    ) -> "FloorLog":
        """The log that a run's rows make."""
        return cls(
            floor=floor,
            leads=leads,
            crew=crew,
            times=times,
            reasons=reasons,
            calls=_calls(rows),
            turns=_turns(rows),
            seed=seed,
        )

    def tables(self) -> dict[str, pa.Table]:
        """The canonical tables, exactly of the schema and in its order.

        They are `calls`, `agent_states`, `lead_events`, `dispositions`, `agents`, `campaigns`.
        """
        return tables(self)

    def summary(self) -> FloorSummary:
        """The key figures of the floor."""
        return self._summary

    @cached_property
    def _summary(self) -> FloorSummary:
        return summed(self)


def _calls(rows: Rows) -> Calls:
    key, seq, started, ended = rows.columns("call_rows")
    noted, answer, queued, agent_at, wrap_end, note = rows.columns("note_rows")
    order = np.empty(len(seq), dtype=np.int64)
    order[seq] = np.arange(len(seq))
    key = key[order]
    kind = (key >> 8) & 3
    attempt = (key >> 26) & 63
    lead = np.where(kind == k.COMING_IN, _NONE, key >> 32)
    trunk = (key >> 10) & 0xFFFF

    def placed(values: Wholes) -> Wholes:
        column = np.full(len(key), _NONE)
        column[noted] = values
        return column

    agent = placed((note >> 16) - 1)
    amd = np.maximum(placed((note >> 1) & 7), 0)
    answered = placed(answer)
    return Calls(
        lead=lead,
        attempt=np.where(kind == k.COMING_IN, _NONE, attempt),
        kind=kind,
        trunk=np.where(trunk == k.NO_SLOT, _NONE, trunk),
        started=started[order],
        answered=answered,
        queued=placed(queued),
        agent_at=placed(agent_at),
        ended=ended[order],
        wrap_end=placed(wrap_end),
        agent=agent,
        disposition=placed(((note >> 8) & 0xFF) - 1),
        amd=amd,
        left=placed(note & 1) == 1,
        true=(key >> 4) & 15,
        result=_results(key & 15, kind, agent, amd, answered),
    )


def _results(
    reported: Wholes, kind: Wholes, agent: Wholes, amd: Wholes, answered: Wholes
) -> Wholes:
    """What the dialler saw: detection's word, and a drop where no agent came."""
    nobody = (answered >= 0) & (agent < 0) & (kind != k.BY_VOICE)
    return np.where(amd == 2, k.MACHINE, np.where(nobody, RESULTS.index("dropped"), reported))


def _turns(rows: Rows) -> Turns:
    """Intervals from changes of state; those of no length, and time off, are left out."""
    key, at, call = rows.columns("turn_rows")
    agent = key >> 10
    order = np.argsort(agent, kind="stable")
    agent, at, key, call = agent[order], at[order], key[order], call[order]
    until = np.append(at[1:], _NONE)
    last = np.append(agent[1:] != agent[:-1], True) if len(agent) else np.zeros(0, dtype=bool)
    state = (key >> 6) & 15
    kept = ~last & (state != k.OFFLINE) & (until > at) if len(agent) else last
    until = until[: len(agent)]
    return Turns(
        agent=agent[kept],
        state=state[kept],
        reason=np.where(state == k.PAUSE, key & 63, _NONE)[kept],
        started=at[kept],
        ended=until[kept],
        call=call[kept],
    )
