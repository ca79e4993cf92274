"""Visits to the site: those that bought, and those that leaked away at each step of the funnel.

Purchases are given. In each stratum of medium and device the number of visits that bought nothing
is negative binomial: failures until so many successes, each visit going through all steps with the
planted probability. So every step of every stratum has exactly its planted share.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from crmkit.simulate.met import Met, pick
from crmkit.simulate.people import NOBODY
from crmkit.simulate.plans import Market
from crmkit.simulate.touches import NONE, Causes, Touches

__all__ = ["Visits", "alone", "devices", "draw_visits", "goes_on", "visit_lengths"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_SHORTEST, _LONGEST = 180, 1200  # seconds of a visit that buys
_SECOND = 0.35  # customers with a second device
_ON_SECOND = 0.25  # visits on it
_AGAIN = 0.3  # anonymous visits by somebody who was here before
_GAP_DAYS = 5.0  # between visits of an anonymous visitor
_EARLIER = 0.6  # new customers with anonymous visits before
_SIGNED_IN = 0.8  # visits of customers that are recognised


@dataclass(frozen=True, kw_only=True)
class Visits:
    """Visits, one element each.

    `customer`, whose it is in truth, or NOBODY; `known`, whether the site knows that from the
    beginning; `visitor`, the browser: 2 * customer or 2 * customer + 1, and from 2 * customers on
    those of nobody known; `start`, seconds; `length`, seconds of those whose end is given, else 0;
    `medium`, `device`, positions; `stage`, the last step reached; `order`, the position among
    `Met.orders`, or NONE; `lead`, the lead asked for at the end, or NONE.
    """

    customer: Wholes
    known: Flags
    visitor: Wholes
    start: Wholes
    length: Wholes
    medium: Wholes
    device: Wholes
    stage: Wholes
    order: Wholes
    lead: Wholes

    def __len__(self) -> int:
        return len(self.customer)

    def where(self, rows: npt.NDArray[np.generic]) -> "Visits":
        """Some of the visits."""
        return Visits(**{name: values[rows] for name, values in vars(self).items()})


def goes_on(market: Market) -> Floats:
    """The planted share of visits that go on to each step: by medium, device and step."""
    steps = [name for name, _ in market.steps]
    shares = np.empty((len(market.media), len(market.devices), len(steps)))
    shares[:] = [share for _, share in market.steps]
    for leak in market.leaks:
        media = [leak.medium in (None, medium.name) for medium in market.media]
        devices = [leak.device in (None, device) for device, _ in market.devices]
        where = np.logical_and.outer(media, devices)
        shares[where, steps.index(leak.step)] *= leak.factor
    return shares


def devices(met: Met) -> tuple[Wholes, Wholes]:
    """The usual and the second device of every customer; the second is NONE for most."""
    rng = met.world.stream("devices")
    n, shares = len(met.people), [share for _, share in met.world.market.devices]
    usual, other = pick(rng, shares, n), pick(rng, shares, n)
    return usual, np.where(rng.random(n) < _SECOND, other, NONE)


def visit_lengths(met: Met) -> Wholes:
    """Seconds that the visit of each purchase lasted; shorter where the days met begin in it."""
    rng = met.world.stream("visit lengths")
    seconds = rng.integers(_SHORTEST, _LONGEST, len(met.orders))
    return np.minimum(seconds, met.purchases.at[met.orders] - met.start)


def draw_visits(met: Met, causes: Causes, touches: Touches, lengths: Wholes) -> Visits:
    """All visits of the days met, in strata of medium and device."""
    market = met.world.market
    if not market.steps or not market.media:
        return _none()
    usual, second = devices(met)
    bought = _buying(met, causes, lengths, usual, second)
    could = _clicking(met, touches, usual, second)
    parts = [bought]
    shares = goes_on(market)
    visitors = 2 * len(met.people)
    for medium in range(len(market.media)):
        for device in range(len(market.devices)):
            wins = int(((bought.medium == medium) & (bought.device == device)).sum())
            some, strangers = _failing(met, could, (medium, device), wins, shares, visitors)
            visitors = max(visitors, int(strangers.visitor.max(initial=0)) + 1)
            parts += [some, strangers]
    visits = joined_visits(parts)
    return _earlier(met, visits, usual)


def joined_visits(parts: list[Visits]) -> Visits:
    """Visits put together."""
    return Visits(
        **{
            name: np.concatenate([vars(part)[name] for part in parts])
            for name in Visits.__dataclass_fields__
        }
    )


def _none() -> Visits:
    no = np.zeros(0, dtype=np.int64)
    columns = dict.fromkeys(Visits.__dataclass_fields__, no)
    return replace(Visits(**columns), known=no.astype(bool))  # type: ignore[arg-type]


def _buying(met: Met, causes: Causes, lengths: Wholes, usual: Wholes, second: Wholes) -> Visits:
    """The visits of purchases made online."""
    chosen = np.flatnonzero(causes.through != NONE)
    rows = met.orders[chosen]
    who = met.purchases.customer[rows]
    rng = met.world.stream("visits that bought")
    other = (second[who] != NONE) & (rng.random(len(who)) < _ON_SECOND)
    known = (met.purchases.number[rows] > 1) & (rng.random(len(who)) < _SIGNED_IN)
    return Visits(
        customer=who,
        known=known,
        visitor=2 * who + other,
        start=met.purchases.at[rows] - lengths[chosen],
        length=lengths[chosen],
        medium=causes.through[chosen],
        device=np.where(other, second[who], usual[who]),
        stage=np.full(len(who), len(met.world.market.steps) - 1),
        order=chosen,
        lead=np.full(len(who), NONE),
    )


def _clicking(met: Met, touches: Touches, usual: Wholes, second: Wholes) -> Visits:
    """Visits of customers that touches could have brought and that bought nothing."""
    chosen = touches.where(touches.clicked)
    who = chosen.customer
    rng = met.world.stream("visits of customers")
    other = (second[who] != NONE) & (rng.random(len(who)) < _ON_SECOND)
    no = np.full(len(who), NONE)
    return Visits(
        customer=who,
        known=rng.random(len(who)) < _SIGNED_IN,
        visitor=2 * who + other,
        start=chosen.at,
        length=np.zeros(len(who), dtype=np.int64),
        medium=chosen.medium,
        device=np.where(other, second[who], usual[who]),
        stage=no,
        order=no,
        lead=no,
    )


def _failing(
    met: Met, could: Visits, stratum: tuple[int, int], wins: int, shares: Floats, visitors: int
) -> tuple[Visits, Visits]:
    """Visits of a stratum that bought nothing: those of customers, then those of strangers."""
    medium, device = stratum
    market = met.world.market
    rng = met.world.stream(f"leaks of {market.media[medium].name} on {market.devices[device][0]}")
    through = np.cumprod(shares[medium, device])
    total = int(rng.negative_binomial(wins, through[-1])) if wins and through[-1] < 1 else 0
    mine = np.flatnonzero((could.medium == medium) & (could.device == device))
    mine = rng.permutation(mine)[:total]
    stages = pick(rng, -np.diff(through), total)
    some = replace(could.where(mine), stage=stages[: len(mine)])
    return some, _strangers(met, rng, stratum, stages[len(mine) :], visitors)


def _strangers(
    met: Met, rng: np.random.Generator, stratum: tuple[int, int], stages: Wholes, visitors: int
) -> Visits:
    """Visits of people nobody knows, some of whom come again within days."""
    n = len(stages)
    first = np.ceil(n * (1 - _AGAIN)).astype(int)
    which = np.concatenate([np.arange(first), rng.integers(0, max(first, 1), n - first)])
    fresh = met.begins + rng.random(n) * (met.ends - met.begins)
    again = fresh[which] + rng.exponential(_GAP_DAYS / 7, n)
    moment = np.where((np.arange(n) < first) | (again >= met.ends), fresh, again)
    no = np.full(n, NONE)
    return Visits(
        customer=np.full(n, NOBODY),
        known=np.zeros(n, dtype=bool),
        visitor=visitors + which,
        start=met.seconds(moment),
        length=np.zeros(n, dtype=np.int64),
        medium=np.full(n, stratum[0]),
        device=np.full(n, stratum[1]),
        stage=stages,
        order=no,
        lead=no,
    )


def _earlier(met: Met, visits: Visits, usual: Wholes) -> Visits:
    """Some visits of strangers become those of customers to be, days before they first bought.

    Only visitors who came once are taken, on the device that the customer uses: the strata stay
    as they were drawn.
    """
    rng = met.world.stream("visits before the first purchase")
    rows = met.orders[met.purchases.number[met.orders] == 1]
    rows = rows[rng.random(len(rows)) < _EARLIER]
    who = met.purchases.customer[rows]
    start = met.purchases.at[rows] - (rng.exponential(4 * 86_400, len(rows)) + 7200).astype(int)
    single = alone(visits)
    customer, visitor, at = visits.customer.copy(), visits.visitor.copy(), visits.start.copy()
    for device in range(len(met.world.market.devices)):
        free = rng.permutation(single[visits.device[single] == device])
        mine = np.flatnonzero((usual[who] == device) & (start >= met.start))[: len(free)]
        taken = free[: len(mine)]
        customer[taken], visitor[taken], at[taken] = who[mine], 2 * who[mine], start[mine]
    return replace(visits, customer=customer, visitor=visitor, start=at)


def alone(visits: Visits) -> Wholes:
    """Visits of strangers who came just once."""
    counts = np.bincount(visits.visitor) if len(visits) else np.zeros(0, dtype=np.int64)
    strangers = (visits.customer == NOBODY) & (visits.lead == NONE)
    return np.flatnonzero(strangers & (counts[visits.visitor] == 1))
