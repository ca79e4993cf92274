"""Logistic regressions on counts, and how well chances tell wins from the rest."""

import warnings
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy.stats import norm

from crmkit.stats import wilson

__all__ = ["Odds", "area", "fitted_odds", "tenths"]

Floats = npt.NDArray[np.float64]

_FEWEST = 10
"""Wins, and losses, below which nothing is fitted."""
_WIDE = 10.0
"""A standard error of the log odds from which on a level has no finite odds (it never won)."""


@dataclass(frozen=True, kw_only=True)
class Odds:
    """A fitted regression: the log odds of each term with standard errors (nan: cannot be told)."""

    terms: tuple[str, ...]
    base: float
    slopes: Floats = field(repr=False)
    errors: Floats = field(repr=False)
    n: int

    def chance(self, design: pd.DataFrame) -> Floats:
        """The chance of each row of a design; a term that it lacks counts as zero."""
        values = design.reindex(columns=list(self.terms), fill_value=0.0).to_numpy(dtype=float)
        found: Floats = 1 / (1 + np.exp(-(self.base + values @ self.slopes)))
        return found

    def table(self) -> pd.DataFrame:
        """term, slope, low, high (log odds, 95%)."""
        half = float(norm.ppf(0.975)) * self.errors
        return pd.DataFrame(
            {
                "term": self.terms,
                "slope": np.where(np.isnan(self.errors), np.nan, self.slopes),
                "low": self.slopes - half,
                "high": self.slopes + half,
            }
        )


def fitted_odds(design: pd.DataFrame, won: npt.ArrayLike, n: npt.ArrayLike) -> Odds | None:
    """Regress wins of cells on a design; None where there are too few wins or losses to tell.

    Terms that never vary, or repeat others, are left out. Terms without a finite maximum (levels
    that never won) stay in, with unknown errors.
    """
    # Not at the top: with it loaded, a waiting process no longer hears Ctrl+C.
    import statsmodels.api as sm  # noqa: PLC0415

    wins, all_ = np.asarray(won, dtype=float), np.asarray(n, dtype=float)
    if min(wins.sum(), (all_ - wins).sum()) < _FEWEST:
        return None
    kept = _independent(design.to_numpy(dtype=float), all_)
    used = design.loc[:, kept]
    x = np.column_stack([np.ones(len(used)), used.to_numpy(dtype=float)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of levels that never won; told below
        model = sm.GLM(
            np.column_stack([wins, all_ - wins]), x, family=sm.families.Binomial()
        ).fit(maxiter=50)  # fmt: skip
    errors = np.asarray(model.bse, dtype=float)[1:]
    errors = np.where(np.isfinite(errors) & (errors < _WIDE), errors, np.nan)
    slopes = np.asarray(model.params, dtype=float)
    return Odds(
        terms=tuple(used.columns), base=float(slopes[0]), slopes=slopes[1:], errors=errors,
        n=int(all_.sum()),
    )  # fmt: skip


def _independent(x: Floats, weight: Floats) -> npt.NDArray[np.bool_]:
    """Which columns are not told by a constant and the columns before them."""
    rows = np.column_stack([np.ones(len(x)), x])[weight > 0]
    triangle = np.abs(np.diag(np.linalg.qr(rows, mode="r")))[1:] if x.size else np.zeros(0)
    found = np.zeros(x.shape[1], dtype=bool)
    found[: len(triangle)] = triangle > 1e-8 * np.sqrt(max(len(rows), 1))
    return found


def area(chance: Floats, won: Floats, n: Floats) -> tuple[float, float, float]:
    """The area under the ROC curve of cells, with DeLong's 95% interval (DeLong et al. 1988).

    The chance that a win is ranked above one that is none, ties counting half.
    """
    order = np.argsort(chance, kind="stable")
    _, level = np.unique(chance[order], return_inverse=True)
    good = np.bincount(level, won[order])
    bad = np.bincount(level, (n - won)[order])
    if good.sum() < 2 or bad.sum() < 2:
        return (float("nan"),) * 3
    above_bad = (np.cumsum(bad) - bad / 2) / bad.sum()
    below_good = 1 - (np.cumsum(good) - good / 2) / good.sum()
    value = float((good * above_bad).sum() / good.sum())
    spread = sum(
        float((count * (placed - value) ** 2).sum() / (count.sum() - 1) / count.sum())
        for count, placed in ((good, above_bad), (bad, below_good))
    )
    half = float(norm.ppf(0.975)) * spread**0.5
    return value, max(value - half, 0.0), min(value + half, 1.0)


def tenths(chance: Floats, won: Floats, n: Floats) -> pd.DataFrame:
    """Tenths by chance: tenth (1 the least), n, predicted, won, rate with interval, weak.

    Leads of one chance are one cell, which lies whole in the tenth of its middle.
    """
    cells = pd.DataFrame({"chance": chance, "won": won, "n": n})
    cells = cells[cells.n > 0].groupby("chance", as_index=False)[["won", "n"]].sum()
    middle = cells.n.cumsum() - cells.n / 2
    cells["tenth"] = (10 * middle / max(cells.n.sum(), 1)).astype(int).clip(0, 9) + 1
    cells["expected"] = cells.chance * cells.n
    found = cells.groupby("tenth", as_index=False)[["n", "won", "expected"]].sum()
    low, high = wilson(found.won, found.n)
    return found.assign(
        predicted=found.expected / found.n, rate=found.won / found.n, rate_low=low, rate_high=high,
        weak=found.n < 30,
    )  # fmt: skip
