"""The people of a floor: what they can do, how fast they are, when they began."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.errors import ParameterError
from crmkit.simulate.floor import Floor, stream

__all__ = ["LONG_AGO", "Crew"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

LONG_AGO = -(10**6)
"""The first day of agents who have nothing to learn any more."""


@dataclass(frozen=True)
class Crew:
    """Agents, one element each.

    `skill`, the factor on the chance to sell once learned; `speed`, the factor on talk and wrap;
    `joined`, the first day of work, in days since the floor's first day. An agent is away before
    it, learns from it on, and knows all from the beginning where it is LONG_AGO.
    """

    skill: Floats
    speed: Floats
    joined: Wholes

    def __len__(self) -> int:
        return len(self.skill)

    @classmethod
    def draw(cls, floor: Floor, seed: int) -> "Crew":
        """Agents by the floor's own spread; one more leaves the others as they are."""
        n = floor.agents
        new = stream(seed, "novices").random(n) < floor.novices
        return cls(
            skill=np.exp(stream(seed, "skill").standard_normal(n) * floor.skill_sd),
            speed=np.exp(stream(seed, "speed").standard_normal(n) * floor.speed_sd),
            joined=np.where(new, 0, LONG_AGO),
        )

    def fits(self, floor: Floor) -> "Crew":
        """Itself, if it has as many agents as the floor."""
        if len(self) != floor.agents:
            raise ParameterError(
                f"The crew has {len(self)} agents and the floor {floor.agents}. "
                f"Give Floor(agents={len(self)})."
            )
        return self

    def daily(self, floor: Floor) -> Floats:
        """The skill of each agent on each day of a floor."""
        tenure = np.maximum(np.arange(floor.days) - self.joined[:, None], 0)
        missing = (1 - floor.novice_skill) * 0.5 ** (tenure / floor.learning_days)
        learning = (self.joined > LONG_AGO)[:, None]
        return np.asarray(self.skill[:, None] * np.where(learning, 1 - missing, 1.0))
