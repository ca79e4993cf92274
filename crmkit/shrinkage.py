"""Comparing many rates fairly: are they more unequal than chance makes them, and who differs.

The rates of many agents differ by chance alone. Each is taken as binomial around its own expected
rate, and the true rates as beta distributed around it (beta-binomial, empirical Bayes).
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.special import bdtrik, betainc, gammaln

__all__ = [
    "Identical",
    "Shrunk",
    "best_over_mean",
    "funnel_limits",
    "identical",
    "ninth_over_first",
    "overdispersion",
    "shrink",
]

Floats = npt.NDArray[np.float64]

_SPREADS = np.geomspace(0.004, 1.6, 160)
"""Standard deviations of the log-odds of true rates that are weighed against each other."""
_PLAUSIBLE = 0.5  # scale of the half-normal prior of that deviation


@dataclass(frozen=True, kw_only=True)
class Shrunk:
    """What is known of the true rates, each as a ratio to the rate expected of it.

    `ratio`, the estimate, 1 for all where the rates differ no more than by chance; `low` and
    `high`, the credible interval; `above`, the probability of a ratio above 1; `top`, of being
    among the highest tenth; `rank_low` and `rank_high`, the interval of the rank, 1 the highest.
    `statistic` and `p_value` of the hypothesis that all ratios are 1; `above_chance`, whether it is
    refused; `spread`, the standard deviation of the log-odds of the true rates (posterior mean),
    with `spread_low` and `spread_high`. Not known is nan.
    """

    ratio: Floats
    low: Floats
    high: Floats
    above: Floats
    top: Floats
    rank_low: Floats
    rank_high: Floats
    statistic: float
    p_value: float
    above_chance: bool
    spread: float
    spread_low: float
    spread_high: float

    def held(self) -> "Shrunk":
        """The same with all estimates at what is expected, as where chance suffices."""
        return replace(self, ratio=np.ones(len(self.ratio)), above_chance=False)


@dataclass(frozen=True, kw_only=True)
class Identical:
    """What a floor of identical agents looks like: how unequal chance alone makes them.

    `best`, the highest rate over the mean rate, and `range`, the ninth decile over the first, of
    each simulated floor.
    """

    best: Floats
    range: Floats


def shrink(
    successes: npt.ArrayLike,
    n: npt.ArrayLike,
    expected: npt.ArrayLike | None = None,
    *,
    seed: int,
    draws: int = 4000,
    level: float = 0.95,
    alpha: float = 0.05,
) -> Shrunk:
    """Empirical-Bayes estimates of many rates, shrunk to what is expected of each.

    The true rate p of a unit with expected rate m is Beta(mk, (1-m)k). The concentration k is not
    plugged in but weighed: over a grid of the spread (the standard deviation of the log-odds, with
    a half-normal prior of scale 0.5) by the beta-binomial likelihood, so that intervals stay honest
    where the spread itself is hardly known. Where the rates differ no more than by chance, the
    estimates are the expected rates themselves, and the intervals say what may still be.

    Parameters: `successes` and `n`, counts above 0 of cases, one for each unit; `expected`,
    expected successes (by default the common rate), used as given; `seed` of the draws; `draws`,
    how many; `level` of the intervals; `alpha`, the level of the test.
    Returns: a `Shrunk` with one value a unit; with one unit, or where all or no cases succeeded,
    there is nothing to compare and intervals are nan.

    >>> found = shrink([30, 10, 12, 8], [100, 100, 100, 100], seed=1)
    >>> found.above_chance, found.ratio.round(2).tolist()
    (True, [1.76, 0.75, 0.85, 0.65])
    """
    x, cases, mean = _checked(successes, n, expected)
    units = len(x)
    if units < 2 or x.sum() in (0, cases.sum()):
        return _unknown(units)
    rng = np.random.default_rng(seed)
    statistic, p_value = _heterogeneity(x, cases, mean, rng, draws)
    weights, likely = _spread_weights(x, cases, mean)
    centre = float(x.sum() / cases.sum())
    k = _concentrations(_SPREADS, centre)
    posterior = (mean * k[:, None] + x) / (k[:, None] + cases)
    chosen = rng.choice(len(_SPREADS), size=draws, p=weights)
    rates = rng.beta(
        np.maximum(mean * k[chosen, None] + x, 1e-12),
        np.maximum((1 - mean) * k[chosen, None] + cases - x, 1e-12),
    )
    ratios = rates / mean
    ranks = _ranks(ratios)
    tail = (1 - level) / 2
    low, high = np.quantile(ratios, [tail, 1 - tail], axis=0)
    first, last = np.quantile(ranks, [tail, 1 - tail], axis=0, method="nearest")
    differ = p_value < alpha
    return Shrunk(
        ratio=weights @ posterior / mean if differ else np.ones(units),
        low=low,
        high=high,
        above=(ratios > 1).mean(axis=0),
        top=(ranks <= -(-units // 10)).mean(axis=0),
        rank_low=first,
        rank_high=last,
        statistic=statistic,
        p_value=p_value,
        above_chance=bool(differ),
        spread=float(weights @ _SPREADS),
        spread_low=likely(tail),
        spread_high=likely(1 - tail),
    )


def _checked(
    successes: npt.ArrayLike, n: npt.ArrayLike, expected: npt.ArrayLike | None
) -> tuple[Floats, Floats, Floats]:
    x, cases = np.asarray(successes, dtype=float), np.asarray(n, dtype=float)
    common = x.sum() / cases.sum() if len(x) else np.nan
    e = cases * common if expected is None else np.asarray(expected, dtype=float)
    return x, cases, np.clip(e / cases, 1e-12, 1 - 1e-12)


def _unknown(units: int) -> Shrunk:
    nothing = np.full(units, np.nan)
    return Shrunk(
        ratio=np.ones(units),
        low=nothing,
        high=nothing,
        above=nothing,
        top=nothing,
        rank_low=nothing,
        rank_high=nothing,
        statistic=float("nan"),
        p_value=float("nan"),
        above_chance=False,
        spread=float("nan"),
        spread_low=float("nan"),
        spread_high=float("nan"),
    )


def _ranks(values: Floats) -> Floats:
    """The rank of each unit in each draw, 1 the highest."""
    order = np.argsort(-values, axis=1, kind="stable")
    ranks = np.empty_like(values)
    np.put_along_axis(ranks, order, np.arange(1.0, values.shape[1] + 1)[None, :], axis=1)
    return ranks


def _concentrations(spread: Floats, rate: float) -> Floats:
    """The k at which a beta distribution around the rate has that spread of its log-odds."""
    return np.maximum(1 / (rate * (1 - rate) * spread**2) - 1, 1e-3)


def _log_likelihood(x: Floats, n: Floats, mean: Floats, k: Floats) -> Floats:
    """Beta-binomial log-likelihood at each k, but for a constant."""
    a, b = mean * k[:, None], (1 - mean) * k[:, None]
    each = gammaln(a + x) - gammaln(a) + gammaln(b + n - x) - gammaln(b)
    total = each - gammaln(a + b + n) + gammaln(a + b)
    return np.asarray(total.sum(axis=1))


def _spread_weights(x: Floats, n: Floats, mean: Floats) -> tuple[Floats, Callable[[float], float]]:
    """Posterior weights of the grid of spreads, and their quantiles."""
    rate = float(x.sum() / n.sum())
    log = _log_likelihood(x, n, mean, _concentrations(_SPREADS, rate))
    log = log - 0.5 * (_SPREADS / _PLAUSIBLE) ** 2 + np.log(_SPREADS)  # the grid is geometric
    weights = np.exp(log - log.max())
    weights /= weights.sum()
    cumulated = np.cumsum(weights)

    def quantile(q: float) -> float:
        return float(_SPREADS[min(int(np.searchsorted(cumulated, q)), len(_SPREADS) - 1)])

    return weights, quantile


def _heterogeneity(
    x: Floats, n: Floats, mean: Floats, rng: np.random.Generator, draws: int
) -> tuple[float, float]:
    """Pearson's statistic, and how often units that all do as expected exceed it.

    Simulated, because chi-squared does not hold for few successes; at least 1 / (draws + 1).
    """

    def pearson(counts: Floats) -> Floats:
        """About the expected rates, lifted or lowered to the total that came."""
        lift = counts.sum(axis=-1, keepdims=True) / (n * mean).sum()
        rate = np.clip(mean * lift, 1e-12, 1 - 1e-12)
        return np.asarray(((counts - n * rate) ** 2 / (n * rate * (1 - rate))).sum(axis=-1))

    statistic = float(pearson(x))
    simulated = pearson(rng.binomial(n.astype(np.int64), mean, (draws, len(x))).astype(float))
    beyond = int((simulated >= statistic * (1 - 1e-12)).sum())
    return statistic, (1 + beyond) / (draws + 1)


def overdispersion(z: npt.ArrayLike, *, winsorised: float = 0.1) -> float:
    """How many times the variance of standardised differences exceeds chance, at least 1.

    The mean of the squares of the z, the lowest and highest tenth of which are drawn in, so that a
    few outliers do not hide themselves (Spiegelhalter 2005).

    >>> overdispersion([-2.0, 2.0] * 10), overdispersion([-0.5, 0.5] * 10)
    (4.0, 1.0)
    """
    known = np.asarray(z, dtype=float)
    known = known[~np.isnan(known)]
    if len(known) < 2:
        return 1.0
    low, high = np.quantile(known, [winsorised, 1 - winsorised])
    return max(1.0, float(np.mean(np.clip(known, low, high) ** 2)))


def funnel_limits(
    n: npt.ArrayLike, rate: float, *, level: float = 0.95, factor: float = 1.0
) -> tuple[Floats, Floats]:
    """Control limits of a funnel plot around a rate, for n cases.

    Binomial quantiles, interpolated between counts so that the funnel is smooth; their distance
    from the rate is multiplied by the root of the overdispersion factor (Spiegelhalter 2005).

    >>> low, high = funnel_limits([100, 400], 0.1)
    >>> low.round(3).tolist(), high.round(3).tolist()
    ([0.04, 0.07], [0.158, 0.129])
    """
    cases = np.asarray(n, dtype=float)
    tail = (1 - level) / 2
    edges = []
    for share in (tail, 1 - tail):
        count = np.ceil(np.maximum(bdtrik(share, cases, rate), 0.0))
        upto = _at_most(count, cases, rate)
        mass = np.maximum(upto - _at_most(count - 1, cases, rate), 1e-300)
        edges.append((count - (upto - share) / mass) / cases)
    low, high = (rate + (edge - rate) * np.sqrt(factor) for edge in edges)
    return np.clip(low, 0.0, 1.0), np.clip(high, 0.0, 1.0)


def _at_most(count: Floats, n: Floats, rate: float) -> Floats:
    """The binomial chance of so many successes or fewer, for n that need not be whole."""
    inside = betainc(np.maximum(n - count, 1e-9), np.maximum(count + 1, 1e-9), 1 - rate)
    return np.where(count < 0, 0.0, np.where(count >= n, 1.0, inside))


def identical(n: npt.ArrayLike, rate: npt.ArrayLike, *, seed: int, draws: int = 2000) -> Identical:
    """Floors of identical agents, simulated: the placebo of every league table.

    Parameters: `n`, cases of each agent; `rate`, the common rate, or the rate expected of each from
    what they were given; `draws`, how many floors.

    >>> placebo = identical([350] * 100, 0.03, seed=1)
    >>> round(float(placebo.best.mean()), 1), round(float(placebo.range.mean()), 1)
    (1.8, 2.2)
    """
    cases = np.asarray(n, dtype=np.int64)
    common = np.asarray(rate, dtype=float)
    counts = np.random.default_rng(seed).binomial(cases, common, (draws, len(cases)))
    return Identical(best=best_over_mean(counts, cases), range=ninth_over_first(counts, cases))


def best_over_mean(counts: npt.ArrayLike, n: npt.ArrayLike) -> Floats:
    """The highest rate over the common rate, along the last axis."""
    x, cases = np.asarray(counts, dtype=float), np.asarray(n, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray((x / cases).max(axis=-1) / (x.sum(axis=-1) / cases.sum()))


def ninth_over_first(counts: npt.ArrayLike, n: npt.ArrayLike) -> Floats:
    """The ninth decile of rates over the first, along the last axis; inf where that is 0."""
    x, cases = np.asarray(counts, dtype=float), np.asarray(n, dtype=float)
    first, ninth = np.quantile(x / cases, [0.1, 0.9], axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.asarray(ninth / first)
