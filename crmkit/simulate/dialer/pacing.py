"""How much traffic a group of agents can take before too many calls are dropped."""

import numpy as np
import numpy.typing as npt

__all__ = ["loads"]

Floats = npt.NDArray[np.float64]


def loads(agents: int, *, target: float, grace: float, handle: float) -> Floats:
    """Erlangs offered to 0, 1 ... agents at which the share `target` is dropped.

    Poisson arrivals, exponential handle times of mean `handle` seconds, and calls that wait at most
    `grace` seconds: the queue M/M/n+D; with no grace it is Erlang B. Solved by bisection; beyond
    200 agents on a grid, with straight lines between its points.

    >>> loads(10, target=0.03, grace=0.0, handle=84.0)[[1, 10]].round(3).tolist()
    [0.031, 5.529]
    """
    some = np.arange(1, min(agents, 200) + 1)
    if agents > 200:
        grid = np.unique(np.geomspace(200, agents, 40).astype(int))
        some = np.concatenate([some, grid[1:]])
    low, high = np.zeros(len(some)), 3.0 * some / (1 - target) + 3
    for _ in range(60):
        middle = (low + high) / 2
        over = _dropped(some, middle, grace / handle) > target
        low, high = np.where(over, low, middle), np.where(over, middle, high)
    everyone = np.arange(agents + 1)
    return np.asarray(np.interp(everyone, np.append(0, some), np.append(0.0, low)))


def _dropped(n: npt.NDArray[np.int64], load: Floats, grace: float) -> Floats:
    """The share dropped by M/M/n+D, time in handle times (Gans, Koole and Mandelbaum 2003)."""
    inverse = np.ones(len(n))  # 1 / ErlangB(n - 1)
    grown = np.ones(len(n))
    with np.errstate(over="ignore"):
        for k in range(1, int(n.max())):
            grown = 1 + grown * k / load
            inverse = np.where(n == k + 1, grown, inverse)
        z = load - n
        exponent = np.minimum(z * grace, 600.0)
        steady = np.abs(z) > 1e-9
        waits = np.where(steady, np.expm1(exponent) / np.where(steady, z, 1.0), grace)
        j = waits + np.exp(exponent) / n
        return np.asarray((1 + z * j) / (inverse + load * j))
