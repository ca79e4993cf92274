"""Touches, and which purchases they caused.

A touch of a medium brings a purchase with the planted probability `effect`, after a delay. Touches
of a customer are Poisson, `rate` times as frequent as the customer's purchases; so purchases that a
medium caused are a share rate * effect of all repeat purchases, and those touches that brought
none are Poisson again and independent of them (thinning). Drawing causes for the purchases that are
there, and then the other touches, gives therefore the very law of touches first.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.simulate.met import Met, pick
from crmkit.simulate.plans import Market, Medium

__all__ = [
    "NONE",
    "Causes",
    "Touches",
    "draw_causes",
    "draw_touches",
    "joined_touches",
    "made_touches",
]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

NONE = -1
_CALL_AFTER = 60  # seconds from a touch to a purchase made at once, but not on the site
_ASSISTS, _ASSIST_DAYS = 1.2, 12.0  # touches before a first purchase that changed nothing


@dataclass(frozen=True, kw_only=True)
class Causes:
    """Why each purchase in the days met was made, one element for each of `Met.orders`.

    `medium`, the position of the medium without whose touch it would not have been made, or NONE;
    `through`, the medium that the visit of the purchase came through (NONE for sales without
    visits); `at_once`, whether the touch was that very visit; `touched`, seconds of the touch of
    `touched_by`, below 0 where there is none; `touched_by`, that medium or, for first purchases,
    the one of the recorded channel.
    """

    medium: Wholes
    through: Wholes
    at_once: Flags
    touched: Wholes
    touched_by: Wholes


@dataclass(frozen=True, kw_only=True)
class Touches:
    """Touches of known customers, one element each.

    `customer`; `at`, seconds; `medium`, its position; `clicked`, whether it could bring a visit
    that bought nothing; `order`, the position among `Met.orders` of the purchase whose visit it
    began, or NONE; `drive`, the campaign to known customers that it belongs to, or NONE.
    """

    customer: Wholes
    at: Wholes
    medium: Wholes
    clicked: Flags
    order: Wholes
    drive: Wholes

    def __len__(self) -> int:
        return len(self.customer)

    def where(self, rows: npt.NDArray[np.generic]) -> "Touches":
        """Some of the touches."""
        return Touches(**{name: values[rows] for name, values in vars(self).items()})


def draw_causes(met: Met) -> Causes:
    """The cause of every purchase in the days met, and the medium its visit came through."""
    market, rows = met.world.market, met.purchases
    n = len(met.orders)
    first = rows.number[met.orders] == 1
    who = rows.customer[met.orders]
    own = _own_medium(met)[met.people.channel[who]]
    rng = met.world.stream("causes")
    medium = np.where(
        first, _first_cause(market, own, rng.random(n)), _repeat_cause(market, rng, n)
    )
    by = np.where(first, own, medium)
    at_once = (by != NONE) & (rng.random(n) < market.at_once)
    lag = np.where(at_once, 0.0, rng.exponential(market.delay / 7, n))
    business = met.business(rows.at[met.orders])
    too_early = ~first & (business - lag < met.people.arrived[who])
    medium, by = (np.where(too_early, NONE, values) for values in (medium, by))
    online = ~_offline(met)[rows.channel[met.orders]]
    at_once &= ~too_early & online
    through = np.where(at_once, by, _harvested(market, rng, n))
    in_sight = (by != NONE) & (business - lag >= met.begins)
    touched = met.seconds(np.maximum(business - lag, 0)) - _CALL_AFTER * (lag == 0)
    return Causes(
        medium=medium,
        through=np.where(online, through, NONE),
        at_once=at_once,
        touched=np.where(in_sight, touched, -1),
        touched_by=by,
    )


def draw_touches(met: Met, causes: Causes, visit_starts: Wholes) -> Touches:
    """All touches of customers but for those of campaigns and of leads.

    `visit_starts`: when the visit of each purchase began, in seconds; its touch lies there.
    """
    parts = [
        *(_background(met, position) for position in range(len(met.world.market.media))),
        _causing(met, causes),
        _beginning(met, causes, visit_starts),
        _assisting(met),
    ]
    return joined_touches(met, parts)


def joined_touches(met: Met, parts: list[Touches]) -> Touches:
    """Touches put together, those before the days met left out."""
    made = Touches(
        **{
            name: np.concatenate([vars(part)[name] for part in parts])
            for name in Touches.__dataclass_fields__
        }
    )
    return made.where(made.at >= met.start)


def _own_medium(met: Met) -> Wholes:
    """The medium of the same name as each channel of the world, or NONE."""
    names = [medium.name for medium in met.world.market.media]
    return np.array(
        [names.index(c.name) if c.name in names else NONE for c in met.world.channels], dtype=int
    )


def _offline(met: Met) -> Flags:
    return np.array([c.name in met.world.market.offline for c in met.world.channels], dtype=bool)


def _first_cause(market: Market, own: Wholes, draws: Floats) -> Wholes:
    wins = np.array([*(medium.wins for medium in market.media), 0.0])  # the last stands for NONE
    return np.where(draws < wins[own], own, NONE)


def _repeat_cause(market: Market, rng: np.random.Generator, n: int) -> Wholes:
    caused = [medium.caused for medium in market.media]
    drawn = pick(rng, [*caused, 1 - sum(caused)], n)
    return np.where(drawn == len(caused), NONE, drawn)


def _harvested(market: Market, rng: np.random.Generator, n: int) -> Wholes:
    """The medium of a visit that would have come anyway: by harvest, else direct."""
    harvest = [medium.harvest for medium in market.media]
    drawn = pick(rng, [*harvest, 1 - sum(harvest)], n)
    return np.where(drawn == len(harvest), _direct(market), drawn)


def _direct(market: Market) -> int:
    kinds = [medium.kind for medium in market.media]
    return kinds.index("direct") if "direct" in kinds else NONE


def _background(met: Met, position: int) -> Touches:
    """Touches that brought no purchase: all that there were, less those that did."""
    market = met.world.market
    medium: Medium = market.media[position]
    rng = met.world.stream(f"touches of {medium.name}")
    begins = np.maximum(met.people.arrived, met.begins)
    ends = np.full(len(begins), met.ends) if medium.pushed else np.minimum(met.left, met.ends)
    mean = medium.rate * met.people.rate * np.maximum(ends - begins, 0)
    who = np.repeat(np.arange(len(mean)), rng.poisson(mean))
    at = begins[who] + rng.random(len(who)) * (ends - begins)[who]
    room = np.minimum(met.left[who], met.ends) - at
    in_time = market.at_once + (1 - market.at_once) * -np.expm1(-room * 7 / market.delay)
    brought = np.where(room > 0, medium.effect * in_time, 0.0)
    stays = rng.random(len(who)) >= brought
    clicked = rng.random(len(who)) < medium.click
    return made_touches(who[stays], met.seconds(at[stays]), position, clicked[stays])


def _causing(met: Met, causes: Causes) -> Touches:
    """Touches some time before the purchase that they caused, or that the firm records so."""
    chosen = np.flatnonzero((causes.touched >= 0) & ~causes.at_once)
    who = met.purchases.customer[met.orders[chosen]]
    return made_touches(
        who, causes.touched[chosen], causes.touched_by[chosen], np.zeros(len(chosen), dtype=bool)
    )


def _beginning(met: Met, causes: Causes, visit_starts: Wholes) -> Touches:
    """The touch that began the visit of each purchase made online."""
    chosen = np.flatnonzero(causes.through != NONE)
    who = met.purchases.customer[met.orders[chosen]]
    no = np.zeros(len(chosen), dtype=bool)
    return made_touches(who, visit_starts[chosen], causes.through[chosen], no, chosen)


def _assisting(met: Met) -> Touches:
    """Touches of customers to be, in the days before the first purchase, that changed nothing."""
    media = met.world.market.media
    rng = met.world.stream("assists")
    first = met.orders[met.purchases.number[met.orders] == 1]
    if not any(medium.rate for medium in media):
        first = first[:0]
    row = np.repeat(first, rng.poisson(_ASSISTS, len(first)))
    days = rng.exponential(_ASSIST_DAYS / 2, len(row))
    business = met.business(met.purchases.at[row]) - days / 7
    position = pick(rng, [medium.rate for medium in media], len(row))
    at = np.where(business > 0, met.seconds(np.maximum(business, 0)), -1)
    return made_touches(met.purchases.customer[row], at, position, np.zeros(len(row), dtype=bool))


def made_touches(
    who: Wholes,
    at: Wholes,
    medium: Wholes | int,
    clicked: Flags,
    order: Wholes | None = None,
    drive: Wholes | None = None,
) -> Touches:
    """Touches from their columns; those not given are NONE."""
    n = len(who)
    return Touches(
        customer=who,
        at=at,
        medium=np.broadcast_to(np.asarray(medium, dtype=np.int64), (n,)),
        clicked=clicked,
        order=np.full(n, NONE) if order is None else order,
        drive=np.full(n, NONE) if drive is None else drive,
    )
