"""The configuration of a simulated firm: one frozen object and a seed say everything."""

import datetime as dt
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from babel.numbers import list_currencies

from crmkit import periods
from crmkit.errors import ParameterError, nearest
from crmkit.simulate import china, china_plans
from crmkit.simulate.parts import (
    Buying,
    Category,
    Channel,
    Place,
    PriceChange,
    Promotion,
    Season,
    Spending,
    positive,
    share,
)
from crmkit.simulate.plans import Desk, Market
from crmkit.simulate.telephone import china as phones
from crmkit.simulate.telephone.plans import Telephone

__all__ = ["World"]

_BUYING = Buying(r=0.75, alpha=6.0, a=0.6, b=2.9)
_SPENDING = Spending(p=5.0, q=3.6, v=136.0)
_END = dt.date(2050, 1, 1)


@dataclass(frozen=True, kw_only=True)
class World:
    """A firm to simulate: its people, its habits, and what is planted for reports to find.

    Parameters: `name`, of the firm; `seed`, a whole number that every random stream comes from;
    `customers`, how many are won; `start`, the first day (local), and `days`, how many there are;
    `timezone`, an IANA name; `currency`, an ISO 4217 code; `country`, an ISO 3166 code.
    `buying` and `spending`, the planted models; time in weeks, money in the currency.
    `growth`, the factor on new customers a day from one year to the next.
    `calendar`, whether weekdays, hours and seasons shape the days. They are a change of clock: the
    buying process runs on business time, which goes fast in busy hours and slowly in quiet ones
    and is as long as the calendar over the whole period, so they move when orders fall and not how
    many there are. Without it every hour is alike and times are those of the pure process.
    `weekdays`, seven weights from Monday, and `hours`, 24 weights from midnight, both local;
    `seasons`, factors on days. Where seasons overlap, factors multiply.
    `channels` with their shares, and `channel_effects`, whether their planted effects are on.
    `promotions` and `prices`, events of the firm's history.
    `categories`, `places`, `industries`: what orders and customers are labelled with.
    `loyalty`, the share of a customer's orders that are of the favourite category.
    `anonymous`, orders of nobody known, as a share of the orders of customers.
    `refund_in_full`, the share of refunds that give back all; the others give back a part.
    `market`, how customers are met on the last days: media, site, campaigns, warnings; `desk`, the
    sales desk and its leads; `telephone`, the floor beside it. None changes customers or orders.
    `parts`, in how many pieces the firm is made and written, each on its own, so that memory does
    not grow with it; `part`, which piece this is, None for a whole firm.

    Raises: ParameterError for a firm that cannot be, saying what to change.

    >>> World.preset("small").customers
    500
    """

    name: str = "云岭茶业 Yunling Tea"
    seed: int = 20240101
    customers: int = 500
    start: dt.date = dt.date(2024, 1, 1)
    days: int = 366
    timezone: str = "Asia/Shanghai"
    currency: str = "CNY"
    country: str = "CN"
    buying: Buying = _BUYING
    spending: Spending = _SPENDING
    growth: float = 1.3
    calendar: bool = True
    weekdays: tuple[float, ...] = china.WEEKDAYS
    hours: tuple[float, ...] = china.HOURS
    seasons: tuple[Season, ...] = china.SEASONS
    channels: tuple[Channel, ...] = china.CHANNELS
    channel_effects: bool = True
    promotions: tuple[Promotion, ...] = ()
    prices: tuple[PriceChange, ...] = ()
    categories: tuple[Category, ...] = china.CATEGORIES
    places: tuple[Place, ...] = china.PLACES
    industries: tuple[tuple[str, float], ...] = china.INDUSTRIES
    loyalty: float = 0.5
    anonymous: float = 0.012
    refund_in_full: float = 0.8
    market: Market = china_plans.MARKET
    desk: Desk = china_plans.DESK
    telephone: Telephone = phones.SMALL
    parts: int = 1
    part: int | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "start", periods.day(self.start))
        _check_size(self)
        _check_money_and_zone(self)
        for what in ("loyalty", "refund_in_full"):
            share(what, getattr(self, what))
        if not 0 <= self.anonymous < float("inf"):
            raise ParameterError(f"anonymous is {self.anonymous!r}. Give a share of 0 or more.")
        positive("growth", self.growth)
        _check_weights("weekdays", self.weekdays, 7)
        _check_weights("hours", self.hours, 24)
        for what, shares in _labels(self).items():
            _check_weights(what, shares)

    @classmethod
    def preset(cls, name: str = "demo", *, seed: int | None = None) -> "World":
        """A world of that name.

        "small", 500 customers and a year; "demo", 20,000 and 20 months; "large", a million and a
        year, in 50 parts. Visits, touches, leads and calls are those of the last 180, 180 and 30
        days; the floor of "large" calls on the last 5.

        Raises: ParameterError for another name.

        >>> World.preset("demo", seed=7).last
        datetime.date(2025, 9, 17)
        """
        try:
            world = _PRESETS[name]
        except KeyError:
            guess = nearest(name, _PRESETS)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise ParameterError(
                f"There is no preset named {name!r}.{hint} There are: {', '.join(_PRESETS)}."
            ) from None
        return world if seed is None else replace(world, seed=seed)

    def pure(self) -> "World":
        """The same firm without calendar, channel effects, promotions and price changes.

        What is left is the BG/NBD and Gamma-Gamma process itself, in exact weeks of 168 hours.

        >>> World.preset("demo").pure().promotions
        ()
        """
        return replace(self, calendar=False, channel_effects=False, promotions=(), prices=())

    @property
    def last(self) -> dt.date:
        """The last day, included."""
        return self.start + dt.timedelta(days=self.days - 1)

    def split(self) -> "tuple[World, ...]":
        """The pieces that the firm is made in, each a world of its own; itself if it is whole.

        >>> [piece.customers for piece in World(customers=5, parts=2).split()]
        [2, 3]
        """
        if self.parts == 1:
            return (self,)
        edges = [k * self.customers // self.parts for k in range(self.parts + 1)]
        return tuple(
            replace(self, part=k, customers=edges[k + 1] - edges[k]) for k in range(self.parts)
        )

    @property
    def tag(self) -> str:
        """What the ids of a piece begin with after their letter; nothing for a whole firm."""
        return "" if self.part is None else f"{self.part:03d}-"

    @property
    def agents(self) -> int:
        """How many agents there are: of the desk, and after them of the floor, group by group."""
        return self.desk.agents + self.telephone.agents

    @property
    def met_from(self) -> dt.date:
        """The first day of visits, touches and leads."""
        return max(self.start, self.last - dt.timedelta(days=self.market.days - 1))

    def stream(self, name: str) -> np.random.Generator:
        """The random stream of that name.

        Every stream is a child of the one seed, keyed by its name and not by the order of calls:
        a stream that is new, or draws more, leaves all others as they were.

        >>> world = World()
        >>> bool(world.stream("a").random() == world.stream("a").random())
        True
        """
        full = name if self.part is None else f"{name} of part {self.part}"
        digest = hashlib.sha256(full.encode()).digest()
        key = tuple(int.from_bytes(digest[i : i + 4], "big") for i in range(0, 16, 4))
        return np.random.Generator(
            np.random.PCG64(np.random.SeedSequence(self.seed, spawn_key=key))
        )


def _labels(world: World) -> Mapping[str, tuple[float, ...]]:
    return {
        "the shares of channels": tuple(c.share for c in world.channels),
        "the shares of categories": tuple(c.share for c in world.categories),
        "the shares of places": tuple(p.share for p in world.places),
        "the shares of industries": tuple(weight for _, weight in world.industries),
    }


def _check_size(world: World) -> None:
    _check_whole("seed", world.seed, 0)
    _check_whole("customers", world.customers, 0)
    _check_whole("days", world.days, 1)
    _check_whole("parts", world.parts, 1)
    if world.start.year < 1970 or world.start.toordinal() + world.days > _END.toordinal():
        raise ParameterError(
            f"A world from {world.start} over {world.days} days leaves the years 1970 to 2049. "
            "Give another start or fewer days."
        )


def _check_whole(what: str, value: Any, least: int) -> None:
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise ParameterError(f"{what} is {value!r}. Give a whole number of {least} or more.")


def _check_money_and_zone(world: World) -> None:
    periods.zone(world.timezone)
    if world.currency not in list_currencies():
        raise ParameterError(
            f"{world.currency!r} is not a currency. Give an ISO 4217 code such as 'CNY'."
        )


def _check_weights(what: str, weights: tuple[float, ...], count: int | None = None) -> None:
    if count is not None and len(weights) != count:
        raise ParameterError(f"{what} has {len(weights)} weights. Give {count}.")
    if any(not 0 <= weight < float("inf") for weight in weights) or sum(weights) == 0:
        raise ParameterError(
            f"{what} are {weights!r}. Give weights of 0 or more, at least one of them above 0."
        )


_PRESETS = {
    "small": World(),
    "demo": World(
        customers=20_000,
        days=626,
        promotions=(
            Promotion(
                "双十一拉新", dt.date(2024, 11, 1), dt.date(2024, 11, 11), acquisition=3.0, once=0.4
            ),
        ),
        prices=(PriceChange(dt.date(2025, 4, 1), 1.08),),
        telephone=phones.DEMO,
    ),
    "large": World(
        customers=1_000_000,
        parts=50,
        market=replace(china_plans.MARKET, days=30, drives=()),
        telephone=replace(phones.DEMO, days=5),
    ),
}
