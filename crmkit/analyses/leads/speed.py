"""What speed is worth: the odds of a win by the wait, all else held equal."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

__all__ = ["Speed", "fitted"]

_FEWEST = 10
"""Wins, and assignments without one, below which nothing is fitted."""


@dataclass(frozen=True, kw_only=True)
class Speed:
    """The change of the log odds to be won for each unit of log(1 + hours waited), 95% interval.

    `odds` is what the odds come to after one working hour against none.
    """

    slope: float
    low: float
    high: float
    n: int

    @property
    def odds(self) -> tuple[float, float, float]:
        """The odds of a win after an hour over those at once, with their interval."""
        value, low, high = (float(np.exp(s * np.log(2))) for s in (self.slope, self.low, self.high))
        return value, low, high


def fitted(cells: pd.DataFrame) -> Speed | None:
    """A logistic regression of won on the wait, with source, owner and round as levels.

    Parameters: `cells`: source, agent, round, waited (log(1 + hours)), mature, won. Owners with
    fewer than 30 assignments share a level, as do rounds from the third on.
    Returns: Speed; None where there are too few wins to tell.
    """
    # Not at the top: with it loaded, a waiting process no longer hears Ctrl+C.
    import statsmodels.api as sm  # noqa: PLC0415

    wins, all_ = int(cells.won.sum()), int(cells.mature.sum())
    if min(wins, all_ - wins) < _FEWEST:
        return None
    sizes = cells.groupby("agent").mature.transform("sum")
    levels = pd.DataFrame(
        {
            "source": cells.source,
            "agent": cells.agent.where(sizes >= 30, "other"),
            "round": cells["round"].clip(upper=3).astype(str),
        }
    )
    design = pd.get_dummies(levels, drop_first=True, dtype=float)
    design.insert(0, "waited", cells.waited.astype(float))
    design = sm.add_constant(design, has_constant="add")
    outcome = np.column_stack([cells.won, cells.mature - cells.won])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # levels without a win have no finite odds; speed has
        model = sm.GLM(outcome, design, family=sm.families.Binomial()).fit()
    slope, error = float(model.params["waited"]), float(model.bse["waited"])
    if not np.isfinite(slope) or not np.isfinite(error):
        return None
    half = float(norm.ppf(0.975)) * error
    return Speed(slope=slope, low=slope - half, high=slope + half, n=all_)
