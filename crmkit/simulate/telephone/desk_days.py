"""The working days of the desk's agents, and what they do between their calls."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from crmkit.schema import AGENT_STATES
from crmkit.simulate.clock import Span
from crmkit.simulate.met import Met
from crmkit.simulate.telephone.desk import DeskCalls
from crmkit.simulate.worktime import WorkTime

__all__ = ["LUNCH", "PAPERS", "Busy", "DeskDays", "Stretches", "draw_desk_days", "stretches"]

Wholes = npt.NDArray[np.int64]

LUNCH, PAPERS = "午餐", "案头工作"
_ABSENT = 0.05  # of days without a call, those on which the agent is away
_EARLY, _LATE = 600_000, 900_000  # milliseconds around the hours of the desk
_LOOK = 30_000  # of preview before a call
_NOON, _LUNCH_MS = 11.5, 2_700_000  # earliest hour of lunch, and its length
_STATE = {name: number for number, name in enumerate(AGENT_STATES)}


@dataclass(frozen=True)
class DeskDays:
    """Days of agents at the desk, by agent and time; milliseconds since the start of the world."""

    agent: Wholes
    begins: Wholes
    ends: Wholes
    noon: Wholes

    @cached_property
    def _keys(self) -> Wholes:
        return self.agent * (1 << 44) + self.begins

    def of(self, agent: Wholes, at: Wholes) -> Wholes:
        """The day on which something begins."""
        return np.searchsorted(self._keys, agent * (1 << 44) + at, side="right") - 1

    def there(self, agent: int, begin: int, end: int) -> bool:
        """Whether an agent is at the desk all that time."""
        day = int(np.searchsorted(self._keys, agent * (1 << 44) + begin, side="right")) - 1
        return day >= 0 and self.agent[day] == agent and bool(end < self.ends[day])


@dataclass(frozen=True)
class Busy:
    """What agents of the desk do with people, by agent and time; `call`, its position, or -1.

    `started` to `answered` it rings (not at all where they are equal), to `ended` they talk, to
    `until` they write; a dial that fails has `answered` and `ended` alike.
    """

    agent: Wholes
    started: Wholes
    answered: Wholes
    ended: Wholes
    until: Wholes
    call: Wholes


@dataclass(frozen=True)
class Stretches:
    """Stretches of agents' time: `state`, a position in AGENT_STATES; `call` or -1.

    `lunch`, whether a pause is that one and not work at the desk.
    """

    agent: Wholes
    state: Wholes
    lunch: npt.NDArray[np.bool_]
    started: Wholes
    ended: Wholes
    call: Wholes


def draw_desk_days(met: Met, calls: DeskCalls) -> DeskDays:
    """The days on which each agent is there: all of the desk's, but for some without a call."""
    span, work = met.span, WorkTime(met)
    opens, closes = _hours(span, work, met.start)
    agents, days = met.world.desk.agents, len(opens)
    rng = met.world.stream("days of the desk")
    draws = rng.random((agents, days, 3))
    begins = opens[None, :] - (draws[:, :, 0] * _EARLY).astype(np.int64)
    ends = closes[None, :] + (draws[:, :, 1] * _LATE).astype(np.int64)
    begins = np.maximum(begins, 1000 * met.start)
    ends = np.minimum(ends, 1000 * span.seconds)
    there = draws[:, :, 2] >= _ABSENT
    if days:
        day = np.clip(np.searchsorted(opens - _EARLY, calls.started, side="right") - 1, 0, None)
        there[calls.agent, day] = True
        np.minimum.at(begins, (calls.agent, day), calls.started - 1)
        np.maximum.at(ends, (calls.agent, day), calls.until + 1)
    who, when = np.nonzero(there)
    noon = opens + round((_NOON - met.world.desk.opens) * 3_600_000)
    return DeskDays(who, begins[who, when], ends[who, when], noon[when])


def _hours(span: Span, work: WorkTime, first: int) -> tuple[Wholes, Wholes]:
    """When the desk opens and closes on each of its days, from the first second on."""
    open_ = work.open
    starts = np.flatnonzero(open_ & ~np.append(False, open_[:-1]))
    stops = np.flatnonzero(open_ & ~np.append(open_[1:], False)) + 1
    opens, closes = 3_600_000 * starts, np.minimum(3_600_000 * stops, 1000 * span.seconds)
    met = closes > 1000 * first
    return opens[met], closes[met]


def stretches(days: DeskDays, busy: Busy) -> Stretches:
    """All states of the desk's agents: calls, a look at the lead before, lunch, else papers."""
    day = days.of(busy.agent, busy.started)
    gaps = _gaps(days, busy, day)
    rang, talked = busy.answered > busy.started, busy.ended > busy.answered
    failed = ~talked
    rings_until = np.where(failed, busy.ended, busy.answered)
    wrote = busy.until > busy.ended
    parts = [
        *gaps,
        _part("ringing", busy.agent, busy.started, rings_until, busy.call, rang | failed),
        _part("talk", busy.agent, busy.answered, busy.ended, busy.call, talked),
        _part("wrap", busy.agent, busy.ended, busy.until, busy.call, wrote),
    ]
    made = {
        name: np.concatenate([vars(part)[name] for part in parts])
        for name in Stretches.__dataclass_fields__
    }
    rows = np.flatnonzero(made["ended"] > made["started"])
    rows = rows[np.lexsort((made["started"][rows], made["agent"][rows]))]
    return Stretches(**{name: values[rows] for name, values in made.items()})


def _part(
    state: str,
    agent: Wholes,
    started: Wholes,
    ended: Wholes,
    call: Wholes,
    chosen: npt.NDArray[np.bool_],
    *,
    lunch: bool = False,
) -> Stretches:
    rows = np.flatnonzero(chosen)
    return Stretches(
        agent=agent[rows],
        state=np.full(len(rows), _STATE[state]),
        lunch=np.full(len(rows), lunch),
        started=started[rows],
        ended=ended[rows],
        call=call[rows],
    )


def _gaps(days: DeskDays, busy: Busy, day: Wholes) -> list[Stretches]:
    """Between calls: papers, but for lunch, and for a look at the next lead to dial."""
    many = len(days.agent)
    every = np.arange(many)
    owner = np.concatenate([day, every])
    begin = np.concatenate([busy.until, days.begins])
    order = np.lexsort((begin, owner))
    owner, begin = owner[order], begin[order]
    ends = np.concatenate([busy.started, days.ends])
    dials = np.concatenate([busy.answered > busy.started, np.zeros(many, dtype=bool)])
    last = np.concatenate([day, every])
    place = np.lexsort((ends, last))
    end, dials = ends[place], dials[place]
    agent, none = days.agent[owner], np.full(len(owner), -1)
    lunch_at = np.maximum(begin, days.noon[owner])
    fits = np.flatnonzero(end - lunch_at >= _LUNCH_MS)
    first = fits[np.append(True, owner[fits][1:] != owner[fits][:-1])[: len(fits)]]
    eats = np.zeros(len(owner), dtype=bool)
    eats[first] = True
    back = np.where(eats, lunch_at + _LUNCH_MS, begin)
    looks = np.where(dials, np.maximum(end - _LOOK, back), end)
    return [
        _part("pause", agent, begin, np.where(eats, lunch_at, begin), none, eats),
        _part("pause", agent, lunch_at, back, none, eats, lunch=True),
        _part("pause", agent, back, looks, none, end > back),
        _part("preview", agent, looks, end, none, end > looks),
    ]
