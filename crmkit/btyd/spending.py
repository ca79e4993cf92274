"""The Gamma-Gamma model of what customers spend (Fader, Hardie and Lee 2005; Fader, Hardie 2013).

A customer's purchases vary around a mean of its own as Gamma(p, nu), nu varies over customers as
Gamma(q, v). Of a customer two numbers matter: the number of purchases and their mean.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, gammaln

from crmkit.btyd.likelihood import Estimate, Floats, Maximum, maximise, positive

__all__ = ["Spending", "SpendingFit", "fit", "log_likelihood", "model_at"]

_LOW = np.array([-8.0, -7.0, -40.0])
_HIGH = np.array([10.0, 10.0, 60.0])


@dataclass(frozen=True, kw_only=True)
class Spending:
    """The three parameters of the Gamma-Gamma model; v is money."""

    p: float
    q: float
    v: float

    @property
    def mean(self) -> float:
        """Mean amount over all customers."""
        return self.p * self.v / (self.q - 1)

    def expected(self, x: npt.ArrayLike, total: npt.ArrayLike) -> Floats:
        """Expected mean amount of customers with x purchases that came to `total`.

        >>> Spending(p=6.25, q=3.74, v=15.44).expected([0, 2], [0, 48.88]).round(2)
        array([35.22, 26.38])
        """
        many, spent = np.asarray(x, dtype=float), np.asarray(total, dtype=float)
        return np.asarray(self.p * (self.v + spent) / (self.p * many + self.q - 1))

    def expected_square(self, x: npt.ArrayLike, total: npt.ArrayLike) -> Floats:
        """Expected square of that mean; infinite where the tail is too heavy."""
        many, spent = np.asarray(x, dtype=float), np.asarray(total, dtype=float)
        shape = self.p * many + self.q
        with np.errstate(divide="ignore"):
            square = (self.p * (self.v + spent)) ** 2 / ((shape - 1) * np.maximum(shape - 2, 0))
        return np.asarray(square)


def log_likelihood(
    model: Spending, x: npt.ArrayLike, mean: npt.ArrayLike, weights: npt.ArrayLike = 1.0
) -> float:
    """Log-likelihood of customers with x > 0 purchases of that mean amount."""
    return _Amounts(x, mean, weights).value(np.array([model.p, model.q, model.v]))[0]


class _Amounts:
    """Customers as the likelihood needs them: functions of x alone are computed once for each x."""

    def __init__(self, x: npt.ArrayLike, mean: npt.ArrayLike, weights: npt.ArrayLike) -> None:
        columns = np.broadcast_arrays(
            *(np.asarray(value, dtype=float) for value in (x, mean, weights))
        )
        self.x, self.mean, self.weights = np.atleast_1d(*columns)
        self.kinds, which = np.unique(self.x, return_inverse=True)
        self.counts = np.bincount(which, weights=self.weights)
        self.logs = np.bincount(which, weights=self.weights * np.log(self.mean))
        self.total = float(self.weights.sum())

    def value(self, at: Floats) -> tuple[float, Floats]:
        """Log-likelihood and its derivatives by p, q and v."""
        p, q, v = at
        k, n = self.kinds, self.counts
        sums = v + self.x * self.mean
        tail = self.weights * np.log(sums)
        by_x = gammaln(p * k + q) - gammaln(p * k) - gammaln(q) + q * np.log(v) + p * k * np.log(k)
        value = n @ by_x + (p * k - 1) @ self.logs - (p * self.x + q) @ tail
        both = digamma(p * k + q)
        slope = np.array(
            [
                n @ (k * (both - digamma(p * k) + np.log(k))) + k @ self.logs - self.x @ tail,
                n @ (both - digamma(q) + np.log(v)) - tail.sum(),
                self.total * q / v - (p * self.x + q) @ (self.weights / sums),
            ]
        )
        return float(value), slope

    def objective(self, at: Floats) -> tuple[float, Floats]:
        """The same by log p, log (q - 1) and the log of the mean amount."""
        m = model_at(at)
        value, (by_p, by_q, by_v) = self.value(np.array([m.p, m.q, m.v]))
        slope = np.array([m.p * by_p - m.v * by_v, (m.q - 1) * by_q + m.v * by_v, m.v * by_v])
        return value, slope


def model_at(at: Floats) -> Spending:
    """The model at coordinates (log p, log (q - 1), log mean amount): q > 1, so a mean exists."""
    return Spending(
        p=float(np.exp(at[0])),
        q=1 + float(np.exp(at[1])),
        v=float(np.exp(at[2] + at[1] - at[0])),
    )


@dataclass(frozen=True, kw_only=True)
class SpendingFit:
    """The fitted model, the customers it was fitted on, and the maximum behind it."""

    model: Spending
    maximum: Maximum
    customers: float

    def estimates(self, *, level: float = 0.95) -> dict[str, Estimate]:
        """Each parameter and the mean amount with their intervals, from the curvature."""
        m, cov = self.model, self.maximum.covariance

        def error(*direction: float) -> float:
            way = np.array(direction)
            used = way != 0
            return float(np.sqrt(way[used] @ cov[np.ix_(used, used)] @ way[used]))

        beyond = positive(m.q - 1, error(0, 1, 0), level=level)
        return {
            "p": positive(m.p, error(1, 0, 0), level=level),
            "q": Estimate(value=m.q, low=1 + beyond.low, high=1 + beyond.high),
            "v": positive(m.v, error(-1, 1, 1), level=level),
            "spend": positive(m.mean, error(0, 0, 1), level=level),
        }


def fit(x: npt.ArrayLike, mean: npt.ArrayLike, weights: npt.ArrayLike = 1.0) -> SpendingFit:
    """Fit the Gamma-Gamma model by maximum likelihood.

    Parameters: number (above 0) and mean amount (above 0) of each customer's purchases;
    `weights`, how many customers each row stands for.
    Returns: the fit; `maximum.converged` is False where the data do not have a maximum, for
    example because everybody spends the same.
    """
    amounts = _Amounts(x, mean, weights)
    centre = float(np.log(amounts.mean @ amounts.weights / amounts.total))
    starts = [
        np.array([np.log(p), np.log(q - 1), centre]) for p, q in ((3.0, 3.0), (1.0, 6.0), (10, 2.0))
    ]
    maximum = maximise(amounts.objective, starts, low=_LOW, high=_HIGH, weight=amounts.total)
    return SpendingFit(model=model_at(maximum.at), maximum=maximum, customers=amounts.total)
