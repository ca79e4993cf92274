"""What customers will do: totals with intervals, value, and the course of the whole firm.

An interval of a total holds both doubts: that of the parameters (by the delta method) and the luck
of the customers (the models' own variance of what each one does).
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt
from scipy import stats as distributions

from crmkit.btyd import purchasing, spending
from crmkit.btyd.likelihood import Estimate, Floats, jacobian
from crmkit.btyd.purchasing import Purchasing, PurchasingFit
from crmkit.btyd.spending import SpendingFit

__all__ = ["Customers", "Forecast", "cumulative", "discounted", "forecast", "totals"]

WEEKS_A_YEAR = 365.25 / 7
STEP = 4.0
"""Weeks in which the purchases to come are discounted together."""


@dataclass(frozen=True, kw_only=True)
class Customers:
    """Customers by row, those alike in one row: `weights` says how many a row stands for.

    `x` repeat purchases that came to `spent`, the last at `recency`, seen for `age` (weeks since
    the first purchase).
    """

    x: Floats
    recency: Floats
    age: Floats
    spent: Floats
    weights: Floats

    @cached_property
    def pairs(self) -> tuple[npt.NDArray[np.complex128], npt.NDArray[np.intp]]:
        """Distinct (x, age) as complex numbers, and which one each row has.

        Nothing else matters for the future of a customer who is alive.
        """
        return np.unique(self.x + 1j * self.age, return_inverse=True)


@dataclass(frozen=True, kw_only=True)
class Forecast:
    """What a customer of each row is expected to do, and the totals over all customers."""

    p_alive: Floats
    purchases: Floats
    value: Floats
    total_purchases: Estimate
    total_value: Estimate


def discounted(
    model: Purchasing, x: Floats, age: Floats, *, horizon: float, discount: float
) -> tuple[Floats, Floats]:
    """Expected purchases in the horizon of customers still alive, plain and discounted.

    The purchases expected in each four weeks (the last step may be shorter) are divided by
    (1 + discount) to the power of the years until the middle of the step.
    """
    ends = np.append(np.arange(STEP, horizon, STEP), horizon)
    middles = (ends + np.append(0.0, ends[:-1])) / 2
    factors = (1 + discount) ** (-middles / WEEKS_A_YEAR)
    first = model.if_alive(x, age, ends)
    return first[:, -1], np.diff(first, axis=1, prepend=0.0) @ factors


def forecast(
    buying: PurchasingFit,
    paying: SpendingFit,
    customers: Customers,
    *,
    horizon: float,
    discount: float,
    margin: float,
) -> Forecast:
    """Purchases and discounted value of the next `horizon` weeks, totals with 95 % intervals."""
    model, who = buying.model, customers
    pairs, which = who.pairs
    plain, later = discounted(model, pairs.real, pairs.imag, horizon=horizon, discount=discount)
    alive = model.p_alive(who.x, who.recency, who.age)
    amount = paying.model.expected(who.x, who.spent)
    purchases, paid = alive * plain[which], alive * later[which] * margin
    worth = margin * (later / plain)[which]  # of one unit of money, on average over the horizon

    spread = _spread(model, who, horizon)
    square = paying.model.expected_square(who.x, who.spent)
    of_spend = square * (purchases / paying.model.p + spread + purchases**2)
    luck = np.stack([spread, worth**2 * (of_spend - (amount * purchases) ** 2)])
    by_rate = _doubt(buying, who, horizon, np.stack([np.ones(len(worth)), worth * amount]))
    by_amount = jacobian(
        lambda at: [who.weights @ (paid * spending.model_at(at).expected(who.x, who.spent))],
        paying.maximum.at,
    )
    doubt = by_rate + np.array([0.0, _variance(by_amount, paying.maximum.covariance)[0]])
    variance = doubt + luck @ who.weights
    return Forecast(
        p_alive=alive,
        purchases=purchases,
        value=paid * amount,
        total_purchases=_around(float(who.weights @ purchases), float(variance[0])),
        total_value=_around(float(who.weights @ (paid * amount)), float(variance[1])),
    )


def totals(
    buying: PurchasingFit, customers: Customers, t: float, groups: Floats
) -> tuple[Floats, list[Estimate]]:
    """Expected purchases in the next t: of a customer of each row, and in total for each group.

    Parameters: `groups`, one row a group, its entries 1 where the customer's row belongs to it.
    """
    expected = _expected(buying.model, customers, t)
    luck = groups @ (customers.weights * _spread(buying.model, customers, t))
    variance = luck + _doubt(buying, customers, t, groups)
    values = groups @ (customers.weights * expected)
    return expected, [_around(float(v), float(s)) for v, s in zip(values, variance, strict=True)]


def cumulative(model: Purchasing, starts: Floats, counts: Floats, times: Floats) -> Floats:
    """Expected repeat purchases up to each time of `counts` customers who start at `starts`."""
    waited = np.maximum(times[:, None] - starts[None, :], 0.0)
    known, which = np.unique(waited, return_inverse=True)
    return np.asarray(model.expected_new(known)[which.reshape(waited.shape)] @ counts)


def _expected(model: Purchasing, who: Customers, t: float) -> Floats:
    pairs, which = who.pairs
    first = model.if_alive(pairs.real, pairs.imag, np.array([t]))
    return np.asarray(model.p_alive(who.x, who.recency, who.age) * first[which, 0])


def _spread(model: Purchasing, who: Customers, t: float) -> Floats:
    """Variance of the purchases of each row's customer in the next t."""
    pairs, which = who.pairs
    second = model.pairs_if_alive(pairs.real, pairs.imag, np.array([t]))
    alive, expected = model.p_alive(who.x, who.recency, who.age), _expected(model, who, t)
    return np.asarray(alive * second[which, 0] + expected - expected**2)


def _doubt(buying: PurchasingFit, who: Customers, t: float, worths: Floats) -> Floats:
    """Variance, from the doubt about the parameters, of totals of purchases times their worth."""
    counted = worths * who.weights

    def total(at: Floats) -> Floats:
        return counted @ _expected(purchasing.model_at(at), who, t)

    return _variance(jacobian(total, buying.maximum.at), buying.maximum.covariance)


def _variance(slopes: Floats, covariance: Floats) -> Floats:
    """Variance of functions with those slopes; coordinates at the edge count as known."""
    return np.asarray(np.einsum("ij,jk,ik->i", slopes, np.nan_to_num(covariance), slopes))


def _around(value: float, variance: float, *, level: float = 0.95) -> Estimate:
    """The interval of a total above 0: as wide in per cent up as down."""
    if not (value > 0 and np.isfinite(variance)):
        return Estimate(value=value, low=np.nan, high=np.nan)
    width = float(distributions.norm.ppf(0.5 + level / 2)) * np.sqrt(variance) / value
    return Estimate(value=value, low=value * np.exp(-width), high=value * np.exp(width))
