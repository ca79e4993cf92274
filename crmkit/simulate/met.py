"""The days on which customers are met, and what is known of each life on them.

Orders are drawn first and stay as they are. What the firm did to bring them about is drawn given
the orders, by Bayes' rule, so that the two together have the law of a firm where marketing acts
first and orders follow (docs/decisions/0010-marketing-given-orders.md).
"""

from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import numpy.typing as npt

from crmkit.simulate.clock import WEEK, Clock, Span, business_clock
from crmkit.simulate.people import NOBODY, People, Purchases
from crmkit.simulate.world import World

__all__ = ["Met", "arms", "buy_probability", "pick"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Met:
    """The last days of a world, where customers are met; time in business weeks or seconds."""

    world: World
    people: People
    purchases: Purchases

    @cached_property
    def span(self) -> Span:
        """The whole period."""
        return Span(self.world)

    @cached_property
    def clock(self) -> Clock:
        """The clock that customers buy by."""
        return business_clock(self.span)

    @property
    def whole(self) -> World:
        """The world that this one may be a part of, for what all parts share."""
        return replace(self.world, part=None)

    @cached_property
    def start(self) -> int:
        """The first moment, in seconds since the start of the world."""
        return self.span.second_of(self.world.met_from)

    @cached_property
    def begins(self) -> float:
        """The first moment, in business weeks."""
        return float(self.business(np.array([self.start]))[0])

    @property
    def ends(self) -> float:
        """The last moment, in business weeks."""
        return self.span.weeks

    def business(self, seconds: Wholes) -> Floats:
        """Business time at those seconds."""
        return self.clock.business(seconds / WEEK)

    def seconds(self, business: Floats) -> Wholes:
        """Whole seconds at that business time, inside the period."""
        return self.span.whole_seconds(self.clock.calendar(business))

    @cached_property
    def bought(self) -> Wholes:
        """Positions of all purchases of known customers, by customer and number."""
        rows = self.purchases
        return np.flatnonzero((rows.customer != NOBODY) & ~rows.refunded)

    @cached_property
    def orders(self) -> Wholes:
        """Positions of those purchases that fall into the days met."""
        return self.bought[self.purchases.at[self.bought] >= self.start]

    @cached_property
    def left(self) -> Floats:
        """When each customer left for good, at the last purchase; infinite for those still here."""
        rows = self.purchases
        n = len(self.people)
        count = np.bincount(rows.customer[self.bought], minlength=n)
        last = np.zeros(n, dtype=np.int64)
        np.maximum.at(last, rows.customer[self.bought], rows.at[self.bought])
        return np.where(count - 1 >= self.people.last_repeat, self.business(last), np.inf)

    def bought_within(self, who: Wholes, first: Wholes, end: Wholes) -> Flags:
        """Whether each of those customers bought from `first` until before `end`, in seconds."""
        rows = self.purchases
        stride = self.span.seconds + 1
        keys = rows.customer[self.bought] * stride + rows.at[self.bought]
        keys.sort()
        lower = np.searchsorted(keys, who * stride + first)
        upper = np.searchsorted(keys, who * stride + np.minimum(end, stride - 1))
        return np.asarray(upper > lower)


def buy_probability(met: Met, who: Wholes, first: Wholes, end: Wholes) -> Floats:
    """The probability of those customers to buy in that time, given all that is hidden of them.

    Purchases of a customer who is here come at a steady rate in business time; one who has left
    never buys again.
    """
    here = (met.left[who] >= met.business(first)) & (met.people.arrived[who] < met.business(first))
    length = met.business(end) - met.business(first)
    return np.where(here, -np.expm1(-met.people.rate[who] * length), 0.0)


def arms(
    rng: np.random.Generator, bought: Flags, chance: Floats, lift: Floats, treated: float
) -> tuple[Flags, Floats, Floats]:
    """Who was treated, drawn after the outcome, so that it is as if drawn before it.

    Treatment multiplies the probability to buy by `lift`. With p = chance, s = treated, and p0 the
    probability of those held out, p = s * lift * p0 + (1 - s) * p0. By Bayes' rule a buyer was
    treated with probability s * lift * p0 / p and the others with s * (1 - lift * p0) / (1 - p):
    over outcomes it is s for every customer, as in a random draw. A probability that would exceed
    1 is 1, and the other arm's makes up for it.
    Parameters: whether each customer bought, the probability of that, the planted lift, the share
    treated. Returns: treated or not, and the probabilities to buy when treated and when held out.

    >>> rng = np.random.default_rng(1)
    >>> one = np.array([True])
    >>> arms(rng, one, np.array([0.3]), np.array([2.0]), 0.5)[1:]
    (array([0.4]), array([0.2]))
    """
    held_out = np.minimum(chance / (1 + treated * (lift - 1)), 1.0)
    with_it = np.minimum(lift * held_out, 1.0)
    if 0 < treated < 1:
        rest = np.clip((chance - treated * with_it) / (1 - treated), 0.0, 1.0)
        held_out = np.where(lift >= 1, rest, held_out)
        rest = np.clip((chance - (1 - treated) * held_out) / treated, 0.0, 1.0)
        with_it = np.where(lift < 1, rest, with_it)
    of_buyers = np.divide(
        treated * with_it, chance, out=np.full_like(chance, treated), where=chance > 0
    )
    rest = 1 - chance
    of_others = np.divide(
        treated * (1 - with_it), rest, out=np.full_like(chance, treated), where=rest > 0
    )
    share = np.where(bought, of_buyers, of_others)
    return rng.random(len(bought)) < share, with_it, held_out


def pick(rng: np.random.Generator, shares: npt.ArrayLike, n: int) -> Wholes:
    """Positions drawn by weight."""
    weights = np.asarray(shares, dtype=float)
    if n == 0 or weights.sum() <= 0:
        return np.zeros(n, dtype=np.int64)
    edges = np.cumsum(weights) / weights.sum()
    edges[-1] = 1.0
    return np.searchsorted(edges, rng.random(n), side="right").astype(np.int64)
