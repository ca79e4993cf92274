"""Agents that an interval needs: the fewest that keep every promise, and which promise binds."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from crmkit.errors import ParameterError
from crmkit.queues import Impatient, fewest

__all__ = ["Need", "Promise", "queue_of"]

_SAME = 1e-9
"""A share that misses a promise by less is rounding."""


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What an interval must keep.

    `service_level`, the share of callers answered within `within` seconds; `abandonment`, the
    largest share that gives up, and `occupancy`, the largest share of agents' time in talk and
    wrap; None is no such promise.
    """

    service_level: float = 0.80
    within: float = 20.0
    abandonment: float | None = 0.05
    occupancy: float | None = 0.88

    def __post_init__(self) -> None:
        for name in ("service_level", "abandonment", "occupancy"):
            value = getattr(self, name)
            if value is not None and not 0 < value < 1:
                raise ParameterError(
                    f"{name} is {value!r}. Give a share between 0 and 1, such as 0.8."
                )
        if not 0 <= self.within < float("inf"):
            raise ParameterError(f"within is {self.within!r}. Give seconds of 0 or more.")

    def kept(self, queue: Impatient) -> Mapping[str, bool]:
        """Which promises a queue keeps."""
        found = {"service_level": queue.within(self.within) >= self.service_level - _SAME}
        if self.abandonment is not None:
            found["abandonment"] = queue.p_abandon <= self.abandonment + _SAME
        if self.occupancy is not None:
            found["occupancy"] = queue.occupancy <= self.occupancy + _SAME
        return found


@dataclass(frozen=True)
class Need:
    """The fewest agents that keep every promise, and the promises that one fewer would break."""

    agents: int
    binding: tuple[str, ...]

    @classmethod
    def of(cls, arrivals: float, handle: float, patience: float, promise: Promise) -> "Need":
        """The need of an interval with that many calls a second (Erlang A).

        >>> Need.of(100 / 1800, 180.0, 120.0, Promise())
        Need(agents=13, binding=('abandonment',))
        """
        return _need(float(arrivals), float(handle), float(patience), promise)


def queue_of(agents: int, arrivals: float, handle: float, patience: float) -> Impatient:
    """The queue of an interval."""
    return Impatient(arrivals=arrivals, handle=handle, patience=patience, agents=int(agents))


@cache
def _need(arrivals: float, handle: float, patience: float, promise: Promise) -> Need:
    if arrivals <= 0:
        return Need(0, ())

    def kept(agents: int) -> Mapping[str, bool]:
        if agents == 0:
            return {"service_level": False}
        return promise.kept(queue_of(agents, arrivals, handle, patience))

    agents = fewest(lambda n: all(kept(n).values()), start=1)
    return Need(agents, tuple(name for name, fine in kept(agents - 1).items() if not fine))
