"""Two models of leaving: a logistic regression that can be read, and boosted trees."""

import warnings
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import pandas as pd

__all__ = ["Boosted", "Constant", "Logistic", "Model", "boosted", "logistic"]

Floats = npt.NDArray[np.float64]
_RIDGE = 1e-3
"""The penalty where the likelihood has no maximum, on standardised features."""
_Z = 1.959963984540054


class Model(Protocol):
    """Anything that gives a chance of leaving."""

    def chance(self, features: pd.DataFrame) -> Floats:
        """The chance of each row."""
        ...


@dataclass(frozen=True, kw_only=True)
class Constant:
    """The model where all left, nobody did, or nothing differs: the share itself."""

    share: float
    dropped: tuple[str, ...] = ()

    def chance(self, features: pd.DataFrame) -> Floats:
        """The share, for everybody."""
        return np.full(len(features), self.share)

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """Nothing contributes."""
        return pd.DataFrame(0.0, index=features.index, columns=features.columns)


@dataclass(frozen=True, kw_only=True, eq=False)
class Logistic:
    """A logistic regression on standardised features.

    `errors` are nan where the features separate those who left from those who stayed, or repeat
    each other; the coefficients are then held by a small penalty (`held`). `dropped` are the
    features that are the same for all, or are told by those before them.
    """

    names: tuple[str, ...]
    centre: Floats = field(repr=False)
    scale: Floats = field(repr=False)
    intercept: float
    coefficients: Floats = field(repr=False)
    errors: Floats = field(repr=False)
    held: bool
    dropped: tuple[str, ...]

    def chance(self, features: pd.DataFrame) -> Floats:
        """The chance of each row."""
        log_odds = self.contributions(features).to_numpy().sum(axis=1) + self.intercept
        found: Floats = 1 / (1 + np.exp(-log_odds))
        return found

    def contributions(self, features: pd.DataFrame) -> pd.DataFrame:
        """What each feature adds to the log odds, against the mean customer."""
        values = (features[list(self.names)].to_numpy(dtype=float) - self.centre) / self.scale
        return pd.DataFrame(values * self.coefficients, index=features.index, columns=self.names)

    def table(self) -> pd.DataFrame:
        """feature, odds (of a standard deviation more), odds_low, odds_high; strongest first."""
        low, high = (np.exp(self.coefficients + s * _Z * self.errors) for s in (-1, 1))
        frame = pd.DataFrame(
            {
                "feature": self.names,
                "odds": np.exp(self.coefficients),
                "odds_low": low,
                "odds_high": high,
            }
        )
        strength = np.abs(self.coefficients)
        return frame.iloc[np.argsort(-strength, kind="stable")].reset_index(drop=True)


def logistic(features: pd.DataFrame, left: npt.ArrayLike) -> Logistic | Constant:
    """Fit a logistic regression by statsmodels; a small penalty where there is no maximum."""
    from statsmodels.genmod.families import Binomial  # noqa: PLC0415 (slow to import)
    from statsmodels.genmod.generalized_linear_model import GLM  # noqa: PLC0415

    y = np.asarray(left, dtype=float)
    if not len(y):
        return Constant(share=float("nan"))
    values = features.to_numpy(dtype=float)
    centre, scale = values.mean(axis=0), values.std(axis=0)
    varies = scale > 1e-9
    varies[varies] = _independent((values[:, varies] - centre[varies]) / scale[varies])
    dropped = tuple(features.columns[~varies])
    if y.min() == y.max() or not varies.any():
        return Constant(share=float(y.mean()), dropped=dropped)
    x = (values[:, varies] - centre[varies]) / scale[varies]
    x = np.column_stack([np.ones(len(x)), x])
    found: Any
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            if np.linalg.cond(x) > 1e8:
                raise ArithmeticError
            found = GLM(y, x, family=Binomial()).fit(maxiter=50)
            errors, held = np.asarray(found.bse), False
            if not (found.converged and np.isfinite(errors).all() and errors.max() < 50):
                raise ArithmeticError
        except (Warning, ArithmeticError, ValueError, np.linalg.LinAlgError):
            held = True
    if held:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            found = GLM(y, x, family=Binomial()).fit_regularized(alpha=_RIDGE, L1_wt=0.0)
        errors = np.full(x.shape[1], np.nan)
    return Logistic(
        names=tuple(features.columns[varies]),
        centre=centre[varies],
        scale=scale[varies],
        intercept=float(found.params[0]),
        coefficients=np.asarray(found.params[1:], dtype=float),
        errors=errors[1:],
        held=held,
        dropped=dropped,
    )


def _independent(x: Floats) -> npt.NDArray[np.bool_]:
    """Which standardised columns are not told exactly by those before them."""
    if not x.size:
        return np.ones(x.shape[1], dtype=bool)
    triangle = np.linalg.qr(np.column_stack([np.ones(len(x)), x]), mode="r")
    rest = np.abs(np.diag(triangle))[1:]
    found = np.zeros(x.shape[1], dtype=bool)
    found[: len(rest)] = rest > 1e-6 * np.sqrt(len(x))
    return found


@dataclass(frozen=True, kw_only=True, eq=False)
class Boosted:
    """Gradient-boosted trees."""

    trees: Any = field(repr=False)

    def chance(self, features: pd.DataFrame) -> Floats:
        """The chance of each row."""
        found: Floats = self.trees.predict_proba(features.to_numpy(dtype=float))[:, 1]
        return found


def boosted(features: pd.DataFrame, left: npt.ArrayLike) -> Boosted | Constant:
    """Fit gradient-boosted trees by scikit-learn; shallow and slow, for books of some thousands."""
    from sklearn.ensemble import HistGradientBoostingClassifier  # noqa: PLC0415 (takes a second)

    y = np.asarray(left, dtype=float)
    if len(y) == 0 or y.min() == y.max():
        return Constant(share=float(y.mean()) if len(y) else float("nan"))
    trees = HistGradientBoostingClassifier(
        max_iter=120,
        learning_rate=0.06,
        max_depth=3,
        min_samples_leaf=40,
        early_stopping=False,
        random_state=0,
    )
    return Boosted(trees=trees.fit(features.to_numpy(dtype=float), y))
