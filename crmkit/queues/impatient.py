"""Erlang A: callers wait in one line, and give up when their patience ends."""

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

import numpy as np
import numpy.typing as npt
from scipy.special import gammainc, gammaln

from crmkit.queues.blocking import erlang_b
from crmkit.queues.numbers import not_negative, positive, servers

__all__ = ["Impatient"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Impatient:
    """A queue of callers whose patience is exponential (M/M/c+M, Erlang A).

    `arrivals`, calls a second; `handle`, mean seconds of talk and wrap; `patience`, mean seconds
    that a caller would wait; `agents`, how many. It is stable at any load.

    The wait V that a caller of endless patience would meet has the density
    (arrivals / E) exp(b (1 - e^(-x/patience)) - x agents/handle) / (1 + arrivals J / E) beyond 0,
    where E is the inverse of Erlang B for one agent fewer and b = arrivals x patience; all shares
    are integrals of it, which are incomplete gamma functions.
    Source: Palm 1957; Baccelli and Hebuterne 1981; Garnett, Mandelbaum and Reiman 2002.

    >>> queue = Impatient(arrivals=10 / 60, handle=180, patience=300, agents=30)
    >>> round(queue.p_wait, 6), round(queue.p_abandon, 7), round(queue.within(20), 6)
    (0.584437, 0.06345, 0.61307)
    """

    arrivals: float
    handle: float
    patience: float
    agents: int

    def __post_init__(self) -> None:
        not_negative("arrivals", self.arrivals)
        positive("handle", self.handle)
        positive("patience", self.patience)
        servers("agents", self.agents)

    @property
    def load(self) -> float:
        """Erlangs offered."""
        return self.arrivals * self.handle

    @property
    def _a(self) -> float:
        return self.agents * self.patience / self.handle

    @property
    def _b(self) -> float:
        return self.arrivals * self.patience

    @cached_property
    def _log_all(self) -> float:
        """Logarithm of E + arrivals J: the weight of every state, that of all busy being 1."""
        busy = erlang_b(self.load, self.agents - 1)
        idle = -math.log(busy) if busy > 0 else math.inf
        return float(np.logaddexp(idle, math.log(self._b) + _log_scaled(self._a, self._b)))

    @cached_property
    def p_wait(self) -> float:
        """Share of callers who find every agent busy."""
        if self.agents == 0:
            return 1.0
        if self.arrivals == 0:
            return 0.0
        return math.exp(math.log(self._b) + _log_scaled(self._a, self._b) - self._log_all)

    @cached_property
    def p_abandon(self) -> float:
        """Share of callers who give up."""
        if self.agents == 0:
            return 1.0
        return 0.0 if self.arrivals == 0 else max(self.p_wait - self._served_after_wait(), 0.0)

    def _served_after_wait(self, seconds: float = math.inf) -> float:
        """Share of callers who wait and are answered within that."""
        a, b = self._a + 1, self._b
        whole = math.exp(math.log(b) + _log_scaled(a, b) - self._log_all)
        later = b * math.exp(-seconds / self.patience)
        if later == 0:
            return whole
        shrunk = b - later - a * seconds / self.patience
        rest = math.log(b) + shrunk + _log_scaled(a, later) - self._log_all
        return max(whole - math.exp(rest), 0.0)

    def within(self, seconds: float) -> float:
        """Service level: share of all callers who are answered within that."""
        if seconds < math.inf:
            not_negative("seconds", seconds)
        if self.agents == 0:
            return 0.0
        if self.arrivals == 0:
            return 1.0
        return min(1.0 - self.p_wait + self._served_after_wait(seconds), 1.0)

    @property
    def queue(self) -> float:
        """Mean number of callers waiting: by Little's law, those who give up times patience."""
        return self.arrivals * self.p_abandon * self.patience

    @property
    def asa(self) -> float:
        """Mean seconds to an answer, over those answered; nan where nobody is."""
        if self.agents == 0:
            return math.nan
        if self.arrivals == 0:
            return 0.0
        return self._waited_by_served() / (1 - self.p_abandon)

    def _waited_by_served(self) -> float:
        """Mean over all callers of the wait of those who are answered, 0 for the others."""
        scale = math.log(self._b) - self._log_all
        return self.patience * _first_moment(self._a + 1, self._b, scale)

    @property
    def occupancy(self) -> float:
        """Share of the agents' time that is talk or wrap; nan without agents."""
        return self.load * (1 - self.p_abandon) / self.agents if self.agents else math.nan


def _log_scaled(a: float, b: float) -> float:
    """Logarithm of e^b b^-a times the lower incomplete gamma function of a up to b.

    That is the integral of exp(b (1 - e^-u) - a u) over all u above 0. Below a its series has only
    positive terms; above, the regularised function is at least a half, so that nothing vanishes.
    """
    if b <= a:
        terms = np.cumprod(b / (a + np.arange(1, 60 + int(9 * math.sqrt(a)))))
        return math.log1p(float(terms.sum())) - math.log(a)
    over = b / a - 1
    return a * (over - math.log1p(over)) + _stirling(a) + math.log(float(gammainc(a, b)))


def _stirling(a: float) -> float:
    """Logarithm of the gamma function at a, less a log(a) - a."""
    if a < 100:
        return float(gammaln(a)) - a * math.log(a) + a
    return 0.5 * math.log(2 * math.pi / a) + 1 / (12 * a) - 1 / (360 * a**3)


def _first_moment(a: float, b: float, log_factor: float) -> float:
    """The integral of u exp(b (1 - e^-u) - a u), a at least 1, over all u above 0, times a factor.

    By Gauss and Legendre on both sides of the peak, out to where the integrand has vanished.
    """

    def log_height(u: Floats | float) -> Floats:
        return np.asarray(log_factor - b * np.expm1(-np.asarray(u)) - a * u)

    def reach(side: int) -> float:
        step = 1 / a
        while log_height(peak + side * step) > log_height(peak) - 45:
            step *= 1.5
        return step

    peak = max(math.log(b / a), 0.0)
    edges = (max(peak - reach(-1), 0.0), peak, peak + reach(1))
    nodes, weights = np.polynomial.legendre.leggauss(120)
    total = 0.0
    for left, right in pairwise(edges):
        u = (left + right) / 2 + nodes * (right - left) / 2
        total += float((weights * u * np.exp(log_height(u))).sum()) * (right - left) / 2
    return total
