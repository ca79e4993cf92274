"""The parts a world is made of: how customers buy, where they come from, when a firm is busy."""

import datetime as dt
from dataclasses import dataclass

from crmkit import periods
from crmkit.errors import ParameterError

__all__ = [
    "Buying",
    "Category",
    "Channel",
    "Place",
    "PriceChange",
    "Promotion",
    "Season",
    "Spending",
    "positive",
    "share",
]


def positive(what: str, value: float) -> None:
    """Refuse a number that is not above zero."""
    if not 0 < value < float("inf"):
        raise ParameterError(f"{what} is {value!r}. Give a number above 0.")


def share(what: str, value: float) -> None:
    """Refuse a number that is not a share."""
    if not 0 <= value <= 1:
        raise ParameterError(f"{what} is {value!r}. Give a share from 0 to 1.")


def _window(what: str, first: dt.date, last: dt.date) -> None:
    if last < first:
        raise ParameterError(f"{what} ends on {last}, before it begins on {first}. Swap the days.")


@dataclass(frozen=True)
class Buying:
    """How often customers buy and when they leave: the BG/NBD process, time in weeks.

    While alive, a customer buys at a steady rate, Gamma(`r`, rate `alpha` weeks) over customers:
    r / alpha purchases a week on average. After each repeat purchase the customer leaves for good
    with a probability that is Beta(`a`, `b`) over customers. Nobody leaves at the first purchase
    (Fader, Hardie and Lee 2005) unless a channel or promotion says so.
    """

    r: float
    alpha: float
    a: float
    b: float

    def __post_init__(self) -> None:
        for name in ("r", "alpha", "a", "b"):
            positive(f"buying.{name}", getattr(self, name))


@dataclass(frozen=True)
class Spending:
    """What a purchase is worth: the Gamma-Gamma model, in the book's currency.

    An order is Gamma(`p`, rate nu), and nu is Gamma(`q`, rate `v`) over customers: the mean order
    is p * v / (q - 1) (Fader and Hardie 2013).
    """

    p: float
    q: float
    v: float

    def __post_init__(self) -> None:
        for name in ("p", "q", "v"):
            positive(f"spending.{name}", getattr(self, name))
        if self.q <= 1:
            raise ParameterError(
                f"spending.q is {self.q!r}, which makes the mean order infinite. Give q above 1."
            )

    @property
    def mean(self) -> float:
        """The mean order value."""
        return self.p * self.v / (self.q - 1)


@dataclass(frozen=True)
class Channel:
    """A channel that brings customers.

    `share` of all customers (relative weight); `rate`, the factor on the purchase rate of its
    customers; `once`, the share of them who leave right after the first purchase.
    """

    name: str
    share: float
    rate: float = 1.0
    once: float = 0.0

    def __post_init__(self) -> None:
        positive(f"channel {self.name!r}: rate", self.rate)
        share(f"channel {self.name!r}: once", self.once)


@dataclass(frozen=True)
class Category:
    """A kind of goods: its share of orders (relative weight), and the share of them refunded."""

    name: str
    share: float
    refund: float = 0.0

    def __post_init__(self) -> None:
        share(f"category {self.name!r}: refund", self.refund)


@dataclass(frozen=True)
class Place:
    """A city, its region, and its share of customers (relative weight)."""

    region: str
    city: str
    share: float


@dataclass(frozen=True)
class Season:
    """Days, both included, on which business runs faster or slower than usual by `factor`."""

    name: str
    first: dt.date
    last: dt.date
    factor: float

    def __post_init__(self) -> None:
        _window(f"season {self.name!r}", self.first, self.last)
        if not 0 <= self.factor < float("inf"):
            raise ParameterError(
                f"season {self.name!r} has the factor {self.factor!r}. Give 0 or more."
            )


@dataclass(frozen=True)
class Promotion:
    """Days, both included, of a campaign for new customers.

    `acquisition`, the factor on the number of new customers a day; `once`, the share of the
    customers won in it who leave right after the first purchase.
    """

    name: str
    first: dt.date
    last: dt.date
    acquisition: float
    once: float

    def __post_init__(self) -> None:
        _window(f"promotion {self.name!r}", self.first, self.last)
        positive(f"promotion {self.name!r}: acquisition", self.acquisition)
        share(f"promotion {self.name!r}: once", self.once)


@dataclass(frozen=True)
class PriceChange:
    """A lasting change of all prices by `factor`, from the local beginning of a day."""

    first: dt.date
    factor: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "first", periods.day(self.first))
        positive("a price change's factor", self.factor)
