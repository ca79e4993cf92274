"""Does the score find those whom the action moves? The Qini curve, from counts by score."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

__all__ = ["Qini", "qini"]

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Qini:
    """The curve of a score: `reached`, the share of customers; `gained`, the buyers won by then.

    `low` and `high` hold the curves of a score that knows nothing; `coefficient` is the area
    between curve and straight line a treated customer, `p_value` how often chance does as well.
    """

    reached: Floats
    gained: Floats
    low: Floats
    high: Floats
    coefficient: float
    p_value: float


def qini(
    treated: npt.ArrayLike,
    bought_treated: npt.ArrayLike,
    held: npt.ArrayLike,
    bought_held: npt.ArrayLike,
    *,
    draws: int = 1000,
    seed: int = 0,
    level: float = 0.95,
) -> Qini:
    """The Qini curve, its coefficient and the band of chance (Radcliffe 2007).

    Buyers won among the best k groups are Y_t - Y_c x N_t / N_c. The band deals the same buyers
    of each arm out over its customers without regard to the score.

    Parameters: counts by score, the highest first, customers of one score in one group.
    Returns: a Qini whose arrays begin at 0; all nan where an arm is empty.

    >>> found = qini([1, 1], [1, 0], [1, 1], [0, 0])
    >>> found.gained.tolist(), found.coefficient
    ([0.0, 1.0, 1.0], 0.125)
    """
    n_t, x_t, n_c, x_c = (
        np.asarray(counts, dtype=np.int64)
        for counts in (treated, bought_treated, held, bought_held)
    )
    if n_t.sum() == 0 or n_c.sum() == 0:
        blank = np.full(len(n_t) + 1, np.nan)
        return Qini(
            reached=blank, gained=blank, low=blank, high=blank,
            coefficient=float("nan"), p_value=float("nan"),
        )  # fmt: skip
    sizes = n_t + n_c
    reached = np.r_[0.0, np.cumsum(sizes) / sizes.sum()]
    gained = _curve(x_t[None], x_c[None], n_t, n_c)
    rng = np.random.default_rng(seed)
    chance = _curve(
        rng.multivariate_hypergeometric(n_t, int(x_t.sum()), size=draws, method="marginals"),
        rng.multivariate_hypergeometric(n_c, int(x_c.sum()), size=draws, method="marginals"),
        n_t,
        n_c,
    )
    low, high = np.quantile(chance, [(1 - level) / 2, (1 + level) / 2], axis=0)
    area = float(_area(gained, reached)[0]) / float(n_t.sum())
    by_chance = _area(chance, reached) / float(n_t.sum())
    p_value = float((1 + (by_chance >= area - 1e-12).sum()) / (1 + draws))
    return Qini(
        reached=reached, gained=gained[0], low=low, high=high, coefficient=area, p_value=p_value
    )


def _curve(
    x_t: npt.NDArray[np.int64],
    x_c: npt.NDArray[np.int64],
    n_t: npt.NDArray[np.int64],
    n_c: npt.NDArray[np.int64],
) -> Floats:
    """Buyers won by each cut, one curve a row; without anyone held out yet, all buyers count."""
    scale = np.cumsum(n_t) / np.maximum(np.cumsum(n_c), 1)
    won = np.cumsum(x_t, axis=1) - np.cumsum(x_c, axis=1) * scale
    return np.concatenate([np.zeros((len(won), 1)), won], axis=1)


def _area(curves: Floats, reached: Floats) -> Floats:
    """Between each curve and the straight line to its end, by trapezes."""
    heights = curves - curves[:, -1:] * reached
    areas: Floats = ((heights[:, 1:] + heights[:, :-1]) / 2 * np.diff(reached)).sum(axis=1)
    return areas
