"""The tables of leads, their steps, and the agents; and who the people behind leads are."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from crmkit.schema import LEAD_STEPS
from crmkit.simulate import china
from crmkit.simulate.candidates import LOST, RELEASED, WON
from crmkit.simulate.firm import canonical, customer_ids, joined, named, padded
from crmkit.simulate.leads import Leads
from crmkit.simulate.met import Met, pick
from crmkit.simulate.people import NOBODY
from crmkit.simulate.touches import NONE
from crmkit.simulate.worktime import WorkTime
from crmkit.simulate.world import World

__all__ = [
    "agent_ids",
    "agents_table",
    "lead_events_table",
    "lead_ids",
    "lead_numbers",
    "leads_table",
    "person_ids",
]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

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
    return pa.compute.if_else(pa.array(leads.customer != NOBODY), customer, prospect)


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
    """The ids of the agents of the desk."""
    return [f"A{number:03d}" for number in range(1, world.desk.agents + 1)]


def agents_table(met: Met) -> pa.Table:
    """The canonical agents: the same for every part of a firm."""
    world = met.world
    n = world.desk.agents
    rng = met.whole.stream("names of agents")
    surname = pick(rng, [weight for _, weight in china.SURNAMES], n)
    given = rng.integers(0, len(china.GIVEN), n)
    days = rng.integers(1, 1500, n)
    return canonical(
        "agents",
        {
            "agent_id": pa.array(agent_ids(world)),
            "team": pa.array([f"电销{1 + k % world.desk.teams}组" for k in range(n)]),
            "hired_at": pa.array(met.span.instants(-86_400 * days)),
            "name": joined(
                named([s for s, _ in china.SURNAMES], surname), named(china.GIVEN, given)
            ),
        },
    )


def lead_events_table(met: Met, leads: Leads) -> pa.Table:
    """The canonical steps of leads; what would come after the end of the world is not known."""
    steps = [*_assignments(met, leads), _copies(leads)]
    lead, at, kind, agent = (np.concatenate(part) for part in zip(*steps, strict=True))
    known = at < met.span.seconds
    lead, at, kind, agent = (values[known] for values in (lead, at, kind, agent))
    ids = lead_ids(leads, met.world.tag)
    copies = leads.copy_of[lead]
    merged = joined("重复线索，并入 ", named(ids.to_pylist(), copies))
    return canonical(
        "lead_events",
        {
            "lead_id": ids.take(pa.array(lead)),
            "occurred_at": pa.array(met.span.instants(at)),
            "kind": named(LEAD_STEPS, kind),
            "agent_id": named(agent_ids(met.world), agent),
            "note": merged,
        },
    )


def _assignments(met: Met, leads: Leads) -> Sequence[tuple[Wholes, Wholes, Wholes, Wholes]]:
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
    ends = np.array([NONE, *(LEAD_STEPS.index(_ENDS[how]) for how in (WON, LOST, RELEASED))])
    return [
        _step(leads, again, leads.entered[again], "recycled", nobody=True),
        _step(leads, every, leads.dispatched, "dispatched"),
        _step(leads, np.flatnonzero(leads.reached), leads.contacted[leads.reached], "contacted"),
        _step(leads, np.flatnonzero(~leads.reached), leads.contacted[~leads.reached], "follow_up"),
        _step(leads, np.flatnonzero(interacted), talked[interacted], "interacted"),
        _step(leads, np.flatnonzero(intent), meant[intent], "intent"),
        _step(leads, follows, later, "follow_up"),
        (leads.lead, leads.ended, ends[leads.outcome], leads.agent),
    ]


def _of(leads: Leads, shares: dict[int, float]) -> Floats:
    return np.array([0.0, *(shares[how] for how in (WON, LOST, RELEASED))])[leads.outcome]


def _between(work: WorkTime, first: Wholes, last: Wholes, share: Floats) -> Wholes:
    """A moment of working time between two; the first where there is none."""
    low, high = work.hours(first), work.hours(last)
    at = np.floor(work.seconds(low + share * (high - low))).astype(np.int64)
    return np.clip(at, first, np.maximum(last - 1, first))


def _step(
    leads: Leads, rows: Wholes, at: Wholes, kind: str, *, nobody: bool = False
) -> tuple[Wholes, Wholes, Wholes, Wholes]:
    agent = np.full(len(rows), NONE) if nobody else leads.agent[rows]
    return leads.lead[rows], at, np.full(len(rows), LEAD_STEPS.index(kind)), agent


def _copies(leads: Leads) -> tuple[Wholes, Wholes, Wholes, Wholes]:
    """A lead that was there already is closed within the hour."""
    copies = np.flatnonzero(leads.copy_of != NONE)
    kind = np.full(len(copies), LEAD_STEPS.index("lost"))
    return copies, leads.created[copies] + 1800, kind, np.full(len(copies), NONE)
