"""People with latent traits, and the purchases that follow from them.

Everything is drawn in arrays, customer by customer in the order of acquisition. Each question has
its own random stream, so that a later question leaves the answers of earlier ones alone.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import count

import numpy as np
import numpy.typing as npt

from crmkit.simulate.clock import Clock, Span, acquisition_clock, business_clock
from crmkit.simulate.world import World

__all__ = ["NOBODY", "People", "Purchases", "draw_people", "draw_purchases"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NOBODY = -1
"""The customer of an order that nobody is known for."""

_NEVER = np.iinfo(np.int64).max
_LEAST = 1e-12  # a rate or probability of exactly 0 could not be divided by


@dataclass(frozen=True, kw_only=True)
class People:
    """The customers of a world, one element each, in order of acquisition.

    `arrived`, first purchase, in weeks of business time since the start; `rate`, purchases a week
    while alive, channel effects included; `dropout`, the probability to leave after each repeat
    purchase; `mean_order`, mean order value before price changes; `once`, who left right after the
    first purchase; `last_repeat`, the number of the repeat purchase after which the customer leaves
    (0 for those of `once`); `channel`, `place`, `industry`, `favourite`, positions in the world's
    lists.
    """

    arrived: Floats
    rate: Floats
    dropout: Floats
    mean_order: Floats
    once: Flags
    last_repeat: Wholes
    channel: Wholes
    place: Wholes
    industry: Wholes
    favourite: Wholes

    def __len__(self) -> int:
        return len(self.arrived)


@dataclass(frozen=True, kw_only=True)
class Purchases:
    """The orders and refunds of a world, one element each.

    `customer`, a position in People, or NOBODY; `number`, which order of that customer, from 1;
    `at`, seconds since the start; `cents`, below 0 for a refund; `category` and `channel`,
    positions in the world's lists; `refunded`, whether the row is a refund of that order.
    """

    customer: Wholes
    number: Wholes
    at: Wholes
    cents: Wholes
    category: Wholes
    channel: Wholes
    refunded: Flags

    def __len__(self) -> int:
        return len(self.customer)

    def where(self, rows: npt.NDArray[np.generic]) -> "Purchases":
        """Some of the rows, by position or condition."""
        return Purchases(**{name: values[rows] for name, values in vars(self).items()})


def draw_people(world: World) -> People:
    """The customers of a world with their latent traits.

    The traits are those of the BG/NBD model (Fader, Hardie and Lee 2005) and the Gamma-Gamma model
    (Fader and Hardie 2013): rate ~ Gamma(r, rate alpha), dropout ~ Beta(a, b), order values
    Gamma(p, rate nu) with nu ~ Gamma(q, rate v), all independent.
    Parameters: `world`, the configuration. Returns: one element for each customer.

    >>> len(draw_people(World(customers=3)))
    3
    """
    n, buying, spending = world.customers, world.buying, world.spending
    span = Span(world)
    moments = np.sort(world.stream("acquisition").random(n)) * span.weeks
    arrived = acquisition_clock(span).calendar(moments)
    channel = _labels(world, "channel", [c.share for c in world.channels], n)
    rate = world.stream("purchase rate").gamma(buying.r, 1 / buying.alpha, n)
    if world.channel_effects:
        rate = rate * np.array([c.rate for c in world.channels])[channel]
    dropout = np.maximum(world.stream("dropout").beta(buying.a, buying.b, n), _LEAST)
    once = world.stream("once").random(n) < _once_share(world, span, arrived, channel)
    repeats = world.stream("last repeat").geometric(dropout)
    order_rate = world.stream("spending").gamma(spending.q, 1 / spending.v, n)
    return People(
        arrived=business_clock(span).business(arrived),
        rate=np.maximum(rate, _LEAST),
        dropout=dropout,
        mean_order=spending.p / np.maximum(order_rate, _LEAST),
        once=once,
        last_repeat=np.where(once, 0, repeats),
        channel=channel,
        place=_labels(world, "place", [p.share for p in world.places], n),
        industry=_labels(world, "industry", [share for _, share in world.industries], n),
        favourite=_labels(world, "favourite", [c.share for c in world.categories], n),
    )


def draw_purchases(world: World, people: People) -> Purchases:
    """The orders of known customers, their refunds, and the orders of nobody known.

    Parameters: `world`, the configuration; `people`, its customers.
    Returns: orders by customer and number, then refunds, then the orders of nobody.

    >>> world = World(customers=3)
    >>> bool((draw_purchases(world, draw_people(world)).at >= 0).all())
    True
    """
    span = Span(world)
    clock = business_clock(span)
    who, number, business = _visits(world, people, span.weeks)
    at = span.whole_seconds(clock.calendar(business))
    values = world.stream("order values").gamma(world.spending.p, 1.0, len(who))
    each = people.mean_order[who] / world.spending.p
    orders = Purchases(
        customer=who,
        number=number,
        at=at,
        cents=_cents(world, span, values * each, at),
        category=_categories(world, people.favourite[who]),
        channel=people.channel[who],
        refunded=np.zeros(len(who), dtype=bool),
    )
    return _joined(
        orders,
        _refunds(world, orders, business, clock, span),
        _of_nobody(world, len(orders), clock, span),
    )


def _labels(world: World, stream: str, shares: Sequence[float], n: int) -> Wholes:
    """Positions drawn by weight; the first n stay what they are when more are drawn."""
    edges = np.cumsum(shares) / np.sum(shares)
    edges[-1] = 1.0
    return np.searchsorted(edges, world.stream(stream).random(n), side="right").astype(np.int64)


def _once_share(world: World, span: Span, arrived: Floats, channel: Wholes) -> Floats:
    """Probability to leave right after the first purchase: by channel or by promotion."""
    stays = np.ones(len(arrived))
    if world.channel_effects:
        stays *= 1 - np.array([c.once for c in world.channels])[channel]
    for promotion in world.promotions:
        inside = span.within(arrived, promotion.first, promotion.last)
        stays[inside] *= 1 - promotion.once
    return 1 - stays


def _visits(world: World, people: People, end: float) -> tuple[Wholes, Wholes, Floats]:
    """Customer, number and business time of every order, by customer and number."""
    first = np.arange(len(people)), np.ones(len(people), dtype=np.int64), people.arrived
    rounds = [first, *_repeats(world, people, end)]
    who, number, at = (np.concatenate(part) for part in zip(*rounds, strict=True))
    order = np.lexsort((number, who))
    return who[order], number[order], at[order]


def _repeats(world: World, people: People, end: float) -> Iterator[tuple[Wholes, Wholes, Floats]]:
    """The first repeat purchase of all, then the second of those still there, and so on."""
    gaps = world.stream("gaps")
    who = np.flatnonzero(people.last_repeat > 0)
    at = people.arrived[who]
    for repeat in count(1):
        at = at + gaps.standard_exponential(len(who)) / people.rate[who]
        who, at = who[at < end], at[at < end]
        if len(who) == 0:
            return
        yield who, np.full(len(who), repeat + 1), at
        stays = people.last_repeat[who] > repeat
        who, at = who[stays], at[stays]


def _cents(world: World, span: Span, values: Floats, at: Wholes) -> Wholes:
    price = np.ones(len(values))
    for change in world.prices:
        price[at >= span.second_of(change.first)] *= change.factor
    return np.maximum(np.rint(values * price * 100), 1).astype(np.int64)


def _categories(world: World, favourite: Wholes) -> Wholes:
    n = len(favourite)
    shares = [c.share for c in world.categories]
    loyal = world.stream("loyalty").random(n) < world.loyalty
    return np.where(loyal, favourite, _labels(world, "category", shares, n))


def _refunds(
    world: World, orders: Purchases, business: Floats, clock: Clock, span: Span
) -> Purchases:
    """Rows that give money back, some days after the order; those after the end are not known."""
    n = len(orders)
    draws = world.stream("refunds").random((n, 3))
    lag = world.stream("refund lag").exponential(4 / 7, n)
    share = np.array([c.refund for c in world.categories])[orders.category]
    part = np.where(draws[:, 1] < world.refund_in_full, 1.0, 0.2 + 0.6 * draws[:, 2])
    at = span.whole_seconds(clock.calendar(business + lag))
    back = Purchases(
        customer=orders.customer,
        number=orders.number,
        at=np.maximum(at, orders.at + 1),
        cents=-np.maximum(np.rint(orders.cents * part), 1).astype(np.int64),
        category=orders.category,
        channel=orders.channel,
        refunded=np.ones(n, dtype=bool),
    )
    return back.where(
        (draws[:, 0] < share) & (business + lag < span.weeks) & (back.at < span.seconds)
    )


def _of_nobody(world: World, known: int, clock: Clock, span: Span) -> Purchases:
    """Orders without a customer, spread over the whole period."""
    n = round(known * world.anonymous)
    rng = world.stream("anonymous")
    at = span.whole_seconds(clock.calendar(np.sort(rng.random(n)) * span.weeks))
    spending = world.spending
    order_rate = np.maximum(rng.gamma(spending.q, 1 / spending.v, n), _LEAST)
    values = rng.gamma(spending.p, 1.0, n) / order_rate
    return Purchases(
        customer=np.full(n, NOBODY),
        number=np.arange(1, n + 1),
        at=at,
        cents=_cents(world, span, values, at),
        category=_labels(world, "anonymous category", [c.share for c in world.categories], n),
        channel=_labels(world, "anonymous channel", [c.share for c in world.channels], n),
        refunded=np.zeros(n, dtype=bool),
    )


def _joined(*parts: Purchases) -> Purchases:
    return Purchases(
        **{name: np.concatenate([vars(part)[name] for part in parts]) for name in vars(parts[0])}
    )
