"""Intervals and tests that every analysis shares."""

import numpy as np
import numpy.typing as npt
from scipy.special import gammaincinv, ndtr, ndtri, stdtrit  # scipy.stats takes a second to import

__all__ = [
    "SMALL",
    "difference_interval",
    "holm",
    "mean_interval",
    "poisson_interval",
    "ratio_interval",
    "ratio_of_sums",
    "two_proportions",
    "wilson",
]

SMALL = 30
"""Rates on fewer cases than this are greyed."""

Floats = npt.NDArray[np.float64]


def wilson(
    successes: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Wilson score interval of a rate.

    Unlike the textbook interval it stays inside 0 and 1 and keeps its coverage for small n
    and for rates near the ends (Wilson 1927; Brown, Cai and DasGupta 2001).

    Parameters: `successes` and `n`, counts of any matching shape; `level`, the coverage.
    Returns: lower and upper limits, nan where n is 0.

    >>> low, high = wilson(5, 10)
    >>> round(float(low), 4), round(float(high), 4)
    (0.2366, 0.7634)
    """
    x = np.asarray(successes, dtype=float)
    cases = np.asarray(n, dtype=float)
    z2 = ndtri(0.5 + level / 2) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        rate = x / cases
        centre = (rate + z2 / (2 * cases)) / (1 + z2 / cases)
        half = np.sqrt(z2 * (rate * (1 - rate) / cases + z2 / (4 * cases**2))) / (1 + z2 / cases)
    low = np.where(x == 0, 0.0, centre - half)
    high = np.where(x == cases, 1.0, centre + half)
    unknown = cases == 0
    return np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)


def mean_interval(
    total: npt.ArrayLike, total_of_squares: npt.ArrayLike, n: npt.ArrayLike, *, level: float = 0.95
) -> tuple[Floats, Floats]:
    """Student's interval of a mean, from sums that an engine can give in one pass.

    Parameters: sum, sum of squares and number of the values; `level`, the coverage.
    Returns: lower and upper limits, nan where n is below 2.

    >>> low, high = mean_interval(total=6, total_of_squares=14, n=3)
    >>> round(float(low), 3), round(float(high), 3)
    (-0.484, 4.484)
    """
    s = np.asarray(total, dtype=float)
    q = np.asarray(total_of_squares, dtype=float)
    cases = np.asarray(n, dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = s / cases
        variance = np.maximum(q - cases * mean**2, 0) / (cases - 1)
        half = stdtrit(cases - 1, 0.5 + level / 2) * np.sqrt(variance / cases)
    few = cases < 2
    return np.where(few, np.nan, mean - half), np.where(few, np.nan, mean + half)


def two_proportions(x1: float, n1: float, x2: float, n2: float) -> float:
    """Two-sided p-value that two rates are equal (pooled z test).

    >>> round(two_proportions(15, 100, 25, 100), 4)
    0.0771
    """
    if min(n1, n2) == 0:
        return float("nan")
    pooled = (x1 + x2) / (n1 + n2)
    error = np.sqrt(pooled * (1 - pooled) * (1 / n1 + 1 / n2))
    if error == 0:
        return 1.0
    return float(2 * ndtr(-abs(x1 / n1 - x2 / n2) / error))


def holm(p_values: npt.ArrayLike) -> Floats:
    """P-values adjusted for the number of comparisons (Holm 1979); nan stays nan.

    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    p = np.asarray(p_values, dtype=float)
    adjusted = np.full(p.shape, np.nan)
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known])]
    steps = p[order] * np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return adjusted


def ratio_interval(
    x1: float, n1: float, x2: float, n2: float, *, level: float = 0.95
) -> tuple[float, float]:
    """Score interval of the ratio of two rates, (x1 / n1) / (x2 / n2) (Koopman 1984).

    It keeps its coverage for small counts, where the interval of the logarithm does not.

    Parameters: successes and cases of both groups; `level`, the coverage.
    Returns: lower limit (0 where x1 is 0) and upper limit (inf where x2 is 0); nan where a group is
    empty or both rates are 0.

    >>> [round(limit, 4) for limit in ratio_interval(36, 40, 16, 80)]
    [2.9396, 7.1522]
    """
    if min(n1, n2) == 0 or x1 + x2 == 0:
        return float("nan"), float("nan")
    z = float(ndtri(0.5 + level / 2))
    low = 0.0 if x1 == 0 else _ratio_where(x1, n1, x2, n2, z)
    high = float("inf") if x2 == 0 else _ratio_where(x1, n1, x2, n2, -z)
    return low, high


def _ratio_where(x1: float, n1: float, x2: float, n2: float, z: float) -> float:
    """The ratio whose score is z, found by halving on the logarithm; the score falls with it."""
    low, high = -25.0, 25.0
    for _ in range(80):
        middle = (low + high) / 2
        if _ratio_score(x1, n1, x2, n2, float(np.exp(middle))) > z:
            low = middle
        else:
            high = middle
    return float(np.exp((low + high) / 2))


def _ratio_score(x1: float, n1: float, x2: float, n2: float, ratio: float) -> float:
    """The score of a ratio, with both rates as likely as can be under it."""
    a, c = (n1 + n2) * ratio, x1 + x2
    b = n1 * ratio + x1 + n2 + x2 * ratio
    second = 2 * c / (b + np.sqrt(max(b * b - 4 * a * c, 0.0)))
    first = min(ratio * second, 1.0)
    variance = first * (1 - first) / n1 + ratio**2 * second * (1 - second) / n2
    distance = x1 / n1 - ratio * x2 / n2
    return float(distance / np.sqrt(variance)) if variance > 0 else float(np.sign(distance) * 1e9)


def difference_interval(
    x1: float, n1: float, x2: float, n2: float, *, level: float = 0.95
) -> tuple[float, float]:
    """Interval of the difference of two rates, x1 / n1 - x2 / n2, from Wilson's (Newcombe 1998).

    Returns: lower and upper limit, nan where a group is empty.

    >>> [round(limit, 4) for limit in difference_interval(56, 70, 48, 80)]
    [0.0524, 0.3339]
    """
    if min(n1, n2) == 0:
        return float("nan"), float("nan")
    p1, p2 = x1 / n1, x2 / n2
    (low1, low2), (high1, high2) = wilson([x1, x2], [n1, n2], level=level)
    low = p1 - p2 - np.hypot(p1 - low1, high2 - p2)
    high = p1 - p2 + np.hypot(high1 - p1, p2 - low2)
    return float(low), float(high)


def ratio_of_sums(
    parts: npt.ArrayLike, wholes: npt.ArrayLike, *, level: float = 0.95
) -> tuple[float, float, float]:
    """A ratio of two sums with its interval, from the units they are sums over, such as days.

    The linearised ratio estimator with Student's interval (Cochran 1977, chapter 6): units differ
    in size and in their own ratio, so that seconds within a unit are no independent cases.

    Parameters: the part and the whole of each unit; `level`, the coverage.
    Returns: ratio, lower and upper limit; nan where the whole is 0, limits nan on one unit.

    >>> [round(value, 4) for value in ratio_of_sums([4, 5, 6], [8, 8, 8])]
    [0.625, 0.3145, 0.9355]
    """
    x, n = np.asarray(parts, dtype=float), np.asarray(wholes, dtype=float)
    total, units = float(n.sum()), len(n)
    if total <= 0:
        return float("nan"), float("nan"), float("nan")
    ratio = float(x.sum()) / total
    if units < 2:
        return ratio, float("nan"), float("nan")
    spread = float(((x - ratio * n) ** 2).sum()) * units / (units - 1)
    half = float(stdtrit(units - 1, 0.5 + level / 2)) * np.sqrt(spread) / total
    return ratio, ratio - float(half), ratio + float(half)


def poisson_interval(counts: npt.ArrayLike, *, level: float = 0.95) -> tuple[Floats, Floats]:
    """Exact interval of the mean that a Poisson count came from (Garwood 1936).

    Parameters: `counts`, of any shape; `level`, the coverage.
    Returns: lower and upper limits; 0 below where the count is 0.

    >>> [round(float(limit), 4) for limit in poisson_interval(10)]
    [4.7954, 18.3904]
    """
    x = np.asarray(counts, dtype=float)
    tail = (1 - level) / 2
    low = np.where(x > 0, gammaincinv(np.where(x > 0, x, 1.0), tail), 0.0)
    return low, gammaincinv(x + 1, 1 - tail)
