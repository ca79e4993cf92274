"""What a firm does to sell, and what is planted in it: media, the site's funnel, drives, leads.

Shares and probabilities are from 0 to 1. Everything here is configuration; nothing draws.
"""

from dataclasses import dataclass

from crmkit.errors import ParameterError
from crmkit.simulate.parts import positive, share

__all__ = [
    "Cause",
    "Desk",
    "Drive",
    "Element",
    "Field",
    "Leak",
    "Market",
    "Medium",
    "Remedy",
    "Source",
]


@dataclass(frozen=True)
class Medium:
    """A channel of touches.

    `name`; `kind`, one of paid, owned, direct; `medium`, as in utm_medium; `campaigns`, the names
    its touches run under; `keywords`, its search words, where it has any.
    `rate`, touches of a customer for each purchase that customer makes on average: who buys often
    is reached often. `effect`, the probability that such a touch brings a purchase which would not
    have been made: rate * effect is the share of repeat purchases that the medium caused.
    `wins`, the share of the new customers recorded under the channel who would not have come.
    `harvest`, the share of online orders whose visit came through it though it changed nothing.
    `click`, the share of touches that could bring a visit; `pushed`, sent by the firm, so that it
    goes on when the customer has left; `cost`, money for each visit (paid) or touch (owned).
    """

    name: str
    kind: str
    medium: str
    rate: float = 0.0
    effect: float = 0.0
    wins: float = 0.0
    harvest: float = 0.0
    click: float = 0.25
    pushed: bool = False
    cost: float = 0.0
    campaigns: tuple[str, ...] = ("日常",)
    keywords: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("effect", "wins", "harvest", "click"):
            share(f"medium {self.name!r}: {name}", getattr(self, name))
        for name in ("rate", "cost"):
            if not 0 <= getattr(self, name) < float("inf"):
                raise ParameterError(f"medium {self.name!r}: {name} must be 0 or more.")
        if self.kind not in ("paid", "owned", "direct"):
            raise ParameterError(
                f"medium {self.name!r} is of kind {self.kind!r}. Give paid, owned or direct."
            )

    @property
    def caused(self) -> float:
        """The share of repeat purchases that its touches caused."""
        return self.rate * self.effect


@dataclass(frozen=True)
class Leak:
    """A place where visits go on less often: the factor on one step, for a medium or device."""

    step: str
    factor: float
    medium: str | None = None
    device: str | None = None

    def __post_init__(self) -> None:
        if not 0 < self.factor <= 1:
            raise ParameterError(f"leak at {self.step!r}: factor is {self.factor!r}. Give 0 to 1.")


@dataclass(frozen=True)
class Field:
    """A field of the order form.

    `seconds`, mean time spent in it; `leaves`, the relative weight of being the last field of those
    who start the form and leave; `blank`, the share of those who send it and leave it blank.
    """

    name: str
    seconds: float
    leaves: float
    blank: float = 0.0


@dataclass(frozen=True)
class Element:
    """Something on a page to click on: its place (share of width, pixels down) and its share."""

    page: str
    name: str | None
    x: float
    y: float
    share: float


@dataclass(frozen=True)
class Drive:
    """A campaign to known customers, with a random holdout.

    `starts`, days after the first day of journeys, and `days`, how long it runs; `reach`, the
    share of known customers chosen for it; `holdout`, the share of those left alone; `lift`, the
    factor on the probability to buy while it runs; `cost` of a contact; `coupon`, what the coupon
    that goes with it is worth, 0 for none.
    """

    name: str
    medium: str
    starts: int
    days: int
    reach: float
    holdout: float
    lift: float
    cost: float
    coupon: float = 0.0

    def __post_init__(self) -> None:
        for name in ("reach", "holdout"):
            share(f"drive {self.name!r}: {name}", getattr(self, name))
        positive(f"drive {self.name!r}: lift", self.lift)
        if self.starts < 0 or self.days < 1:
            raise ParameterError(
                f"drive {self.name!r} needs starts of 0 or more, days of 1 or more."
            )


@dataclass(frozen=True)
class Cause:
    """Why customers leave: its share, the event that tells of it, and how often it is told.

    `told`, the share of those leaving for it who leave the sign; `noise`, the share of the others
    who leave the same sign all the same.
    """

    name: str
    share: float
    event: str | None
    told: float
    noise: float


@dataclass(frozen=True)
class Remedy:
    """What is done about a warning of a reason, its cost, and its planted effect.

    `lift`, the factor on the probability to buy within the days watched.
    """

    reason: str
    action: str
    lift: float
    cost: float

    def __post_init__(self) -> None:
        positive(f"remedy for {self.reason!r}: lift", self.lift)


@dataclass(frozen=True)
class Source:
    """Where leads come from: relative share, lists, weight on the log odds."""

    name: str
    share: float
    lists: tuple[str, ...]
    weight: float
    visits: bool = False


@dataclass(frozen=True, kw_only=True)
class Desk:
    """The sales desk that works the leads.

    A lead's log odds to be won in one assignment are base + weight of its source + stage * (steps
    of the site's funnel seen before) + skill of the owner - speed * log(1 + working hours to the
    first contact) - again * (assignments before). Skills are normal with deviation `skill`.
    `channel`, whose new customers are wins; `agents`, how many; `opens` and `closes`, local hours,
    Monday to Saturday except in quiet seasons; `protection`, days an owner keeps a lead that
    neither won nor said no; `recycled`, share of released leads given out again; `rounds`, most
    assignments of a lead; `lost`, share of assignments not won that end with a no; `night`, share
    of leads from visits that come while the desk is closed; `twice`, share of leads entered again.
    """

    channel: str = "电话销售"
    agents: int = 60
    teams: int = 6
    opens: int = 9
    closes: int = 18
    base: float = -2.2
    stage: float = 0.25
    skill: float = 0.45
    speed: float = 0.45
    again: float = 0.6
    hours: float = 2.0
    protection: int = 15
    recycled: float = 0.5
    rounds: int = 3
    lost: float = 0.35
    night: float = 0.3
    twice: float = 0.03
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        for name in ("recycled", "lost", "night", "twice"):
            share(f"desk.{name}", getattr(self, name))
        if self.agents < 1 or self.rounds < 1 or self.protection < 1:
            raise ParameterError("desk: give at least 1 agent, 1 round and 1 day of protection.")
        if not 0 <= self.opens < self.closes <= 24:
            raise ParameterError(
                f"desk: it opens at {self.opens} and closes at {self.closes}. "
                "Give hours from 0 to 24, the first below the second."
            )


@dataclass(frozen=True, kw_only=True)
class Market:
    """How the firm meets its customers on the last `days` of the world.

    `media` of touches, where the one of kind direct takes the visits nobody brought; `steps`, the
    funnel of the site, each with the share of visits that go on to it from the step before;
    `leaks` in it; `devices` with their shares; `offline`, sales channels without visits;
    `fields` of the order form and `unstarted`, the share of those leaving at the form who never
    touch it; `elements` of pages; `scrolls`, the mean share of a page seen, by device;
    `drives`, `causes` of leaving, `remedies` and the share `treated` with them; `quiet`, days
    without a purchase from which and until which a customer is warned of, `watched`, days in which
    a purchase counts; `delay`, mean days from a touch to the purchase it caused, and `at_once`, the
    share bought in the very visit.
    """

    days: int = 180
    media: tuple[Medium, ...] = ()
    steps: tuple[tuple[str, float], ...] = ()
    leaks: tuple[Leak, ...] = ()
    devices: tuple[tuple[str, float], ...] = (("mobile", 1.0),)
    offline: tuple[str, ...] = ()
    fields: tuple[Field, ...] = ()
    unstarted: float = 0.35
    elements: tuple[Element, ...] = ()
    scrolls: tuple[tuple[str, float], ...] = ()
    drives: tuple[Drive, ...] = ()
    causes: tuple[Cause, ...] = ()
    remedies: tuple[Remedy, ...] = ()
    treated: float = 0.75
    quiet: tuple[int, int] = (45, 120)
    watched: int = 30
    delay: float = 2.0
    at_once: float = 0.5

    def __post_init__(self) -> None:
        for name in ("unstarted", "treated", "at_once"):
            share(f"market.{name}", getattr(self, name))
        positive("market.delay", self.delay)
        if isinstance(self.days, bool) or not isinstance(self.days, int) or self.days < 1:
            raise ParameterError(f"market.days is {self.days!r}. Give a whole number of 1 or more.")
        caused = sum(medium.caused for medium in self.media)
        if caused >= 1:
            raise ParameterError(
                f"The media together would cause {caused:.2f} of all repeat purchases. "
                "Lower rate or effect until it is below 1."
            )
        if sum(medium.harvest for medium in self.media) > 1:
            raise ParameterError("The media harvest more than all orders. Lower their harvest.")
        steps = [name for name, _ in self.steps]
        for leak in self.leaks:
            if leak.step not in steps:
                raise ParameterError(
                    f"There is a leak at {leak.step!r}, which is no step. There are: "
                    f"{', '.join(steps) or 'none'}."
                )
        for name, goes_on in self.steps:
            if not 0 < goes_on <= 1:
                raise ParameterError(f"step {name!r}: {goes_on!r} go on to it. Give above 0 to 1.")
