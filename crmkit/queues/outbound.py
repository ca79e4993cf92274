"""Outbound calls: an answered person waits at most a constant grace time, then the call is dropped.

The queue is M/M/n+D. With no grace it is Erlang B.
"""

import math
from dataclasses import dataclass
from functools import cached_property

from crmkit.errors import ParameterError
from crmkit.queues.blocking import erlang_b, fewest_lines
from crmkit.queues.numbers import not_negative, positive, servers, share

__all__ = ["Pace", "dropped", "largest_load"]


def dropped(load: float, agents: int, *, grace: float, handle: float) -> float:
    """Share of answered calls that no agent takes within the grace time.

    Parameters: `load`, answered calls times handle time, in erlangs; `agents`, how many; `grace`,
    seconds that an answered person waits; `handle`, mean seconds of talk and wrap, exponential.
    Source: P = (1 + (lam - n mu) J) / (E + lam J), with E = 1 / ErlangB(n - 1), z = lam - n mu and
    J = (e^(z grace) - 1) / z + e^(z grace) / (n mu) (M/M/n+D; Gans, Koole and Mandelbaum 2003); the
    numerator is e^(z grace) lam / (n mu), which does not cancel.

    >>> round(dropped(8.4, 10, grace=0, handle=84), 6) == round(erlang_b(8.4, 10), 6)
    True
    >>> round(dropped(8.4, 10, grace=2, handle=84), 4)
    0.1311
    """
    offered, n = not_negative("load", load), servers("agents", agents)
    patience = not_negative("grace", grace) / positive("handle", handle)
    if n == 0:
        return 1.0
    if offered == 0:
        return 0.0
    idle = erlang_b(offered, n - 1)
    if idle == 0:
        return 0.0
    z = offered - n
    grown = z * patience
    if z > 0:  # everything divided by e^(z grace), which may be too large to write
        waits = -math.expm1(-grown) / z + 1 / n
        return offered / n / (math.exp(-grown) / idle + offered * waits)
    waits = math.expm1(grown) / z if z else patience
    return math.exp(grown) * offered / n / (1 / idle + offered * (waits + math.exp(grown) / n))


def largest_load(agents: int, *, target: float, grace: float, handle: float) -> float:
    """The largest load, in erlangs, at which at most the share `target` of answers is dropped.

    Parameters: as in `dropped`; `target`, a share between 0 and 1. Found by halving.

    >>> round(largest_load(10, target=0.03, grace=0, handle=84), 3)
    5.529
    """
    n, most = servers("agents", agents), share("target", target)
    low, high = 0.0, n / (1 - most) + 1
    while n and dropped(high, n, grace=grace, handle=handle) <= most:
        low, high = high, 2 * high
    for _ in range(80 if n else 0):
        middle = (low + high) / 2
        if dropped(middle, n, grace=grace, handle=handle) > most:
            high = middle
        else:
            low = middle
    return low


@dataclass(frozen=True, kw_only=True)
class Pace:
    """How fast a group of agents can be dialled for at a target of drops.

    `agents`, how many work; `target`, the share of answers that may be dropped; `grace`, seconds an
    answered person waits; `handle`, mean seconds of talk and wrap; `answer`, the share of dials
    that a person answers; `seek`, mean seconds a line is held by a dial until it is answered or
    given up; `talk`, mean seconds that an answered call holds its line.

    >>> pace = Pace(agents=20, target=0.03, grace=2, handle=84, answer=0.22, seek=18, talk=72)
    >>> round(pace.occupancy, 3), round(pace.dials * 3600), round(pace.level, 2)
    (0.695, 2791, 2.29)
    """

    agents: int
    target: float
    grace: float
    handle: float
    answer: float
    seek: float
    talk: float

    def __post_init__(self) -> None:
        if not 0 < self.answer <= 1:
            raise ParameterError(
                f"answer is {self.answer!r}. Give the share of dials that a person answers, "
                "above 0 and up to 1."
            )
        not_negative("seek", self.seek)
        not_negative("talk", self.talk)

    @cached_property
    def load(self) -> float:
        """Erlangs of answered calls offered to the agents."""
        return largest_load(self.agents, target=self.target, grace=self.grace, handle=self.handle)

    @property
    def drop(self) -> float:
        """Share of answers dropped."""
        return dropped(self.load, self.agents, grace=self.grace, handle=self.handle)

    @property
    def answers(self) -> float:
        """Answered calls a second."""
        return self.load / self.handle

    @property
    def dials(self) -> float:
        """Dials a second."""
        return self.answers / self.answer

    @property
    def occupancy(self) -> float:
        """Share of the agents' time that is talk or wrap; nan without agents."""
        return self.load * (1 - self.drop) / self.agents if self.agents else math.nan

    @property
    def seeking(self) -> float:
        """Mean lines that dial or ring."""
        return self.dials * self.seek

    @property
    def level(self) -> float:
        """Dial level: lines that dial or ring for each free agent; nan where none is free."""
        free = self.agents * (1 - self.occupancy) if self.agents else 0.0
        return self.seeking / free if free > 0 else math.nan

    @property
    def lines(self) -> float:
        """Mean lines in use, dialling, ringing or talking."""
        return self.seeking + self.answers * self.talk

    def trunks(self, blocked: float) -> int:
        """The fewest lines at which at most that share of dials finds none free (Erlang B)."""
        return fewest_lines(self.lines, blocked=blocked)
