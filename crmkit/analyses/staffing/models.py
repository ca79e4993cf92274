"""Four ways to say what next week brings: last week again, a profile, a regression, a trend."""

import warnings
from collections.abc import Callable, Mapping

import numpy as np
import numpy.typing as npt

from crmkit.analyses.staffing.history import History

__all__ = ["LEAST", "MODELS", "Model"]

Floats = npt.NDArray[np.float64]
Model = Callable[[History, int], Floats]
"""From a history and how many weeks ahead to expected calls by weekday and interval of length 1."""

LEAST = 2
"""Weeks that a model other than the naive one needs."""
_FITTED = 8
"""From so many weeks on the smoothing factor is fitted; below, it is `_SMOOTHING`."""
_SMOOTHING = 0.4
_TREND = 3
"""From so many weeks on a trend can be told."""


def naive(past: History, ahead: int) -> Floats:
    """The same interval of the last week in which it was open."""
    found = np.zeros(past.open.shape)
    for calls, seen, length in zip(past.calls, past.seen, past.length, strict=True):
        found = np.where(seen, calls / np.where(length > 0, length, 1.0), found)
    return found


def profile(past: History, ahead: int) -> Floats:
    """A week's profile times its level; the level by simple exponential smoothing.

    Both are the likeliest of independent Poisson counts with mean level x profile.
    """
    exposure = past.length * past.seen
    calls = past.calls * past.seen
    level = np.ones(len(past))
    shape = np.zeros(past.open.shape)
    for _ in range(50):
        shape = _over(calls.sum(axis=0), (level[:, None, None] * exposure).sum(axis=0))
        level = _over(calls.sum(axis=(1, 2)), (shape * exposure).sum(axis=(1, 2)))
        level = np.where(level > 0, level / max(level.mean(), 1e-300), 1.0)
    return shape * _smoothed(level)


def _over(part: Floats, whole: Floats) -> Floats:
    return np.divide(part, whole, out=np.zeros_like(part), where=whole > 0)


def _smoothed(level: Floats) -> float:
    """The level of the weeks to come."""
    if len(level) < LEAST or np.allclose(level, level[0]):
        return float(level[-1])
    from statsmodels.tsa.holtwinters import SimpleExpSmoothing  # noqa: PLC0415 (takes a second)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of an optimiser that stops at 0 or 1, where it may
        model = SimpleExpSmoothing(
            level, initialization_method="known", initial_level=float(level[:3].mean())
        )
        fit = (
            model.fit(optimized=True)
            if len(level) >= _FITTED
            else model.fit(smoothing_level=_SMOOTHING, optimized=False)
        )
        return float(fit.forecast(1)[0])


def regression(past: History, ahead: int) -> Floats:
    """A Poisson regression on weekday and interval, times a smoothed level.

    It takes the shape of a day to be the same on all weekdays, and so learns it from all of them.
    """
    shape, level = _day_shapes(past, np.ones(len(past)))
    shape, level = _day_shapes(past, level)
    return shape * _smoothed(level)


def trend(past: History, ahead: int) -> Floats:
    """The same regression, times a level that grows by the same share every week."""
    import statsmodels.api as sm  # noqa: PLC0415 (takes a second)

    shape, level = _day_shapes(past, np.ones(len(past)))
    if len(past) < _TREND or not level.all():
        return shape * _smoothed(level)
    calls = (past.calls * past.seen).sum(axis=(1, 2))
    for _ in range(2):
        exposure = (shape * past.length * past.seen).sum(axis=(1, 2))
        week = sm.add_constant(np.arange(len(past)) - (len(past) - 1.0))
        line = _poisson(calls, week, exposure)
        shape, _level = _day_shapes(past, np.exp(week @ line))
    return shape * float(np.exp(line[0] + line[1] * ahead))


def _day_shapes(past: History, level: Floats) -> tuple[Floats, Floats]:
    """Weekday times interval, fitted to the sums over weeks, and each week's level over it."""
    calls = (past.calls * past.seen).sum(axis=0)
    exposure = (level[:, None, None] * past.length * past.seen).sum(axis=0)
    weekday, slot = np.nonzero(past.open & (exposure > 0))
    days, times = calls.sum(axis=1)[weekday] > 0, calls.sum(axis=0)[slot] > 0
    weekday, slot = weekday[days & times], slot[days & times]
    shape = np.zeros(past.open.shape)
    if not len(slot):
        return shape, np.ones(len(past))
    rows = np.hstack(
        [weekday[:, None] == np.unique(weekday), slot[:, None] == np.unique(slot)[1:]]
    ).astype(float)
    fit = _poisson(calls[weekday, slot], rows, exposure[weekday, slot])
    shape[weekday, slot] = np.exp(rows @ fit)
    whole = past.length * past.seen
    found = _over((past.calls * past.seen).sum(axis=(1, 2)), (shape * whole).sum(axis=(1, 2)))
    return shape, found


def _poisson(calls: Floats, rows: Floats, exposure: Floats) -> Floats:
    """Coefficients of a Poisson regression."""
    import statsmodels.api as sm  # noqa: PLC0415 (takes a second)

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a perfect fit, which is no fault
        model = sm.GLM(calls, rows, family=sm.families.Poisson(), offset=np.log(exposure))
        return np.asarray(model.fit().params)


MODELS: Mapping[str, Model] = {
    "regression": regression,
    "profile": profile,
    "trend": trend,
    "naive": naive,
}
"""By name, the one to prefer among near equals first."""
