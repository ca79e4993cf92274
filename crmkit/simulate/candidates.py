"""Candidates for leads: traits and outcomes by the planted odds, and the times of their steps."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from crmkit.simulate.met import Met, pick
from crmkit.simulate.plans import Desk
from crmkit.simulate.telephone.crews import Agents, draw_agents
from crmkit.simulate.touches import NONE
from crmkit.simulate.worktime import WorkTime

__all__ = [
    "LOST",
    "RELEASED",
    "WON",
    "Candidates",
    "draw_candidates",
    "tied",
]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

WON, LOST, RELEASED = 1, 2, 3
"""How an assignment ends."""

_DAY = 86_400
_DISPATCH = 0.4  # mean working hours until a lead is given to an agent
_CLOSE = 12.0  # mean working hours from the first contact to a win or a no
_MOST_RESPONSE, _MOST_CLOSE = 30.0, 45.0  # working hours; inside the protection period
_RECYCLE_DAYS = 7.0
_RESPONSE_SPREAD = 0.9
_BATCH = 2000
_TIMES = ("entered", "dispatched", "contacted", "ended")


@dataclass(frozen=True, kw_only=True)
class Candidates:
    """Candidates, one row each; two-dimensional arrays have a column for each assignment."""

    source: Wholes
    list_: Wholes
    stage: Wholes
    score: Floats
    created: Floats
    agent: Wholes
    response: Floats
    delay: Floats
    close: Floats
    pause: Floats
    odds: Floats
    outcome: Wholes
    rounds: Wholes
    night: Floats
    entered: Floats
    dispatched: Floats
    contacted: Floats
    ended: Floats

    def where(self, rows: npt.NDArray[np.generic]) -> "Candidates":
        """Some of them."""
        return Candidates(**{name: values[rows] for name, values in vars(self).items()})

    @property
    def final(self) -> Floats:
        """When the last assignment ends."""
        return self.ended[np.arange(len(self.rounds)), self.rounds - 1]

    @property
    def wins(self) -> Flags:
        """Whether the last assignment is won."""
        return np.asarray(self.outcome[np.arange(len(self.rounds)), self.rounds - 1] == WON)

    @staticmethod
    def none() -> "Candidates":
        """No candidate at all."""
        table, column = np.zeros((0, 1)), np.zeros(0)
        flat_wholes = dict.fromkeys(("source", "list_", "stage", "rounds"), column.astype(np.int64))
        wholes = dict.fromkeys(("agent", "outcome"), table.astype(np.int64))
        flat = dict.fromkeys(("score", "created", "night"), column)
        names = Candidates.__dataclass_fields__
        return Candidates(**(dict.fromkeys(names, table) | flat | wholes | flat_wholes))  # type: ignore[arg-type]

    @staticmethod
    def joined(parts: "list[Candidates]") -> "Candidates":
        """Candidates put together."""
        return Candidates(
            **{
                name: np.concatenate([vars(part)[name] for part in parts])
                for name in Candidates.__dataclass_fields__
            }
        )


def draw_candidates(
    met: Met, work: WorkTime, opens: float, warm: int, wanted: int, stages: Floats
) -> Candidates:
    """Candidates in the order drawn, up to the one that makes the wanted number of late wins."""
    rng = met.world.stream("leads")
    agents = draw_agents(met.world)
    parts: list[Candidates] = []
    won = np.zeros(0, dtype=bool)
    while won.sum() < wanted and len(parts) * _BATCH < 1000 * wanted:
        part = _batch(met.world.desk, work, rng, agents, opens, stages)
        parts.append(_told_forward(met, work, part))
        late = parts[-1].wins & (parts[-1].final >= warm) & (parts[-1].final < met.span.seconds)
        won = np.concatenate([won, late])
    if not parts:
        return Candidates.none()
    enough = int(np.searchsorted(np.cumsum(won), wanted)) + 1
    return Candidates.joined(parts).where(np.arange(min(enough, len(won))))


def _batch(
    desk: Desk,
    work: WorkTime,
    rng: np.random.Generator,
    agents: Agents,
    opens: float,
    stages: Floats,
) -> Candidates:
    """Some candidates with their traits and outcomes, without times of the calendar."""
    n, shape = _BATCH, (_BATCH, desk.rounds)
    source = pick(rng, [s.share for s in desk.sources], n)
    visits = np.array([s.visits for s in desk.sources])[source]
    stage = np.where(visits, pick(rng, stages, n), 0)
    lists = np.array([len(s.lists) for s in desk.sources])[source]
    worth = np.array([s.weight for s in desk.sources])[source] + desk.stage * stage
    agent = rng.integers(0, desk.agents, shape)
    response = agents.hours[agent] * np.exp(_RESPONSE_SPREAD * rng.normal(size=shape))
    response = np.minimum(response, _MOST_RESPONSE)
    logit = desk.base + worth[:, None] + agents.skill[agent] - desk.speed * np.log1p(response)
    odds = _chance(logit - desk.again * np.arange(desk.rounds))
    refused = rng.random(shape) < desk.lost
    outcome = np.where(rng.random(shape) < odds, WON, np.where(refused, LOST, RELEASED))
    goes_on = (outcome == RELEASED) & (rng.random(shape) < desk.recycled)
    rounds = 1 + np.cumprod(goes_on[:, :-1], axis=1).sum(axis=1)
    unknown = np.zeros(shape)
    return Candidates(
        source=source,
        list_=(rng.random(n) * lists).astype(np.int64),
        stage=stage,
        score=np.round(100 * _chance(worth + rng.normal(0, 0.6, n)), 1),
        created=opens + rng.random(n) * (work.total - opens),
        agent=agent,
        response=response,
        delay=np.minimum(rng.exponential(_DISPATCH, shape), 8.0),
        close=np.minimum(1.0 + rng.exponential(_CLOSE, shape), _MOST_CLOSE),
        pause=_DAY * rng.exponential(_RECYCLE_DAYS, shape) + 7200,
        odds=odds,
        outcome=outcome,
        rounds=rounds,
        night=np.where(visits & (rng.random(n) < desk.night), rng.random(n), np.nan),
        **dict.fromkeys(_TIMES, unknown),
    )


def _chance(logit: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logit)))


def _told_forward(met: Met, work: WorkTime, some: Candidates) -> Candidates:
    """The times of each step, one assignment after the other."""
    times = {
        name: np.zeros_like(some.response)
        for name in ("entered", "dispatched", "contacted", "ended")
    }
    entered = work.seconds(some.created)
    for number in range(some.response.shape[1]):
        dispatched = work.seconds(work.hours(entered) + some.delay[:, number])
        contacted = work.seconds(work.hours(dispatched) + some.response[:, number])
        closed = work.seconds(work.hours(contacted) + some.close[:, number])
        released = dispatched + met.world.desk.protection * _DAY
        ended = np.where(some.outcome[:, number] == RELEASED, released, closed)
        for name, values in zip(times, (entered, dispatched, contacted, ended), strict=True):
            times[name][:, number] = values
        entered = ended + some.pause[:, number]
    return replace(some, **times)  # type: ignore[arg-type]


def tied(
    met: Met, work: WorkTime, drawn: Candidates, orders: Wholes, warm: int
) -> tuple[Candidates, Wholes]:
    """Wins tied to first orders in the order of time; wins without an order are left out."""
    n = len(drawn.rounds)
    order = np.full(n, NONE)
    at = met.purchases.at[orders]
    won = drawn.wins & (drawn.final < met.span.seconds) if n else np.zeros(0, dtype=bool)
    for late in (False, True):
        these = np.flatnonzero(won & ((drawn.final >= warm) == late)) if n else np.zeros(0, int)
        those = orders[(at >= warm) == late]
        count = min(len(these), len(those))
        these = these[np.argsort(drawn.final[these], kind="stable")]
        order[these[:count]] = those[len(those) - count :]
    told = _told_backward(met, work, drawn, order)
    kept = ~won | (order != NONE)
    return told.where(kept), order[kept]


def _told_backward(met: Met, work: WorkTime, some: Candidates, order: Wholes) -> Candidates:
    """Times of the leads tied to an order, from the order back to the beginning."""
    times = {name: vars(some)[name].copy() for name in _TIMES}
    first, until = met.start, met.purchases.at[order].astype(float)
    rows = np.flatnonzero(order != NONE)
    protection = met.world.desk.protection * _DAY
    for number in range(some.response.shape[1] - 1, -1, -1):
        last = rows[some.rounds[rows] - 1 == number]
        earlier = rows[some.rounds[rows] - 1 > number]
        contact = np.clip(
            work.seconds(work.hours(until[last]) - some.close[last, number]), first, until[last]
        )
        hours = work.hours(contact) - some.response[last, number]
        dispatched = np.clip(work.seconds(hours), first, contact)
        for name, values in zip(times, (dispatched, dispatched, contact, until[last]), strict=True):
            times[name][last, number] = values
        if len(earlier):
            released = times["entered"][earlier, number + 1] - some.pause[earlier, number]
            given = work.seconds(np.maximum(work.hours(released - protection) - 1e-6, 0))
            times["dispatched"][earlier, number] = given
            times["contacted"][earlier, number] = np.minimum(
                work.seconds(work.hours(given) + some.response[earlier, number]), given + protection
            )
            times["ended"][earlier, number] = given + protection
        both = np.concatenate([last, earlier])
        given = times["dispatched"][both, number]
        hours = work.hours(given) - some.delay[both, number]
        times["entered"][both, number] = np.minimum(work.seconds(np.maximum(hours, 0)), given)
        late = last[times["entered"][last, number] < first]
        times["entered"][late, number] = first
    return replace(some, **times)
