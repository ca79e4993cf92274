"""The BG/NBD model of repeat purchases (Fader, Hardie and Lee 2005).

While alive a customer buys at a rate of its own, after each repeat purchase it stops for good with
a probability of its own. Rates vary over customers as Gamma(r, alpha), probabilities to stop as
Beta(a, b). Of a customer three numbers matter: x repeat purchases, the last at time `recency`
after the first, seen for time `age`. Every formula is the expectation over those two mixtures; the
one over the probability to stop is a Gauss-Jacobi sum, which stays exact where the published
hypergeometric forms overflow or divide by zero (a = 1, thousands of purchases).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt
from scipy.special import digamma, expit, gammaln

from crmkit.btyd.likelihood import (
    Estimate,
    Floats,
    Maximum,
    jacobian,
    maximise,
    positive,
    share,
)

__all__ = ["Purchasing", "PurchasingFit", "fit", "log_likelihood", "model_at"]

_LOW = np.array([-8.0, -20.0, -12.0, -8.0])
_HIGH = np.array([8.0, 12.0, 12.0, 9.0])
_CHUNK = 20_000


@dataclass(frozen=True, kw_only=True)
class Purchasing:
    """The four parameters of the BG/NBD model; alpha is in units of time."""

    r: float
    alpha: float
    a: float
    b: float

    @property
    def rate(self) -> float:
        """Mean purchases per unit of time of a customer who is alive."""
        return self.r / self.alpha

    @property
    def dropout(self) -> float:
        """Mean probability to stop after a repeat purchase."""
        return self.a / (self.a + self.b)

    def p_alive(self, x: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike) -> Floats:
        """Probability that a customer has not stopped; 1 for those who never repeated.

        >>> Purchasing(r=0.243, alpha=4.414, a=0.793, b=2.426).p_alive([0, 2], [0, 30.43], 38.86)
        array([1.        , 0.72...])
        """
        return np.asarray(expit(-_dead_odds(self, *_floats(x, recency, age))), dtype=float)

    def expected_new(self, t: npt.ArrayLike) -> Floats:
        """Expected repeat purchases of a customer in the time t since the first purchase."""
        times = np.asarray(t, dtype=float)
        zero = np.zeros(1)
        return np.asarray(self.if_alive(zero, zero, times.ravel())[0].reshape(times.shape))

    def expected(
        self, x: npt.ArrayLike, recency: npt.ArrayLike, age: npt.ArrayLike, t: float
    ) -> Floats:
        """Expected purchases in the next t of customers with that history."""
        many, last, seen = np.broadcast_arrays(*_floats(x, recency, age))
        first = self.if_alive(many.ravel(), seen.ravel(), np.array([float(t)]))
        return np.asarray(self.p_alive(many, last, seen) * first[:, 0].reshape(many.shape))

    def if_alive(self, x: Floats, age: Floats, t: Floats) -> Floats:
        """Expected purchases in the next t of customers still alive.

        Given rate and probability to stop p it is (1 - exp(-rate p t)) / p, which is averaged over
        Gamma(r + x, alpha + age) and Beta(a, b + x). The last purchase does not matter here.

        Parameters: `x` and `age`, one value a customer; `t`, times.
        Returns: one row a customer, one column a time.
        """
        return self._averaged(_once, x, age, t)

    def pairs_if_alive(self, x: Floats, age: Floats, t: Floats) -> Floats:
        """E[Y (Y - 1)] of the purchases Y of `if_alive`, for their variance.

        Given rate and p it is 2 (1 - p) (1 - exp(-rate p t) (1 + rate p t)) / p^2.
        """
        return self._averaged(_twice, x, age, t)

    def _averaged(self, given: "_Given", x: Floats, age: Floats, t: Floats) -> Floats:
        kinds, which = np.unique(x, return_inverse=True)
        averages = np.zeros((len(x), len(t)))
        if averages.size == 0:
            return averages
        n = _nodes_needed(self.alpha + float(age.min()), float(t.max()))
        nodes, weights = _beta_nodes(self.a, self.b, tuple(kinds.tolist()), n)
        for start in range(0, len(x), _CHUNK):
            part = slice(start, start + _CHUNK)
            p, w = nodes[which[part]], weights[which[part]]
            shape, scale = self.r + x[part, None], self.alpha + age[part, None]
            for place, time in enumerate(t):
                averages[part, place] = np.sum(w * given(p, shape, time / scale), axis=1)
        return averages


_Given = Callable[[Floats, Floats, Floats], Floats]


def _once(p: Floats, shape: Floats, time: Floats) -> Floats:
    """E[Y] given p, over rates of Gamma(shape, 1); right also where p is 0."""
    none = p < 1e-300
    gone = -np.expm1(-shape * np.log1p(p * time))
    return np.where(none, shape * time, gone / np.where(none, 1.0, p))


def _twice(p: Floats, shape: Floats, time: Floats) -> Floats:
    """E[Y (Y - 1)] given p, over rates of Gamma(shape, 1); right also where p is near 0."""
    u = p * time
    power = -shape * np.log1p(u)
    later = -np.expm1(power) - shape * u / (1 + u) * np.exp(power)
    small = u * shape < 1e-4  # where that difference loses its digits
    near = shape * (shape + 1) * time**2 * (0.5 - u * (shape + 2) / 3)
    return 2 * (1 - p) * np.where(small, near, later / np.where(small, 1.0, p) ** 2)


def _nodes_needed(scale: float, time: float) -> int:
    """Nodes for about fifteen digits: the integrand's nearest pole lies at p = -scale / time."""
    distance = scale / max(time, 1e-12)
    ellipse = 1 + 2 * distance + 2 * np.sqrt(distance * (1 + distance))
    return int(np.clip(np.ceil(17.5 / np.log(ellipse)), 12, 400))


@lru_cache(maxsize=16)
def _beta_nodes(a: float, base: float, kinds: tuple[float, ...], n: int) -> tuple[Floats, Floats]:
    """Gauss nodes and weights of Beta(a, base + x) for each x, by Golub and Welsch."""
    b = base + np.array(kinds)
    k = np.arange(n, dtype=float)
    total = (a + b - 2)[:, None]
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = (2 * k * (k + total + 1) + total * a) / ((2 * k + total) * (2 * k + total + 2))
        off = (
            k
            * (k + (b - 1)[:, None])
            * (k + a - 1)
            * (k + total)
            / ((2 * k + total) ** 2 * (2 * k + total + 1) * (2 * k + total - 1))
        )[:, 1:]
    middle[:, 0] = a / (a + b)
    off[:, 0] = a * b / ((a + b) ** 2 * (a + b + 1))
    matrix = np.zeros((len(b), n, n))
    inner = np.arange(n)
    matrix[:, inner, inner] = middle
    matrix[:, inner[1:], inner[:-1]] = np.sqrt(off)
    values, vectors = np.linalg.eigh(matrix, UPLO="L")
    return np.clip(values, 0.0, 1.0), vectors[:, 0, :] ** 2


def _floats(*values: npt.ArrayLike) -> tuple[Floats, ...]:
    return tuple(np.asarray(value, dtype=float) for value in values)


def _rows(*values: npt.ArrayLike) -> tuple[Floats, ...]:
    """Columns of equal length, also of a single customer."""
    return tuple(np.atleast_1d(*np.broadcast_arrays(*_floats(*values))))


def _dead_odds(model: Purchasing, x: Floats, recency: Floats, age: Floats) -> Floats:
    """Logarithm of the odds that a customer has stopped; minus infinity without a repeat."""
    again = np.maximum(x, 1.0)
    odds = (
        np.log(model.a)
        - np.log(model.b + again - 1)
        + (model.r + again) * (np.log(model.alpha + age) - np.log(model.alpha + recency))
    )
    return np.where(x > 0, odds, -np.inf)


def log_likelihood(
    model: Purchasing,
    x: npt.ArrayLike,
    recency: npt.ArrayLike,
    age: npt.ArrayLike,
    weights: npt.ArrayLike = 1.0,
) -> float:
    """Log-likelihood of customers, each row counted `weights` times."""
    many, last, seen, counts = _rows(x, recency, age, weights)
    at = np.array([model.r, model.alpha, model.a, model.b])
    return _History(many, last, seen, counts).value(at)[0]


class _History:
    """Customers as the likelihood needs them: functions of x alone are computed once for each x."""

    def __init__(self, x: Floats, recency: Floats, age: Floats, weights: Floats) -> None:
        self.x, self.recency, self.age, self.weights = x, recency, age, weights
        self.kinds, self.which = np.unique(x, return_inverse=True)
        self.counts = np.bincount(self.which, weights=weights)
        self.total = float(weights.sum())
        self.repeated = x > 0

    def value(self, at: Floats) -> tuple[float, Floats]:
        """Log-likelihood and its derivatives by r, alpha, a and b."""
        r, alpha, a, b = at
        k, n = self.kinds, self.counts
        model = Purchasing(r=r, alpha=alpha, a=a, b=b)
        odds = _dead_odds(model, self.x, self.recency, self.age)
        dead = expit(odds) * self.weights
        log_age, log_last = np.log(alpha + self.age), np.log(alpha + self.recency)
        rows = -(r + self.x) * log_age * self.weights + np.logaddexp(0.0, odds) * self.weights
        by_x = (
            gammaln(r + k)
            - gammaln(r)
            + r * np.log(alpha)
            + gammaln(a + b)
            + gammaln(b + k)
            - gammaln(b)
            - gammaln(a + b + k)
        )
        alive = self.weights - dead
        later = np.maximum(b + self.x - 1, 1e-300)
        slope = np.array(
            [
                n @ (digamma(r + k) - digamma(r) + np.log(alpha))
                - alive @ log_age
                - dead @ log_last,
                self.total * r / alpha
                - (r + self.x) @ (alive / (alpha + self.age) + dead / (alpha + self.recency)),
                n @ (digamma(a + b) - digamma(a + b + k)) + dead.sum() / a,
                n @ (digamma(a + b) + digamma(b + k) - digamma(b) - digamma(a + b + k))
                - np.sum((dead / later)[self.repeated]),
            ]
        )
        return float(rows.sum() + n @ by_x), slope

    def objective(self, at: Floats) -> tuple[float, Floats]:
        """The same by log r, log rate, logit dropout, log (a + b)."""
        m = model_at(at)
        value, (by_r, by_alpha, by_a, by_b) = self.value(np.array([m.r, m.alpha, m.a, m.b]))
        slope = np.array(
            [
                m.r * by_r + m.alpha * by_alpha,
                -m.alpha * by_alpha,
                m.a * m.b / (m.a + m.b) * (by_a - by_b),
                m.a * by_a + m.b * by_b,
            ]
        )
        return value, slope


def model_at(at: Floats) -> Purchasing:
    """The model at coordinates (log r, log rate, logit of the mean dropout, log (a + b)).

    On these the likelihood is nearly a paraboloid, which a and b alone are far from.
    """
    r, size = float(np.exp(at[0])), float(np.exp(at[3]))
    return Purchasing(
        r=r,
        alpha=float(np.exp(at[0] - at[1])),
        a=float(expit(at[2])) * size,
        b=float(expit(-at[2])) * size,
    )


@dataclass(frozen=True, kw_only=True)
class PurchasingFit:
    """The fitted model, the customers it was fitted on, and the maximum behind it."""

    model: Purchasing
    maximum: Maximum
    customers: float

    def estimates(self, *, level: float = 0.95) -> dict[str, Estimate]:
        """Each parameter, the mean rate and the mean dropout with their intervals.

        The intervals come from the curvature at the maximum, on the scale of logarithms
        (dropout: logits); where the data cannot tell a parameter, its limits are nan.
        """
        m, v = self.model, self.maximum.covariance

        def error(*direction: float) -> float:
            way = np.array(direction)
            used = way != 0
            return float(np.sqrt(way[used] @ v[np.ix_(used, used)] @ way[used]))

        d = m.dropout
        return {
            "r": positive(m.r, error(1, 0, 0, 0), level=level),
            "alpha": positive(m.alpha, error(1, -1, 0, 0), level=level),
            "a": positive(m.a, error(0, 0, 1 - d, 1), level=level),
            "b": positive(m.b, error(0, 0, -d, 1), level=level),
            "rate": positive(m.rate, error(0, 1, 0, 0), level=level),
            "dropout": share(d, error(0, 0, 1, 0), level=level),
        }

    def expected_new(self, t: float, *, level: float = 0.95) -> Estimate:
        """Expected repeat purchases in the time t since a customer's first, with its interval."""
        log = jacobian(lambda at: [np.log(model_at(at).expected_new(t))], self.maximum.at)[0]
        error = float(np.sqrt(log @ np.nan_to_num(self.maximum.covariance) @ log))
        return positive(float(self.model.expected_new(t)), error, level=level)


def fit(
    x: npt.ArrayLike,
    recency: npt.ArrayLike,
    age: npt.ArrayLike,
    weights: npt.ArrayLike = 1.0,
) -> PurchasingFit:
    """Fit the BG/NBD model by maximum likelihood.

    Parameters: repeat purchases, time of the last and time seen, both since the first purchase;
    `weights`, how many customers each row stands for.
    Returns: the fit; `maximum.converged` is False where the data do not have a maximum, for
    example because nobody repeats.
    """
    many, last, seen, counts = _rows(x, recency, age, weights)
    history = _History(many, last, seen, counts)
    exposure = float((np.maximum(last, seen / 2)) @ counts)
    rate = float(np.log(max(float(many @ counts), 0.5) / max(exposure, 1e-9)))
    starts = [
        np.array([np.log(r), rate, np.log(d / (1 - d)), np.log(size)])
        for r, d, size in ((0.5, 0.25, 2.0), (1.5, 0.1, 8.0), (0.2, 0.5, 1.0))
    ]
    maximum = maximise(history.objective, starts, low=_LOW, high=_HIGH, weight=history.total)
    return PurchasingFit(model=model_at(maximum.at), maximum=maximum, customers=history.total)
