"""The agents of the firm: one list, one skill each, at the desk and on the floor."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.simulate.dialer.crew import LONG_AGO, Crew
from crmkit.simulate.world import World

__all__ = ["Agents", "crew_of", "draw_agents", "places"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

_USUAL_SPREAD = 0.5  # SD of the logarithm of the hours to the first contact
_SPEED_SPREAD = 0.15  # and of the factor on talk and wrap


@dataclass(frozen=True)
class Agents:
    """Hidden traits of the agents, those of the desk first.

    `skill`, in log odds to sell; `hours`, usual working hours to the first contact of a lead;
    `speed`, the factor on talk and wrap; `joined`, the first day of work in days met, or LONG_AGO.
    """

    skill: Floats
    hours: Floats
    speed: Floats
    joined: Wholes

    def __len__(self) -> int:
        return len(self.skill)


def places(world: World, group: str) -> Wholes:
    """The positions of a group's agents among all."""
    before = world.desk.agents
    for one in world.telephone.groups:
        if one.name == group:
            return np.arange(before, before + one.agents)
        before += one.agents
    return np.zeros(0, dtype=np.int64)


def draw_agents(world: World) -> Agents:
    """The agents of the firm; each part of a firm has its own.

    >>> len(draw_agents(World()).skill)
    31
    """
    n = world.agents
    traits = world.stream("agents").normal(size=(n, 2))
    speed = world.stream("speed of agents").normal(size=n)
    return Agents(
        skill=world.desk.skill * traits[:, 0],
        hours=world.desk.hours * np.exp(_USUAL_SPREAD * traits[:, 1]),
        speed=np.exp(_SPEED_SPREAD * speed),
        joined=_joined(world),
    )


def _joined(world: World) -> Wholes:
    """New agents begin evenly spread over the first two thirds of the days met."""
    joined = np.full(world.agents, LONG_AGO)
    days = (world.last - world.met_from).days + 1
    for group in world.telephone.groups:
        new = places(world, group.name)[group.agents - group.new :]
        joined[new] = 1 + (np.arange(group.new) * 2 * days) // (3 * max(group.new, 1))
    return joined


def crew_of(world: World, group: str, first: int) -> Crew:
    """A group as the dialler wants it, on a floor whose first day is that day met.

    The factor on the chance to sell is the exponential of the skill: for small chances that is the
    skill in log odds, as at the desk.
    """
    agents, own = draw_agents(world), places(world, group)
    joined = agents.joined[own]
    return Crew(
        skill=np.exp(agents.skill[own]),
        speed=agents.speed[own],
        joined=np.where(joined == LONG_AGO, LONG_AGO, joined - first),
    )
