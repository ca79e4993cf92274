"""Next week's calls by interval, with a band, by the model that erred least on weeks not seen."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from crmkit.analyses.staffing.history import History
from crmkit.analyses.staffing.models import LEAST, MODELS

__all__ = ["LEVELS", "Band", "Forecast", "forecast"]

Floats = npt.NDArray[np.float64]

LEVELS = (0.80, 0.95)
"""The coverage of the bands."""
_ORIGINS = 4
"""The last so many weeks are forecast from what came before them."""
_HARDLY = 1.02
"""A model that errs up to this many times as much as another is hardly worse."""
_SMALLEST = 0.5
"""Intervals with fewer calls expected tell nothing about how far calls scatter."""


@dataclass(frozen=True)
class Band:
    """How far calls scatter around a forecast m: with the variance phi m + kappa m^2.

    `phi` is 1 for independent callers; `kappa`, the squared coefficient of variation that whole
    weeks and days share.
    """

    phi: float = 1.0
    kappa: float = 0.0

    def limits(self, mean: npt.ArrayLike, level: float) -> tuple[Floats, Floats]:
        """The limits between which a count lies with that probability, or more.

        Quantiles of the negative binomial with that mean and variance, of Poisson's without excess.
        """
        from scipy.stats import nbinom, poisson  # noqa: PLC0415 (takes a second)

        m = np.asarray(mean, dtype=float)
        excess = np.maximum((self.phi - 1) + self.kappa * m, 0.0)
        ends = []
        for share in ((1 - level) / 2, (1 + level) / 2):
            plain = poisson.ppf(share, np.maximum(m, 1e-12))
            wide = nbinom.ppf(
                share, np.maximum(m, 1e-12) / np.maximum(excess, 1e-9), 1 / (1 + excess)
            )
            end = np.where(excess > 1e-6, wide, plain)
            ends.append(np.where(np.isnan(m), np.nan, np.where(m > 0, end, 0.0)))
        return ends[0], ends[1]


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """Expected calls by weekday and interval of length 1, and how well such forecasts did.

    `model`, which was chosen; `accuracy`, one row a model: wape (sum of absolute errors / calls) on
    weeks not seen, weeks (how many), chosen, and chance, the wape of a forecast that knew the mean
    of Poisson counts exactly; `covered`, the share of those intervals inside the 80 % band.
    """

    mean: Floats
    band: Band
    model: str
    accuracy: pd.DataFrame
    covered: float


def forecast(past: History, *, ahead: int) -> Forecast:
    """Forecast the week that is `ahead` weeks after the last of the history.

    Each model forecasts each of the last weeks from what was known so many weeks before; of those
    within a fiftieth of the least error the first in `MODELS` is used on all weeks. With too few
    weeks for that, the profile is used, and the band is Poisson's with the uncertainty of the mean.
    """
    tests = range(max(LEAST + ahead - 1, len(past) - _ORIGINS), len(past))
    made = {name: _tested(past, name, ahead, tests) for name in MODELS}
    errors = {name: _wape(told.actual, told.expected) for name, told in made.items()}
    known = not all(np.isnan(error) for error in errors.values())
    model = _best(errors) if known else _without_tests(past)
    told = made[model]
    band = _fitted(told) if known else Band(1 + 1 / max(len(past), 1))
    low, high = band.limits(told.expected, LEVELS[0])
    return Forecast(
        mean=MODELS[model](past, ahead) * past.open,
        band=band,
        model=model,
        accuracy=pd.DataFrame(
            {
                "model": list(MODELS),
                "wape": [errors[name] for name in MODELS],
                "weeks": len(tests),
                "chosen": [name == model for name in MODELS],
                "chance": _chance(told.expected.to_numpy()),
            }
        ),
        covered=float(((told.actual >= low) & (told.actual <= high)).mean()),
    )


def _best(errors: Mapping[str, float]) -> str:
    """The model to prefer of those that err hardly more than the least."""
    least = min(error for error in errors.values() if not np.isnan(error))
    return next(name for name, error in errors.items() if error <= least * _HARDLY)


def _without_tests(past: History) -> str:
    return "profile" if len(past) >= LEAST else "naive"


def _tested(past: History, name: str, ahead: int, tests: range) -> pd.DataFrame:
    """Calls of the weeks tested (week, weekday, actual), and what the model had said (expected)."""
    parts = [pd.DataFrame({"week": [], "weekday": [], "actual": [], "expected": []}, dtype=float)]
    for week in tests:
        said = MODELS[name](past.until(week - ahead + 1), ahead) * past.length[week]
        weekday, slot = np.nonzero(past.seen[week] & past.open)
        parts.append(
            pd.DataFrame(
                {
                    "week": week,
                    "weekday": weekday,
                    "actual": past.calls[week][weekday, slot],
                    "expected": said[weekday, slot],
                }
            )
        )
    return pd.concat(parts[1:] or parts, ignore_index=True)


def _wape(actual: "pd.Series[float]", expected: "pd.Series[float]") -> float:
    """The sum of absolute errors over the sum of calls."""
    whole = float(actual.sum())
    return float((actual - expected).abs().sum()) / whole if whole > 0 else float("nan")


def _chance(expected: Floats) -> float:
    """The wape that remains when the mean of Poisson counts is known (de Moivre 1730)."""
    from scipy.special import gammaln  # noqa: PLC0415

    m = expected[expected > 0]
    if not len(m):
        return float("nan")
    whole = np.floor(m)
    deviation = 2 * np.exp(-m + (whole + 1) * np.log(m) - gammaln(whole + 1))
    return float(deviation.sum() / m.sum())


def _fitted(told: pd.DataFrame) -> Band:
    """Phi and kappa by weighted least squares on squared errors over means, neither below chance.

    Intervals tell phi; days and weeks, whose means are large, tell kappa.
    """
    from scipy.optimize import nnls  # noqa: PLC0415

    days = told.groupby(["week", "weekday"])[["actual", "expected"]].sum()
    weeks = told.groupby("week")[["actual", "expected"]].sum()
    rows = pd.concat([told, days, weeks])
    rows = rows[rows.expected >= _SMALLEST]
    m = rows.expected.to_numpy()
    square = (rows.actual.to_numpy() - m) ** 2 / m
    phi, kappa = 1.0, 0.0
    for _ in range(5 if len(m) else 0):
        weight = 1 / (phi + kappa * m)
        (phi, kappa), _rest = nnls(np.column_stack([weight, weight * m]), square * weight)
        phi = max(phi, 1.0)
    return Band(float(phi), float(kappa))
