"""Maximum likelihood: the best parameters of several starts, and how well they are known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy import optimize
from scipy import stats as distributions

__all__ = ["Estimate", "Floats", "Maximum", "jacobian", "maximise", "positive", "share"]

Floats = npt.NDArray[np.float64]
Objective = Callable[[Floats], tuple[float, Floats]]

_STEP = 1e-3
_EDGE = 1e-3
_FLAT = 1e-8
"""A coordinate whose curvature (per customer) is below this is not told by the data."""


@dataclass(frozen=True, kw_only=True)
class Maximum:
    """Where the likelihood is largest, on unbounded coordinates.

    `covariance` is the inverse of the observed information; rows of coordinates at the edge of
    what is searched (`edge`) are nan, the others are conditional on them. `converged` says that
    the slope is zero there and every curvature negative.
    """

    at: Floats
    covariance: Floats
    log_likelihood: float
    edge: npt.NDArray[np.bool_]
    converged: bool


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its interval."""

    value: float
    low: float
    high: float


def maximise(
    objective: Objective,
    starts: Sequence[Floats],
    *,
    low: Floats,
    high: Floats,
    weight: float,
) -> Maximum:
    """The maximum of a log-likelihood over a box, from several starts.

    Each start goes down by a bounded quasi-Newton method; the best end is polished by Newton's
    own steps, which also show whether it is a maximum at all.

    Parameters: `objective`, gives log-likelihood and gradient; `low` and `high`, the box;
    `weight`, the number of customers, by which the likelihood is scaled.
    Returns: the maximum; `converged` is False rather than an error where there is none.
    """

    def cost(at: Floats) -> tuple[float, Floats]:
        value, slope = objective(at)
        return -value / weight, -slope / weight

    box = list(zip(low, high, strict=True))
    ends = [
        optimize.minimize(cost, start, jac=True, method="L-BFGS-B", bounds=box) for start in starts
    ]
    best = np.asarray(min(ends, key=lambda end: float(end.fun)).x, dtype=float)
    return _polished(cost, best, low, high, weight)


def _polished(cost: Objective, at: Floats, low: Floats, high: Floats, weight: float) -> Maximum:
    """Newton's steps inside the box until nothing moves."""
    value, slope = cost(at)
    for _ in range(30):
        free = (at > low + _EDGE) & (at < high - _EDGE)
        curvature = jacobian(lambda moved: cost(moved)[1], at)
        step = np.zeros_like(at)
        step[free] = -_solved(curvature[np.ix_(free, free)], slope[free])
        shorter = 1.0
        while shorter > 1e-6:
            tried = np.clip(at + shorter * step, low, high)
            new_value, new_slope = cost(tried)
            if new_value <= value + 1e-14 * abs(value):
                break
            shorter /= 2
        else:
            break
        moved = float(np.max(np.abs(tried - at)))
        at, value, slope = tried, new_value, new_slope
        if moved < 1e-9:
            break
    return _described(cost, at, low, high, weight)


def _described(cost: Objective, at: Floats, low: Floats, high: Floats, weight: float) -> Maximum:
    value, slope = cost(at)
    edge = (at <= low + _EDGE) | (at >= high - _EDGE)
    free = ~edge
    curvature = jacobian(lambda moved: cost(moved)[1], at)
    inner = (curvature + curvature.T)[np.ix_(free, free)] / 2
    smallest = float(np.linalg.eigvalsh(inner)[0]) if free.any() else 1.0
    covariance = np.full(curvature.shape, np.nan)
    if smallest > _FLAT:
        covariance[np.ix_(free, free)] = np.linalg.inv(inner) / weight
    flat = bool(np.max(np.abs(slope[free]), initial=0.0) < 1e-6)
    return Maximum(
        at=at,
        covariance=covariance,
        log_likelihood=-value * weight,
        edge=edge,
        converged=flat and smallest > _FLAT,
    )


def _solved(curvature: Floats, slope: Floats) -> Floats:
    """Newton's direction; where the curve is not convex, the slope's own direction."""
    symmetric = (curvature + curvature.T) / 2
    values, vectors = np.linalg.eigh(symmetric)
    safe = np.maximum(np.abs(values), 1e-6)
    return np.asarray(vectors @ ((vectors.T @ slope) / safe), dtype=float)


def jacobian(function: Callable[[Floats], npt.ArrayLike], at: Floats) -> Floats:
    """Derivatives of a vector function by central differences, good to about six digits.

    Returns: one row for each value of the function, one column for each coordinate.

    >>> jacobian(lambda x: [x[0] * x[1]], np.array([2.0, 3.0])).round(6).tolist()
    [[3.0, 2.0]]
    """
    columns = []
    for place in range(len(at)):
        shift = np.zeros_like(at)
        shift[place] = _STEP
        change = np.asarray(function(at + shift)) - np.asarray(function(at - shift))
        columns.append(change / (2 * _STEP))
    return np.stack(columns, axis=-1)


def positive(value: float, error: float, *, level: float = 0.95) -> Estimate:
    """The interval of a positive number whose logarithm has that standard error.

    >>> positive(2.0, 0.1)
    Estimate(value=2.0, low=1.64..., high=2.43...)
    """
    width = float(distributions.norm.ppf(0.5 + level / 2)) * error
    with np.errstate(over="ignore"):
        return Estimate(
            value=value, low=float(value * np.exp(-width)), high=float(value * np.exp(width))
        )


def share(value: float, error: float, *, level: float = 0.95) -> Estimate:
    """The interval of a share between 0 and 1 whose logit has that standard error."""
    width = float(distributions.norm.ppf(0.5 + level / 2)) * error
    at = np.log(value) - np.log1p(-value)
    return Estimate(
        value=value,
        low=float(1 / (1 + np.exp(-(at - width)))),
        high=float(1 / (1 + np.exp(-(at + width)))),
    )
