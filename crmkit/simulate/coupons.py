"""Coupons of campaigns: sent to the treated, used by some of those who bought.

Canonical orders have no place for a coupon, and amounts are what was paid; so a coupon is two
events of its campaign, `coupon_sent` and `coupon_used`, with its worth as value. The second one is
at the very second of the order it was used for.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.simulate.met import Met
from crmkit.simulate.touches import NONE
from crmkit.simulate.trials import Trials

__all__ = ["Coupons", "draw_coupons"]

Wholes = npt.NDArray[np.int64]

_USED_IF_NEEDED, _USED_ANYWAY = 0.85, 0.5
"""Of treated buyers: those who would not have bought without it, and those who would."""


@dataclass(frozen=True)
class Coupons:
    """Coupons sent, one element each: `customer`, `drive`, `sent` in seconds; `used` or NONE."""

    customer: Wholes
    drive: Wholes
    sent: Wholes
    used: Wholes

    def __len__(self) -> int:
        return len(self.customer)


def draw_coupons(met: Met, trials: Trials) -> Coupons:
    """The coupons of every campaign that has one."""
    worth = np.array([drive.coupon for drive in met.world.market.drives] or [0.0])
    sent = trials.where(trials.treated & (trials.drive != NONE))
    sent = sent.where(worth[sent.drive] > 0)
    chance = np.where(sent.needed, _USED_IF_NEEDED, _USED_ANYWAY)
    uses = sent.bought & (met.world.stream("coupons").random(len(sent)) < chance)
    return Coupons(
        customer=sent.customer,
        drive=sent.drive,
        sent=sent.at,
        used=np.where(uses, _first_orders_from(met, sent), NONE),
    )


def _first_orders_from(met: Met, sent: Trials) -> Wholes:
    """The first order of each customer from that moment on; of those without one, any number."""
    stride = met.span.seconds + 1
    keys = np.sort(met.purchases.customer[met.orders] * stride + met.purchases.at[met.orders])
    if len(keys) == 0:
        return np.full(len(sent), NONE)
    place = np.searchsorted(keys, sent.customer * stride + sent.at)
    return np.asarray(keys[np.minimum(place, len(keys) - 1)] % stride)
