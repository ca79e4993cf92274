"""Factors of hours within lists: each list has its own reachability, the hours' factors are shared.

Lists differ in how easily their leads are reached, and are dialled at different hours. One
distribution for all would read that as an effect of the hour. So each list is fitted by itself, and
the logarithms of its factors are averaged by their precision (generalised least squares).
"""

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.special import chdtrc

from crmkit.analyses.reach.fit import Fitted, Patterns, fit

__all__ = ["Within", "fit_within"]

Floats = npt.NDArray[np.float64]

_LEAST_LEADS = 100
"""Lists with fewer leads say too little to be fitted by themselves."""


class Within(NamedTuple):
    """The shared factors in a fit of all leads, that all are 1 (Wald), and how many lists tell."""

    fitted: Fitted | None
    p: float
    lists: int


def fit_within(strata: Iterable[Patterns], plain: Fitted | None) -> Within:
    """The factors of bands that the lists agree on, in the reachability of all leads.

    Parameters: `strata`, the patterns of each list; `plain`, the fit of all leads without factors.
    Returns: no fit where no list is large enough, or none was dialled in two bands.
    """
    kept = [s for s in strata if s.n.sum() >= _LEAST_LEADS]
    told = [(one, found) for one in kept if (found := fit(one, factored=True)) is not None]
    told = [(one, found) for one, found in told if len(found.free)]
    if plain is None or not told:
        return Within(None, float("nan"), 0)
    bands = told[0][0].failed.shape[1]
    used = sum((_dials(one, bands) for one, _ in told), np.zeros(bands))
    information, score = np.zeros((bands, bands)), np.zeros(bands)
    for _, found in told:
        weight, moved = _contrasts(found, bands)
        information += weight
        score += weight @ moved
    # Only differences between bands are known: the band of most dials has factor 1.
    free = np.array([k for k in np.flatnonzero(used) if k != int(np.argmax(used))])
    inner = information[np.ix_(free, free)]
    covariance = np.linalg.pinv(inner, hermitian=True)
    logs = covariance @ score[free]
    factors = np.where(used > 0, 1.0, np.nan)
    factors[free] = np.exp(logs)
    whole = np.zeros((2 + len(free), 2 + len(free)))
    whole[:2, :2] = plain.covariance[:2, :2]
    whole[2:, 2:] = covariance
    wald = float(logs @ inner @ logs)
    fitted = Fitted(
        a=plain.a,
        b=plain.b,
        factors=factors,
        free=free,
        loglik=plain.loglik,
        covariance=whole,
    )
    return Within(fitted, float(chdtrc(len(free), max(wald, 0.0))), len(told))


def _dials(patterns: Patterns, bands: int) -> Floats:
    reached = patterns.hit >= 0
    hits = np.bincount(patterns.hit[reached], patterns.n[reached], minlength=bands)
    return np.asarray(patterns.n @ patterns.failed + hits, dtype=float)


def _contrasts(found: Fitted, bands: int) -> tuple[Floats, Floats]:
    """The information of a list on the log factors of all bands, and their values.

    Its own base band is one of the unknowns too: the information says nothing of a common level.
    """
    base = np.flatnonzero(found.factors == 1.0)
    base = base[~np.isin(base, found.free)]
    own = np.linalg.pinv(found.covariance[2:, 2:], hermitian=True)
    design = np.zeros((len(found.free), bands))
    design[np.arange(len(found.free)), found.free] = 1.0
    design[:, base[0]] -= 1.0
    values = np.zeros(bands)
    values[found.free] = np.log(found.factors[found.free])
    return np.asarray(design.T @ own @ design), values
