"""Erlang C: callers wait in one line for as long as it takes."""

import math
from dataclasses import dataclass

from crmkit.queues.blocking import erlang_b
from crmkit.queues.numbers import not_negative, positive, servers

__all__ = ["Patient", "erlang_c"]


def erlang_c(load: float, agents: int) -> float:
    """Share of callers who have to wait, where nobody gives up (M/M/c).

    Parameters: `load`, in erlangs; `agents`, how many.
    Returns: 1 where the load is as large as the agents or larger, for then the queue only grows.
    Source: Erlang 1917.

    >>> round(erlang_c(10, 12), 12), erlang_c(12, 12)
    (0.449388224298, 1.0)
    """
    if not_negative("load", load) >= servers("agents", agents):
        return 1.0
    busy = erlang_b(load, agents)
    return busy / (1 - load / agents * (1 - busy))


@dataclass(frozen=True, kw_only=True)
class Patient:
    """A queue of callers who never give up (M/M/c, Erlang C).

    `arrivals`, calls a second; `handle`, mean seconds of talk and wrap; `agents`, how many.

    >>> queue = Patient(arrivals=10 / 180, handle=180, agents=12)
    >>> round(queue.asa, 1), round(queue.within(20), 3)
    (40.4, 0.64)
    """

    arrivals: float
    handle: float
    agents: int

    def __post_init__(self) -> None:
        not_negative("arrivals", self.arrivals)
        positive("handle", self.handle)
        servers("agents", self.agents)

    @property
    def load(self) -> float:
        """Erlangs offered."""
        return self.arrivals * self.handle

    @property
    def overloaded(self) -> bool:
        """Whether more comes in than the agents can handle: the queue only grows."""
        return self.load >= self.agents

    @property
    def p_wait(self) -> float:
        """Share of callers who have to wait."""
        return erlang_c(self.load, self.agents)

    @property
    def p_abandon(self) -> float:
        """Nobody gives up."""
        return 0.0

    @property
    def asa(self) -> float:
        """Mean seconds to an answer, over all callers; infinite where overloaded."""
        return math.inf if self.overloaded else self.p_wait / self._spare

    @property
    def _spare(self) -> float:
        """Calls a second that the agents could handle beyond those that come."""
        return (self.agents - self.load) / self.handle

    @property
    def occupancy(self) -> float:
        """Share of the agents' time that is talk or wrap; nan without agents."""
        return min(self.load / self.agents, 1.0) if self.agents else math.nan

    def beyond(self, seconds: float) -> float:
        """Share of callers who wait longer than that."""
        if self.overloaded:
            return 1.0
        return self.p_wait * math.exp(-self._spare * not_negative("seconds", seconds))

    def within(self, seconds: float) -> float:
        """Service level: share of callers answered within that; 0 where overloaded."""
        return 1.0 - self.beyond(seconds)

    def longest(self, share: float) -> float:
        """The wait in seconds that the given share of callers does not exceed."""
        if not 0 <= share < 1 or self.overloaded:
            return math.inf
        later = 1 - share
        return math.log(self.p_wait / later) / self._spare if self.p_wait > later else 0.0
