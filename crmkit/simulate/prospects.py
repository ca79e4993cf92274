"""The tables of leads, their steps, and the agents; and who the people behind leads are."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from crmkit.schema import LEAD_STEPS
from crmkit.simulate import china
from crmkit.simulate.candidates import LOST, RELEASED, WON
from crmkit.simulate.dialer.crew import LONG_AGO
from crmkit.simulate.firm import canonical, customer_ids, joined, named, padded
from crmkit.simulate.leads import Leads
from crmkit.simulate.met import Met, pick
from crmkit.simulate.people import NOBODY
from crmkit.simulate.telephone.crews import draw_agents
from crmkit.simulate.touches import NONE
from crmkit.simulate.worktime import WorkTime
from crmkit.simulate.world import World

__all__ = [
    "BY_MESSAGE",
    "Steps",
    "agent_ids",
    "agents_table",
    "draw_steps",
    "lead_events_table",
    "lead_ids",
    "lead_numbers",
    "leads_table",
    "person_ids",
]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]
_Part = tuple[Wholes, Wholes, Wholes, Wholes, Wholes, Flags]

BY_MESSAGE = "微信联系"
"""The note of a step for which the owner, on another call just then, sent a message."""

_ENDS = {WON: "won", LOST: "lost", RELEASED: "released"}
_INTERACTED = {WON: 1.0, LOST: 0.6, RELEASED: 0.45}  # of those reached, by how it ends
_INTENT = {WON: 1.0, LOST: 0.25, RELEASED: 0.2}  # of those who interacted
_FOLLOW_UPS = 1.5


def lead_numbers(leads: Leads) -> Wholes:
    """The number of each lead in the order of creation, from 0."""
    number = np.empty(len(leads), dtype=np.int64)
    number[np.argsort(leads.created, kind="stable")] = np.arange(len(leads))
    return number


def lead_ids(leads: Leads, tag: str) -> pa.Array:
    """The ids of the leads."""
    return joined(f"L{tag}", padded(pa.array(lead_numbers(leads) + 1), 7))


def person_ids(leads: Leads, tag: str) -> pa.Array:
    """Who each lead is about: the customer who bought, else a prospect, P."""
    original = np.where(leads.copy_of == NONE, np.arange(len(leads)), leads.copy_of)
    prospect = joined(f"P{tag}", padded(pa.array(lead_numbers(leads)[original] + 1), 7))
    customer = customer_ids(leads.customer, tag)
    return pc.if_else(pa.array(leads.customer != NOBODY), customer, prospect)


def leads_table(met: Met, leads: Leads) -> pa.Table:
    """The canonical leads."""
    sources = met.world.desk.sources
    lists = [name for source in sources for name in source.lists]
    before = np.concatenate([[0], np.cumsum([len(s.lists) for s in sources])]).astype(np.int64)
    return canonical(
        "leads",
        {
            "lead_id": lead_ids(leads, met.world.tag),
            "customer_id": person_ids(leads, met.world.tag),
            "list_id": named(lists, before[leads.source] + leads.list_),
            "source": named([source.name for source in sources], leads.source),
            "created_at": pa.array(met.span.instants(leads.created)),
            "score": pa.array(leads.score),
        },
    )


def agent_ids(world: World) -> list[str]:
    """The ids of the agents: of the desk, and after them of the floor."""
    return [f"A{world.tag}{number:03d}" for number in range(1, world.agents + 1)]


def agents_table(met: Met) -> pa.Table:
    """The canonical agents; each part of a firm has its own."""
    world = met.world
    n = world.agents
    rng = world.stream("names of agents")
    surname = pick(rng, [weight for _, weight in china.SURNAMES], n)
    given = rng.integers(0, len(china.GIVEN), n)
    days = rng.integers(1, 1500, n)
    began = draw_agents(world).joined
    hired = np.where(began == LONG_AGO, -86_400 * days, met.start + 86_400 * began)
    return canonical(
        "agents",
        {
            "agent_id": pa.array(agent_ids(world)),
            "team": pa.array(_teams(world)),
            "hired_at": pa.array(met.span.instants(hired)),
            "name": joined(
                named([s for s, _ in china.SURNAMES], surname), named(china.GIVEN, given)
            ),
        },
    )


def _teams(world: World) -> list[str]:
    """The team of each agent: those of the desk in turn, those of a group by its size."""
    desk = [f"电销{1 + k % world.desk.teams}组" for k in range(world.desk.agents)]
    floor = [
        f"{group.name}{1 + k // group.team}组"
        for group in world.telephone.groups
        for k in range(group.agents)
    ]
    return desk + floor


@dataclass(frozen=True)
class Steps:
    """Steps in the lives of the desk's leads, one element each; those after the end are left out.

    `lead`; `at`, seconds; `kind`, a position in LEAD_STEPS; `agent`, or NONE; `row`, the assignment
    it belongs to, or NONE for copies; `failed`, whether it was a call that nobody answered.
    """

    lead: Wholes
    at: Wholes
    kind: Wholes
    agent: Wholes
    row: Wholes
    failed: Flags

    def of_kind(self, kind: str) -> Flags:
        """Which of them are of that kind."""
        return np.asarray(self.kind == LEAD_STEPS.index(kind))


def draw_steps(met: Met, leads: Leads) -> Steps:
    """The steps of leads; what would come after the end of the world is not known."""
    parts = [*_assignments(met, leads), _copies(leads)]
    lead, at, kind, agent, row, failed = (np.concatenate(part) for part in zip(*parts, strict=True))
    known = at < met.span.seconds
    return Steps(*(values[known] for values in (lead, at, kind, agent, row, failed)))


def lead_events_table(
    met: Met, leads: Leads, steps: Steps | None = None, by_message: Flags | None = None
) -> pa.Table:
    """The canonical steps of leads; `by_message`, those for which the owner wrote instead."""
    steps = draw_steps(met, leads) if steps is None else steps
    ids = lead_ids(leads, met.world.tag)
    note = joined("重复线索，并入 ", named(ids.to_pylist(), leads.copy_of[steps.lead]))
    if by_message is not None:
        note = pc.if_else(pa.array(by_message), BY_MESSAGE, note)
    return canonical(
        "lead_events",
        {
            "lead_id": ids.take(pa.array(steps.lead)),
            "occurred_at": pa.array(met.span.instants(steps.at)),
            "kind": named(LEAD_STEPS, steps.kind),
            "agent_id": named(agent_ids(met.world), steps.agent),
            "note": note,
        },
    )


def _assignments(met: Met, leads: Leads) -> Sequence[_Part]:
    """What an owner did with a lead: first contact, talks, intent, follow-ups, the end."""
    work, rng = WorkTime(met), met.world.stream("steps of leads")
    n = len(leads.lead)
    draws = rng.random((n, 4))
    interacted = leads.reached & (draws[:, 0] < _of(leads, _INTERACTED))
    intent = interacted & (draws[:, 1] < _of(leads, _INTENT))
    talked = np.minimum(leads.contacted + 60 + (240 * draws[:, 2]).astype(np.int64), leads.ended)
    meant = _between(work, talked, leads.ended, 0.8 * draws[:, 3])
    follows = np.repeat(np.arange(n), rng.poisson(_FOLLOW_UPS, n))
    later = _between(work, leads.contacted[follows], leads.ended[follows], rng.random(len(follows)))
    every = np.arange(n)
    again = np.flatnonzero(leads.round > 0)
    missed = np.flatnonzero(~leads.reached)
    ends = np.array([NONE, *(LEAD_STEPS.index(_ENDS[how]) for how in (WON, LOST, RELEASED))])
    return [
        _step(leads, again, leads.entered[again], "recycled", nobody=True),
        _step(leads, every, leads.dispatched, "dispatched"),
        _step(leads, np.flatnonzero(leads.reached), leads.contacted[leads.reached], "contacted"),
        _step(leads, missed, leads.contacted[missed], "follow_up", failed=True),
        _step(leads, np.flatnonzero(interacted), talked[interacted], "interacted"),
        _step(leads, np.flatnonzero(intent), meant[intent], "intent"),
        _step(leads, follows, later, "follow_up"),
        (leads.lead, leads.ended, ends[leads.outcome], leads.agent, every, np.zeros(n, dtype=bool)),
    ]


def _of(leads: Leads, shares: dict[int, float]) -> Floats:
    return np.array([0.0, *(shares[how] for how in (WON, LOST, RELEASED))])[leads.outcome]


def _between(work: WorkTime, first: Wholes, last: Wholes, share: Floats) -> Wholes:
    """A moment of working time between two; the first where there is none."""
    low, high = work.hours(first), work.hours(last)
    at = np.floor(work.seconds(low + share * (high - low))).astype(np.int64)
    return np.clip(at, first, np.maximum(last - 1, first))


def _step(
    leads: Leads,
    rows: Wholes,
    at: Wholes,
    kind: str,
    *,
    nobody: bool = False,
    failed: bool = False,
) -> _Part:
    agent = np.full(len(rows), NONE) if nobody else leads.agent[rows]
    kinds = np.full(len(rows), LEAD_STEPS.index(kind))
    return leads.lead[rows], at, kinds, agent, rows, np.full(len(rows), failed)


def _copies(leads: Leads) -> _Part:
    """A lead that was there already is closed within the hour."""
    copies = np.flatnonzero(leads.copy_of != NONE)
    kind = np.full(len(copies), LEAD_STEPS.index("lost"))
    nobody = np.full(len(copies), NONE)
    never = np.zeros(len(copies), dtype=bool)
    return copies, leads.created[copies] + 1800, kind, nobody, nobody, never
