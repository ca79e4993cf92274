"""Why customers leave and what tells of it; who recommended whom."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.simulate.met import Met, pick
from crmkit.simulate.touches import NONE

__all__ = ["Referrals", "Signs", "draw_churn_causes", "draw_referrals", "draw_signs"]

Wholes = npt.NDArray[np.int64]

_TELL_DAYS = 10.0  # mean days from the last purchase to the sign
_SHARE_DAYS = 5.0  # mean days from a recommendation to the purchase


@dataclass(frozen=True, kw_only=True)
class Signs:
    """Events that tell of a cause of leaving: whose, when (seconds), of which cause."""

    customer: Wholes
    at: Wholes
    cause: Wholes


@dataclass(frozen=True, kw_only=True)
class Referrals:
    """Recommendations: by whom (`referrer`, by customer, NONE for most) and when it was shared.

    `shared` is in seconds, below the first moment met where it lies before.
    """

    referrer: Wholes
    shared: Wholes


def draw_churn_causes(met: Met) -> Wholes:
    """For what reason each customer leaves, or would."""
    causes = met.world.market.causes
    return pick(met.world.stream("churn causes"), [c.share for c in causes], len(met.people))


def draw_signs(met: Met, cause: Wholes) -> Signs:
    """Signs of leaving: of those who left, days after the last purchase; noise of others."""
    causes = met.world.market.causes
    parts: list[tuple[Wholes, Wholes, Wholes]] = []
    for position, planted in enumerate(causes):
        if planted.event is None:
            continue
        rng = met.world.stream(f"signs of {planted.name}")
        n = len(met.people)
        gone = (cause == position) & np.isfinite(met.left)
        tells = rng.random(n) < np.where(gone, planted.told, planted.noise)
        after = np.where(gone, met.left, 0.0) + rng.exponential(_TELL_DAYS / 7, n)
        begins = np.maximum(met.people.arrived, met.begins)
        any_time = begins + rng.random(n) * np.maximum(met.ends - begins, 0)
        moment = np.where(gone, after, any_time)
        who = np.flatnonzero(tells & (moment >= met.begins) & (moment < met.ends))
        parts.append((who, met.seconds(moment[who]), np.full(len(who), position)))
    if not parts:
        no = np.zeros(0, dtype=np.int64)
        return Signs(customer=no, at=no, cause=no)
    who, at, which = (np.concatenate(part) for part in zip(*parts, strict=True))
    return Signs(customer=who, at=at, cause=which)


def draw_referrals(met: Met) -> Referrals:
    """An earlier customer for each one of a channel of recommendations."""
    named = {medium.name for medium in met.world.market.media if medium.medium == "referral"}
    channels = [position for position, c in enumerate(met.world.channels) if c.name in named]
    rng = met.world.stream("referrals")
    n = len(met.people)
    earlier = np.floor(rng.random(n) * np.arange(n)).astype(np.int64)
    referred = np.isin(met.people.channel, channels) & (np.arange(n) > 0)
    first = np.zeros(n, dtype=np.int64)
    rows = met.bought[met.purchases.number[met.bought] == 1]
    first[met.purchases.customer[rows]] = met.purchases.at[rows]
    ago = (rng.exponential(_SHARE_DAYS * 86_400, n) + 600).astype(np.int64)
    arrived = first[earlier] if n else first
    return Referrals(
        referrer=np.where(referred, earlier, NONE),
        shared=np.where(referred, np.maximum(first - ago, arrived), -1),
    )
