"""The table of events: what was done in visits, signs of leaving, recommendations, coupons."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from crmkit.simulate.firm import canonical, completed, customer_ids, joined, named, padded
from crmkit.simulate.journeys import Journeys
from crmkit.simulate.people import NOBODY
from crmkit.simulate.touches import NONE
from crmkit.simulate.utm import utm_columns

__all__ = ["events_table", "strangers", "visitor_ids"]

Wholes = npt.NDArray[np.int64]


def events_table(journeys: Journeys) -> pa.Table:
    """The canonical events, sorted."""
    parts = (_site(journeys), _aside(journeys), _of_coupons(journeys))
    pieces = [completed("events", part) for part in parts]
    together = pa.concat_tables(pieces)
    return canonical("events", dict(zip(together.column_names, together.columns, strict=True)))


def visitor_ids(visitors: Wholes, tag: str) -> pa.Array:
    """The ids of browsers by number."""
    return joined(f"V{tag}", padded(pa.array(visitors), 8))


def strangers(journeys: Journeys) -> Wholes:
    """Who a visit belongs to, for campaigns: the customer, else the browser."""
    visits = journeys.visits
    return np.where(visits.customer == NOBODY, visits.visitor, visits.customer)


def _site(journeys: Journeys) -> dict[str, pa.Array]:
    """What was done in visits."""
    met, visits, deeds = journeys.met, journeys.visits, journeys.deeds
    tag, words = met.world.tag, deeds.names.words
    numbers = padded(pa.array(np.arange(len(visits))), 7)
    every = {
        "visitor_id": visitor_ids(visits.visitor, tag),
        "customer_id": customer_ids(visits.customer, tag),
        "session_id": joined(f"N{tag}", numbers),
        **utm_columns(
            met, strangers(journeys), visits.start, visits.medium, np.full(len(visits), NONE)
        ),
        "landing_page": named(["/"], np.zeros(len(visits), dtype=np.int64)),
        "device": named([name for name, _ in met.world.market.devices], visits.device),
    }
    at = pa.array(deeds.visit)
    columns = {name: values.take(at) for name, values in every.items()}
    columns["customer_id"] = pc.if_else(
        pa.array(_known(journeys)), columns["customer_id"], pa.scalar(None, pa.string())
    )
    place = padded(pa.array(np.arange(1000)), 3).take(pa.array(deeds.number))
    return columns | {
        "event_id": joined(f"E{tag}", numbers.take(at), "-", place),
        "occurred_at": pa.array(met.span.instants(deeds.at)),
        **{name: named(words, vars(deeds)[name]) for name in ("event", "page", "element")},
        **{
            name: pa.array(vars(deeds)[name], from_pandas=True)
            for name in ("x", "y", "scroll", "value")
        },
    }


def _known(journeys: Journeys) -> npt.NDArray[np.bool_]:
    """Whether the site knew whose deed it was: signed in, or from the sending of the form on."""
    visits, deeds = journeys.visits, journeys.deeds
    steps = [name for name, _ in journeys.met.world.market.steps[-2:]]
    sending = np.isin(deeds.event, [deeds.names.words.index(name) for name in steps])
    buying = visits.order[deeds.visit] != NONE
    return np.asarray(visits.known[deeds.visit] | (sending & buying))


def _asides(journeys: Journeys) -> tuple[Wholes, Wholes, Wholes]:
    """Signs of leaving and recommendations shared: who, when, which kind."""
    met, signs, referrals = journeys.met, journeys.signs, journeys.referrals
    shared = np.flatnonzero(referrals.shared >= met.start)
    who = np.concatenate([signs.customer, referrals.referrer[shared]])
    at = np.concatenate([signs.at, referrals.shared[shared]])
    kind = np.concatenate([signs.cause, np.full(len(shared), NONE)])
    order = np.lexsort((kind, at, who))
    return who[order], at[order], kind[order]


def _aside(journeys: Journeys) -> dict[str, pa.Array]:
    """Events outside visits."""
    met = journeys.met
    who, at, kind = _asides(journeys)
    tag, n = met.world.tag, len(who)
    kinds = [cause.event or "" for cause in met.world.market.causes] + ["share"]
    return {
        "event_id": joined(f"G{tag}", padded(pa.array(np.arange(n)), 7)),
        "visitor_id": visitor_ids(2 * who, tag),
        "customer_id": customer_ids(who, tag),
        "occurred_at": pa.array(met.span.instants(at)),
        "event": named(kinds, np.where(kind == NONE, len(kinds) - 1, kind)),
        "page": named(["/service"], np.zeros(n, dtype=np.int64)),
    }


def _of_coupons(journeys: Journeys) -> dict[str, pa.Array]:
    """Coupons sent and used."""
    met, coupons = journeys.met, journeys.coupons
    used = np.flatnonzero(coupons.used != NONE)
    which = np.concatenate([np.arange(len(coupons)), used])
    drives, drive = met.world.market.drives, coupons.drive[which]
    worth = np.array([each.coupon for each in drives] or [0.0])
    kind = np.repeat([0, 1], [len(coupons), len(used)])
    at = np.concatenate([coupons.sent, coupons.used[used]])
    number = joined(f"Q{met.world.tag}", padded(pa.array(which), 7), "-")
    return {
        "event_id": joined(number, named(("0", "1"), kind)),
        "customer_id": customer_ids(coupons.customer[which], met.world.tag),
        "occurred_at": pa.array(met.span.instants(at)),
        "event": named(("coupon_sent", "coupon_used"), kind),
        "channel": named([each.medium for each in drives], drive),
        "campaign": named([each.name for each in drives], drive),
        "value": pa.array(worth[drive]),
    }
