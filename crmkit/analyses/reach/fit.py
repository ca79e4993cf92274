"""Leads with a latent reachability: fitted by maximum likelihood, with the hours' factors or not.

A lead answers an attempt in band h with chance 1 - (1 - theta) ** f_h, theta beta over leads. Then
the chance that attempts of total exposure s all fail, E (1 - theta) ** s, has a closed form, and
with all factors 1 this is the beta-geometric model (Weinberg and Gladen 1986; Fader and Hardie
2007). The attempts up to the first success are the whole likelihood: that reaching a lead ends its
attempts is in it, so that nobody need be compared who was still there to be called.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq, minimize
from scipy.special import betaln, chdtrc, expit, logit, psi

__all__ = ["Fitted", "Patterns", "fit", "likelihood_ratio", "precision_limits"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

_LEAST, _MOST = -4.0, 9.0  # limits of the logarithm of a + b; leads are alike above
_FLAT = 3.0
_WIDE = 5.0  # standard deviation of a weak prior of log factors, for bands that reached nobody
_Z = 1.959963984540054
_CHI2 = 3.841458820694124


class Patterns(NamedTuple):
    """Leads `n` with so many `failed` attempts in each band, reached in band `hit`, -1 if not."""

    failed: Wholes
    hit: Wholes
    n: Floats


@dataclass(frozen=True, eq=False)
class Fitted:
    """Reachability is beta(a, b) in the band of factor 1; `factors` of all bands, nan if unused.

    `covariance` is of logit mean, log precision and the log factors in `free`; the row and column
    of the precision are 0 where leads are alike.
    """

    a: float
    b: float
    factors: Floats
    free: Wholes
    loglik: float
    covariance: Floats

    @property
    def alike(self) -> bool:
        """Whether nothing says that leads differ."""
        return bool(np.log(self.a + self.b) > _MOST - 0.5)

    @property
    def point(self) -> Floats:
        """The parameters as they are fitted."""
        total = self.a + self.b
        return np.array([logit(self.a / total), np.log(total), *np.log(self.factors[self.free])])

    def survive(self, exposure: npt.ArrayLike) -> Floats:
        """The chance that attempts of that exposure all fail."""
        return np.asarray(np.exp(_log_survive(self.a, self.b, np.asarray(exposure, dtype=float))))

    def fresh(self) -> Floats:
        """The chance that a first attempt in each band reaches a lead, the same leads in all."""
        return _fresh(self.point, self.factors, self.free)

    def relative(self, weights: Floats) -> tuple[Floats, Floats, Floats]:
        """`fresh` over its mean by those weights, with limits by the delta method."""

        def value(x: Floats) -> Floats:
            chance = _fresh(x, self.factors, self.free)
            return np.asarray(np.log(chance / np.nansum(chance * weights / weights.sum())))

        centre, error = value(self.point), self._error(value)
        return np.exp(centre), np.exp(centre - _Z * error), np.exp(centre + _Z * error)

    def fresh_limits(self) -> tuple[Floats, Floats]:
        """Limits of `fresh`, on the scale of log-odds."""

        def value(x: Floats) -> Floats:
            return np.asarray(logit(_fresh(x, self.factors, self.free)))

        centre, error = value(self.point), self._error(value)
        return np.asarray(expit(centre - _Z * error)), np.asarray(expit(centre + _Z * error))

    def shape_limits(self) -> Floats:
        """Limits of a (first row) and b; nan where leads are alike."""
        if self.alike:
            return np.full((2, 2), np.nan)

        def value(x: Floats) -> Floats:
            return np.asarray(x[1] + np.log([expit(x[0]), expit(-x[0])]))

        centre, error = value(self.point), self._error(value)
        return np.asarray(np.exp(np.column_stack([centre - _Z * error, centre + _Z * error])))

    def _error(self, value: Callable[[Floats], Floats]) -> Floats:
        x, step = self.point, 1e-5
        slopes = [
            (value(x + step * unit) - value(x - step * unit)) / (2 * step)
            for unit in np.eye(len(x))
        ]
        jacobian = np.array(slopes)
        variance = np.einsum("ib,ij,jb->b", jacobian, self.covariance, jacobian)
        return np.asarray(np.sqrt(np.maximum(variance, 0.0)))


def _fresh(x: Floats, factors: Floats, free: Wholes) -> Floats:
    a, b = np.exp(x[1]) * expit(x[0]), np.exp(x[1]) * expit(-x[0])
    moved = factors.copy()
    moved[free] = np.exp(x[2:])
    return np.asarray(-np.expm1(_log_survive(a, b, moved)))


def _log_survive(a: float, b: float, exposure: Floats) -> Floats:
    return np.asarray(betaln(a, b + exposure) - betaln(a, b))


def fit(patterns: Patterns, *, factored: bool) -> Fitted | None:
    """The most likely beta distribution of reachability, with a factor of each band if `factored`.

    The band of most attempts has factor 1. Returns None where nobody was reached, or nobody was
    called twice: then nothing tells leads apart.
    """
    bands = patterns.failed.shape[1]
    used = patterns.n @ patterns.failed + _hits(patterns, bands)
    reached = float(patterns.n[patterns.hit >= 0].sum())
    failed = float((patterns.n @ patterns.failed).sum())
    longest = int((patterns.failed.sum(axis=1) + (patterns.hit >= 0)).max(initial=0))
    if reached == 0 or failed == 0 or longest < 2:
        return None
    base = int(np.argmax(used))
    free = np.array(
        [k for k in range(bands) if factored and k != base and used[k] > 0], dtype=np.int64
    )
    start = np.array([logit(reached / (reached + failed)), 1.0, *np.zeros(len(free))])
    bounds = [(-12.0, 12.0), (_LEAST, _MOST), *[(-9.0, 9.0)] * len(free)]
    found = _minimum(np.array(start), bounds, patterns, free)
    if found[1] > _FLAT:  # the likelihood is flat where leads are alike: come from there as well
        again = _minimum(np.array([start[0], 7.0, *start[2:]]), bounds, patterns, free)
        found = min(found, again, key=lambda x: _loss(x, patterns, free)[0])
    x = found
    factors = np.ones(bands) if not factored else np.where(used > 0, 1.0, np.nan)
    factors[free] = np.exp(x[2:])
    return Fitted(
        a=float(np.exp(x[1]) * expit(x[0])),
        b=float(np.exp(x[1]) * expit(-x[0])),
        factors=factors,
        free=free,
        loglik=-float(_loss(x, patterns, free)[0]) + float(x[2:] @ x[2:]) / (2 * _WIDE**2),
        covariance=_covariance(x, patterns, free),
    )


def _minimum(
    start: Floats, bounds: list[tuple[float, float]], patterns: Patterns, free: Wholes
) -> Floats:
    found = minimize(
        _loss,
        start,
        args=(patterns, free),
        jac=True,
        bounds=bounds,
        method="L-BFGS-B",
        options={"maxiter": 300, "ftol": 1e-12, "gtol": 1e-6},
    )
    return np.asarray(found.x, dtype=float)


def _hits(patterns: Patterns, bands: int) -> Floats:
    reached = patterns.hit >= 0
    return np.bincount(patterns.hit[reached], patterns.n[reached], minlength=bands).astype(float)


def _loss(x: Floats, patterns: Patterns, free: Wholes) -> tuple[float, Floats]:
    """Minus the log likelihood, and its gradient."""
    mean, total = float(expit(x[0])), float(np.exp(x[1]))
    a, b = total * mean, total * (1 - mean)
    factors = np.ones(patterns.failed.shape[1])
    factors[free] = np.exp(x[2:])
    exposure = patterns.failed @ factors
    missed = patterns.hit < 0
    last = np.where(missed, 0.0, factors[np.maximum(patterns.hit, 0)])
    before, after = (_log_survive(a, b, s) for s in (exposure, exposure + last))
    drop = np.where(missed, -1.0, after - before)
    ends = np.where(missed, 0.0, np.log(-np.expm1(drop)))
    weight = np.where(missed, 0.0, np.exp(drop))
    scale = patterns.n / np.where(missed, 1.0, -np.expm1(drop))

    def slopes(s: Floats) -> tuple[Floats, Floats, Floats]:
        high, low = psi(a + b + s), psi(b + s)
        whole = psi(a + b)
        return whole - high, low - psi(b) + whole - high, low - high

    (a0, b0, s0), (a1, b1, s1) = slopes(exposure), slopes(exposure + last)
    by_a = float(scale @ (a0 - weight * a1))
    by_b = float(scale @ (b0 - weight * b1))
    by_exposure = scale * (s0 - weight * s1)
    by_last = -scale * weight * s1
    by_factor = by_exposure @ patterns.failed + np.bincount(
        patterns.hit[~missed], by_last[~missed], minlength=len(factors)
    )
    spread = mean * (1 - mean) * total
    gradient = [(by_a - by_b) * spread, by_a * a + by_b * b, *(by_factor * factors)[free]]
    weak = np.asarray(x[2:]) / _WIDE**2
    value = float(patterns.n @ (before + ends)) - float(x[2:] @ weak) / 2
    return -value, -(np.array(gradient) - np.array([0.0, 0.0, *weak]))


def _covariance(x: Floats, patterns: Patterns, free: Wholes) -> Floats:
    """The inverse of the observed information; the precision is fixed where leads are alike."""
    moving = np.array([k for k in range(len(x)) if k != 1 or _LEAST < x[1] < _MOST - 0.5])
    step = 1e-4
    rows = []
    for k in moving:
        unit = np.eye(len(x))[k] * step
        up, down = (_loss(x + sign * unit, patterns, free)[1] for sign in (1, -1))
        rows.append((up - down)[moving] / (2 * step))
    information = np.array(rows)
    covariance = np.zeros((len(x), len(x)))
    inverse = np.linalg.pinv((information + information.T) / 2, hermitian=True)
    covariance[np.ix_(moving, moving)] = inverse
    return covariance


def precision_limits(patterns: Patterns, fitted: Fitted) -> tuple[float, float]:
    """Limits of a + b by the profile likelihood; inf above where leads may be alike."""

    def lacks(precision: float) -> float:
        best = minimize(
            lambda m: _fixed(m, precision, patterns),
            fitted.point[:1],
            jac=True,
            method="L-BFGS-B",
            bounds=[(-12.0, 12.0)],
        )
        return 2 * (float(best.fun) + fitted.loglik) - _CHI2

    here = float(fitted.point[1])
    low = _LEAST if lacks(_LEAST) < 0 else float(brentq(lacks, _LEAST, here, xtol=1e-4))
    open_above = here >= _MOST - 0.01 or lacks(_MOST) < 0
    high = np.inf if open_above else float(brentq(lacks, here, _MOST, xtol=1e-4))
    return float(np.exp(low)), float(np.exp(high))


def _fixed(m: Floats, precision: float, patterns: Patterns) -> tuple[float, Floats]:
    value, gradient = _loss(np.array([m[0], precision]), patterns, np.array([], dtype=np.int64))
    return value, gradient[:1]


def likelihood_ratio(rich: float, poor: float, more: int, *, edge: bool = False) -> float:
    """P-value of the poorer model; at an `edge` of the parameters half of it (Self and Liang)."""
    p = float(chdtrc(more, max(2 * (rich - poor), 0.0)))
    return p / 2 if edge and rich > poor else p
