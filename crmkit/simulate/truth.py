"""What was planted, kept where no analysis looks, so that a test or a reader can judge the reports.

Two kinds of numbers stand side by side: `planted`, the parameters that the firm was drawn with, and
`seen`, what they came to in this firm, counted from the hidden arrays and not by any analysis.
"""

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from crmkit.simulate.clock import Span
from crmkit.simulate.firm import Firm, customer_ids
from crmkit.simulate.people import NOBODY
from crmkit.simulate.world import World

__all__ = ["HORIZON", "customers_truth", "truth", "world_truth"]

HORIZON = 52
"""Weeks ahead of which expected orders and value are told."""

_BACK_DAYS = 90  # within which a customer counts as come back, in the numbers of stories
_PRICE_DAYS = 60  # compared before and after a price change

_ABOUT = (
    "What was planted in this simulated firm. Time in weeks, money in the currency, "
    "shares from 0 to 1. 'planted' are parameters, 'seen' is what they came to."
)

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]


def customers_truth(firm: Firm) -> pa.Table:
    """The latent traits of every customer, in order of customer_id.

    A customer of known rate and dropout who is alive makes (1 - exp(-rate * dropout * t)) / dropout
    purchases in t weeks on average: purchases that end the life come at rate * dropout.
    Parameters: `firm`. Returns: customer_id; rate_per_week, dropout, mean_order_value (at first
    prices); once; repeats so far; alive at the end; expected_orders and expected_value in the
    next 52 weeks, at the last prices.
    """
    people, world = firm.people, firm.world
    repeats = _orders_of(firm) - 1
    alive = people.last_repeat > repeats
    ahead = -np.expm1(-people.rate * people.dropout * HORIZON) / people.dropout
    expected = np.where(alive, ahead, 0.0)
    price = np.prod([change.factor for change in world.prices if change.first <= world.last])
    return pa.table(
        {
            "customer_id": customer_ids(np.arange(len(people)), world.tag),
            "rate_per_week": _plain(people.rate),
            "dropout": _plain(people.dropout),
            "mean_order_value": _plain(people.mean_order),
            "once": people.once,
            "repeats": repeats,
            "alive": alive,
            "expected_orders": _plain(expected),
            "expected_value": _plain(expected * people.mean_order * price),
        }
    )


def truth(firm: Firm, raw: Mapping[str, Any], journeys: Mapping[str, Any] | None = None) -> str:
    """Everything planted, as JSON: the world, totals, segments, stories, faults of raw exports.

    Parameters: `firm`; `raw`, the expected counts of the raw exports; `journeys`, what is planted
    in them. Returns: the text.
    """
    document = {
        "about": _ABOUT,
        "world": asdict(firm.world),
        "totals": _totals(firm),
        "channels": _channels(firm),
        "cohorts": _cohorts(firm),
        "stories": [*_channel_stories(firm), *_promotion_stories(firm), *_other_stories(firm)],
        "raw": raw,
        **(journeys or {}),
    }
    return _written(document)


def world_truth(world: World) -> str:
    """What is planted in a firm made in parts: the world alone."""
    return _written({"about": _ABOUT, "world": asdict(world)})


def _written(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2, default=_day) + "\n"


def _totals(firm: Firm) -> dict[str, Any]:
    rows = firm.purchases
    bought = _bought(firm)
    traits = customers_truth(firm)
    return {
        "customers": len(firm.people),
        "customers_alive": int(np.sum(traits["alive"].to_numpy())),
        "customers_with_repeats": int(np.sum(traits["repeats"].to_numpy() > 0)),
        "order_rows": len(rows),
        "purchases_of_known_customers": int(bought.sum()),
        "revenue_of_known_customers": int(rows.cents[bought].sum()) / 100,
        "refunds": int(rows.refunded.sum()),
        "refunded_amount": -int(rows.cents[rows.refunded].sum()) / 100,
        "orders_of_nobody": int((rows.customer == NOBODY).sum()),
        "net_revenue": int(rows.cents.sum()) / 100,
        "first_day": firm.world.start,
        "last_day": firm.world.last,
    }


def _channels(firm: Firm) -> list[dict[str, Any]]:
    on = firm.world.channel_effects
    return [
        {
            "channel": channel.name,
            "planted": {
                "share": channel.share,
                "rate": channel.rate if on else 1.0,
                "once": channel.once if on else 0.0,
            },
            "seen": _seen(firm, firm.people.channel == position),
        }
        for position, channel in enumerate(firm.world.channels)
    ]


def _cohorts(firm: Firm) -> list[dict[str, Any]]:
    """By local month of the first purchase."""
    months = _months(firm)
    return [
        {"month": str(month), "seen": _seen(firm, months == month)} for month in np.unique(months)
    ]


def _channel_stories(firm: Firm) -> list[dict[str, Any]]:
    stories = []
    for position, channel in enumerate(firm.world.channels if firm.world.channel_effects else ()):
        who = firm.people.channel == position
        if channel.once >= 0.25:
            what = f"{channel.name} brings many customers who never come back."
            stories.append(_story("channel of one-time customers", what, asdict(channel)))
        elif channel.rate >= 1.5:
            what = f"{channel.name} brings few customers, and they return a lot."
            stories.append(_story("channel of loyal customers", what, asdict(channel)))
        else:
            continue
        stories[-1]["seen"] = {"in_it": _seen(firm, who), "others": _seen(firm, ~who)}
    return stories


def _promotion_stories(firm: Firm) -> list[dict[str, Any]]:
    span, first = Span(firm.world), _first_at(firm)
    stories = []
    for promotion in firm.world.promotions:
        won = span.within(first, promotion.first, promotion.last)
        same_month = (_months(firm) == np.datetime64(promotion.first, "M")) & ~won
        what = f"{promotion.name} wins many customers at once, who come back less than others."
        stories.append(_story("promotion of one-time customers", what, asdict(promotion)))
        stories[-1]["seen"] = {
            "won_in_it": _seen(firm, won),
            "won_on_other_days_of_its_month": _seen(firm, same_month),
            "others": _seen(firm, ~won),
        }
    return stories


def _other_stories(firm: Firm) -> list[dict[str, Any]]:
    """Price changes, and categories refunded more than twice as often as the rest."""
    world, rows = firm.world, firm.purchases
    stories = []
    sold = ~rows.refunded
    for change in world.prices:
        day, width = Span(world).second_of(change.first), _PRICE_DAYS * 86_400
        before = sold & (rows.at >= day - width) & (rows.at < day)
        after = sold & (rows.at >= day) & (rows.at < day + width)
        what = f"All prices change by the factor {change.factor} on {change.first}."
        stories.append(_story("price change", what, asdict(change)))
        stories[-1]["seen"] = {
            f"mean_order_{_PRICE_DAYS}_days_before": _mean(rows.cents[before] / 100),
            f"mean_order_{_PRICE_DAYS}_days_after": _mean(rows.cents[after] / 100),
        }
    weight = sum(c.share for c in world.categories)
    usual = sum(c.share * c.refund for c in world.categories) / weight
    for position, category in enumerate(world.categories):
        if category.refund > 2 * usual:
            of_it = rows.category == position
            what = f"Orders of {category.name} are refunded far more often than others."
            stories.append(_story("category of refunds", what, asdict(category)))
            stories[-1]["seen"] = {
                "refunds_per_order": _ratio(rows.refunded & of_it, sold & of_it),
                "refunds_per_order_of_others": _ratio(rows.refunded & ~of_it, sold & ~of_it),
            }
    return stories


def _story(kind: str, what: str, planted: dict[str, Any]) -> dict[str, Any]:
    return {"story": kind, "what": what, "planted": planted}


def _seen(firm: Firm, who: Flags) -> dict[str, Any]:
    """How a group of customers turned out; come back is told of those followed long enough."""
    repeats = _orders_of(firm) - 1
    first, second = _first_at(firm), _second_at(firm)
    limit = _BACK_DAYS / 7
    followed = who & (first + limit <= Span(firm.world).weeks)
    return {
        "customers": int(who.sum()),
        "left_after_first": _mean(firm.people.once[who]),
        "repeats_per_customer": _mean(repeats[who]),
        "alive": _mean((firm.people.last_repeat > repeats)[who]),
        f"followed_{_BACK_DAYS}_days": int(followed.sum()),
        f"back_within_{_BACK_DAYS}_days": _mean((second - first <= limit)[followed]),
    }


def _bought(firm: Firm) -> Flags:
    return np.asarray((firm.purchases.customer != NOBODY) & ~firm.purchases.refunded)


def _orders_of(firm: Firm) -> Wholes:
    buyers = firm.purchases.customer[_bought(firm)]
    return np.bincount(buyers, minlength=len(firm.people)).astype(np.int64)


def _at_number(firm: Firm, number: int) -> Floats:
    """When each customer made the order of that number, in weeks; infinite where never."""
    rows = firm.purchases
    chosen = _bought(firm) & (rows.number == number)
    at = np.full(len(firm.people), np.inf)
    at[rows.customer[chosen]] = rows.at[chosen] / (7 * 86_400)
    return at


def _first_at(firm: Firm) -> Floats:
    return _at_number(firm, 1)


def _second_at(firm: Firm) -> Floats:
    return _at_number(firm, 2)


def _months(firm: Firm) -> npt.NDArray[np.datetime64]:
    span = Span(firm.world)
    return span.local(span.whole_seconds(_first_at(firm))).astype("datetime64[M]")


def _mean(values: npt.NDArray[Any]) -> float | None:
    return round(float(np.mean(values)), 6) if len(values) else None


def _ratio(part: Flags, whole: Flags) -> float | None:
    return round(float(part.sum() / whole.sum()), 6) if whole.any() else None


def _plain(values: Floats) -> Floats:
    """Ten decimals: what is beyond could differ between processors."""
    return np.round(values, 10)


def _day(value: object) -> str:
    if isinstance(value, dt.date):
        return value.isoformat()
    raise TypeError(f"{value!r} has no place in truth.json")
