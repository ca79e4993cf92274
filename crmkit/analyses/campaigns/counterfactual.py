"""What would have been: three forecasts of a campaign's days from the days before."""

import warnings
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.special import stdtrit

__all__ = ["Effect", "against_control", "by_model", "by_weekday"]

Floats = npt.NDArray[np.float64]
_WEEK = 7
_DRAWS = 2000


@dataclass(frozen=True, kw_only=True)
class Effect:
    """What happened, what was expected without the campaign, and the difference with its limits."""

    actual: float
    expected: float
    extra: float
    low: float
    high: float

    @property
    def outside(self) -> bool:
        """Whether no effect lies outside the interval."""
        return bool(self.low > 0 or self.high < 0)


@dataclass(frozen=True)
class _Weekdays:
    """The mean of each weekday before, what it says of the days watched, and how sure that is."""

    expected: float
    error: float  # variance of the expected total over the dispersion
    dispersion: float  # variance of a day over its mean
    freedom: int

    @classmethod
    def of(cls, before: "pd.Series[float]", watched: "pd.Series[float]") -> "_Weekdays":
        weekday = pd.DatetimeIndex(before.index).day_of_week
        means = before.groupby(weekday).mean()
        counts = before.groupby(weekday).size()
        asked = pd.Series(pd.DatetimeIndex(watched.index).day_of_week).value_counts()
        shared = means.reindex(asked.index)
        fitted = means.loc[weekday].to_numpy()
        freedom = len(before) - len(means)
        known = fitted > 0
        squares = (before.to_numpy()[known] - fitted[known]) ** 2 / fitted[known]
        return cls(
            expected=float((shared * asked).sum()),
            error=float((asked**2 * shared / counts.reindex(asked.index)).sum()),
            dispersion=float(squares.sum() / freedom) if freedom > 0 else float("nan"),
            freedom=freedom,
        )

    @property
    def quantile(self) -> float:
        return float(stdtrit(self.freedom, 0.975))


def by_weekday(before: "pd.Series[float]", watched: "pd.Series[float]") -> Effect:
    """Against the mean of the same weekdays before; days vary more than Poisson, as measured.

    The interval is Student's, with the variance of a day proportional to its mean (quasi-Poisson).
    It takes for granted that nothing but the campaign changed.
    """
    days = _Weekdays.of(before, watched)
    actual = float(watched.sum())
    spread = days.quantile * np.sqrt(days.dispersion * (days.expected + days.error))
    extra = actual - days.expected
    return Effect(
        actual=actual,
        expected=days.expected,
        extra=extra,
        low=extra - spread,
        high=extra + spread,
    )


def against_control(before: pd.DataFrame, watched: pd.DataFrame) -> Effect:
    """Difference in differences: the change of the reached over that of the untouched.

    Both are compared with their own weekdays before; the interval is of the logarithm of the ratio
    of changes. It takes for granted that both would have changed alike, in per cent.
    Parameters: frames by day with the columns `value` and `control`.
    """
    own = _Weekdays.of(before.value, watched.value)
    other = _Weekdays.of(before.control, watched.control)
    actual, untouched = float(watched.value.sum()), float(watched.control.sum())
    if min(actual, untouched, own.expected, other.expected) <= 0:
        return Effect(actual=actual, **dict.fromkeys(("expected", "extra", "low", "high"), np.nan))
    log_change = np.log(untouched / other.expected)
    variance = sum(
        days.dispersion * (1 / total + days.error / days.expected**2)
        for days, total in ((own, actual), (other, untouched))
    )
    half = min(own.quantile, 20.0) * np.sqrt(variance)
    expected, most, least = (
        float(own.expected * np.exp(log_change + shift)) for shift in (0.0, half, -half)
    )
    return Effect(
        actual=actual,
        expected=expected,
        extra=actual - expected,
        low=actual - most,
        high=actual - least,
    )


def by_model(
    before: pd.DataFrame, watched: pd.DataFrame, *, seed: int
) -> tuple[Effect, pd.DataFrame]:
    """A structural time series: a level that wanders, and weekdays, on the logarithm.

    After Brodersen et al. (2015), fitted by maximum likelihood in place of priors. Where there are
    untouched customers, the logarithm of the ratio to them is forecast, so that what both share
    cancels out. The interval is of paths simulated from the end of the days before; in simulated
    series with and without a wandering level it covered 90 to 94 % of effects, not 95.
    Parameters: frames by day with `value`, and `control` where there is one; `seed`.
    Returns: the effect, and by day the expected value with its limits.
    """
    from statsmodels.tsa.statespace.structural import UnobservedComponents  # noqa: PLC0415

    base, ahead = _untouched(before), _untouched(watched)
    ratio = np.log(_above_zero(before.value)) - np.log(base)
    middle, scale = float(ratio.mean()), float(ratio.std()) or 1.0
    model = UnobservedComponents(
        (ratio - middle) / scale, level="local level", seasonal=_WEEK, stochastic_seasonal=False
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a flat level ends on the edge of what is allowed
        paths = model.fit(disp=False, maxiter=200).simulate(
            len(watched), anchor="end", repetitions=_DRAWS, rng=np.random.default_rng(seed)
        )
    steps = np.asarray(paths, dtype=float).reshape(len(watched), _DRAWS)
    drawn = np.exp(middle + scale * steps) * ahead[:, None]
    low, mid, high = np.quantile(drawn, [0.025, 0.5, 0.975], axis=1)
    by_day = pd.DataFrame({"expected": mid, "low": low, "high": high}, index=watched.index)
    least, total, most = np.quantile(drawn.sum(axis=0), [0.025, 0.5, 0.975])
    actual = float(watched.value.sum())
    effect = Effect(
        actual=actual,
        expected=float(total),
        extra=actual - float(total),
        low=actual - float(most),
        high=actual - float(least),
    )
    return effect, by_day


def _above_zero(values: "pd.Series[float]") -> Floats:
    """Values, with half of the least that is above zero added, so that all have a logarithm."""
    known = values.to_numpy(dtype=float)
    least = known[known > 0].min(initial=np.inf)
    return np.asarray(known + (least / 2 if (known <= 0).any() and np.isfinite(least) else 0.0))


def _untouched(frame: pd.DataFrame) -> Floats:
    if "control" not in frame:
        return np.ones(len(frame))
    return _above_zero(frame.control)
