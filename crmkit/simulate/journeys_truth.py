"""What was planted in the journeys: kept beside the book, for tests and readers to judge by."""

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from crmkit.simulate.candidates import WON
from crmkit.simulate.contacts import campaign_ids
from crmkit.simulate.firm import customer_ids, named, order_ids
from crmkit.simulate.identities import Identities
from crmkit.simulate.journeys import Journeys
from crmkit.simulate.prospects import agent_ids, lead_ids
from crmkit.simulate.telephone.crews import draw_agents
from crmkit.simulate.touches import NONE
from crmkit.simulate.visits import goes_on

__all__ = ["journeys_truth", "truth_tables"]

Flags = npt.NDArray[np.bool_]


def truth_tables(journeys: Journeys, identities: Identities) -> dict[str, pa.Table]:
    """What is hidden, row by row, by the name of the file.

    truth_orders, of purchases on the days met: `cause`, the channel without whose touch it would
    not have been made, and `campaign` or `remedy` likewise (null where it would). truth_people:
    `churn_cause`, `left_at` (null while here), `referrer`. truth_trials: the arms with the planted
    probabilities to buy when treated and held out. truth_assignments: each assignment of a lead,
    with its planted chance. truth_identities: whose each id is.
    """
    return {
        "truth_orders": _orders(journeys),
        "truth_people": _people(journeys),
        "truth_trials": _trials(journeys),
        "truth_assignments": _assignments(journeys),
        "truth_identities": identities.truth,
    }


def journeys_truth(journeys: Journeys, identities: Identities) -> dict[str, Any]:
    """What is planted in the journeys and what it came to, for truth.json."""
    world = journeys.met.world
    return {
        "days_met": {"first": world.met_from, "last": world.last},
        "touch_channels": _media(journeys),
        "funnel": _funnel(journeys),
        "form": _form(journeys),
        "campaigns": _drives(journeys),
        "interventions": _remedies(journeys),
        "churn_causes": _causes(journeys),
        "leads": _leads(journeys),
        "identities": {
            "ids": identities.truth.num_rows,
            "not_resolved": int(np.sum(~identities.truth["resolved"].to_numpy())),
            "wrongly_merged": int(np.sum(identities.truth["wrong"].to_numpy())),
        },
        "referrals": {"planted": int((journeys.referrals.referrer != NONE).sum())},
    }


def _orders(journeys: Journeys) -> pa.Table:
    met, causes = journeys.met, journeys.causes
    world = met.world
    media = [medium.name for medium in world.market.media]
    drive, remedy = _needed(journeys)
    return pa.table(
        {
            "order_id": order_ids(met.purchases.where(met.orders), world.tag),
            "cause": named(media, causes.medium),
            "visit_channel": named(media, causes.through),
            "campaign": named(campaign_ids(world), drive),
            "remedy": named([r.action for r in world.market.remedies], remedy),
        }
    )


def _needed(journeys: Journeys) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """The drive and the remedy that each purchase needed: of the first one in their time."""
    met, trials = journeys.met, journeys.trials.where(journeys.trials.needed)
    stride = met.span.seconds + 1
    keys = met.purchases.customer[met.orders] * stride + met.purchases.at[met.orders]
    order = np.argsort(keys, kind="stable")
    at = order[np.searchsorted(keys[order], trials.customer * stride + trials.at)]
    made = [np.full(len(met.orders), NONE), np.full(len(met.orders), NONE)]
    for column, position in zip(made, (trials.drive, trials.remedy), strict=True):
        column[at[position != NONE]] = position[position != NONE]
    return made[0], made[1]


def _people(journeys: Journeys) -> pa.Table:
    met, tag = journeys.met, journeys.met.world.tag
    gone = np.isfinite(met.left)
    at = met.span.instants(met.seconds(np.where(gone, met.left, 0.0)))
    return pa.table(
        {
            "customer_id": customer_ids(np.arange(len(met.people)), tag),
            "churn_cause": named([c.name for c in met.world.market.causes], journeys.churn)
            if met.world.market.causes
            else pa.nulls(len(met.people), pa.string()),
            "left_at": pa.array(at, mask=~gone),
            "referrer": customer_ids(journeys.referrals.referrer, tag),
        }
    )


def _trials(journeys: Journeys) -> pa.Table:
    met, trials = journeys.met, journeys.trials
    market = met.world.market
    return pa.table(
        {
            "customer_id": customer_ids(trials.customer, met.world.tag),
            "assigned_at": pa.array(met.span.instants(trials.at)),
            "until": pa.array(met.span.instants(trials.end)),
            "campaign": named(campaign_ids(met.world), trials.drive),
            "reason": named([r.reason for r in market.remedies], trials.remedy),
            "treated": trials.treated,
            "bought": trials.bought,
            "chance_treated": np.round(trials.with_it, 10),
            "chance_held_out": np.round(trials.held_out, 10),
            "needed": trials.needed,
        }
    )


def _assignments(journeys: Journeys) -> pa.Table:
    met, leads = journeys.met, journeys.leads
    return pa.table(
        {
            "lead_id": lead_ids(leads, met.world.tag).take(pa.array(leads.lead)),
            "round": leads.round,
            "agent_id": named(agent_ids(met.world), leads.agent),
            "stage": leads.stage[leads.lead],
            "response_hours": np.round(leads.response, 6),
            "chance": np.round(leads.odds, 10),
            "won": leads.outcome == WON,
            "known": leads.ended < met.span.seconds,
        }
    )


def _media(journeys: Journeys) -> list[dict[str, Any]]:
    met, causes, touches = journeys.met, journeys.causes, journeys.touches
    first = met.purchases.number[met.orders] == 1
    cents = met.purchases.cents[met.orders]
    return [
        {
            "channel": medium.name,
            "planted": {
                "touch_brings_a_purchase": medium.effect,
                "share_of_repeat_purchases_caused": medium.caused,
                "share_of_its_new_customers_caused": medium.wins,
                "share_of_online_orders_harvested": medium.harvest,
            },
            "seen": {
                "touches": int((touches.medium == position).sum()),
                "purchases_caused": int((causes.medium == position).sum()),
                "first_purchases_caused": int(((causes.medium == position) & first).sum()),
                "revenue_caused": int(cents[causes.medium == position].sum()) / 100,
                "purchases_in_its_visits": int((causes.through == position).sum()),
            },
        }
        for position, medium in enumerate(met.world.market.media)
    ]


def _funnel(journeys: Journeys) -> list[dict[str, Any]]:
    """By channel and device, the share of visits that go on to each step."""
    market, visits = journeys.met.world.market, journeys.visits
    shares = goes_on(market)
    rows = []
    for m, medium in enumerate(market.media):
        for d, (device, _) in enumerate(market.devices):
            stages = visits.stage[(visits.medium == m) & (visits.device == d)]
            reached = [int((stages >= k).sum()) for k in range(len(market.steps))]
            rows.append(
                {
                    "channel": medium.name,
                    "device": device,
                    "steps": [name for name, _ in market.steps],
                    "planted": [round(float(share), 6) for share in shares[m, d]],
                    "visits_seen": reached,
                }
            )
    return rows


def _form(journeys: Journeys) -> dict[str, Any]:
    market = journeys.met.world.market
    weight = sum(field.leaves for field in market.fields) or 1.0
    return {
        "share_of_leavers_who_never_start": market.unstarted,
        "last_field_of_those_who_start_and_leave": {
            field.name: round(field.leaves / weight, 6) for field in market.fields
        },
        "left_blank_by_those_who_send": {field.name: field.blank for field in market.fields},
    }


def _drives(journeys: Journeys) -> list[dict[str, Any]]:
    trials, market = journeys.trials, journeys.met.world.market
    ids = campaign_ids(journeys.met.world)
    return [
        {"campaign_id": ids[k], "name": drive.name, "planted": {"lift": drive.lift}}
        | {"coupon": _coupon(journeys, k)}
        | {"seen": _trial_seen(journeys, trials.drive == k)}
        for k, drive in enumerate(market.drives)
    ]


def _coupon(journeys: Journeys, drive: int) -> dict[str, Any] | None:
    """What a campaign's coupon is worth, and how many were used."""
    coupons, worth = journeys.coupons, journeys.met.world.market.drives[drive].coupon
    own = coupons.drive == drive
    if not worth:
        return None
    used = int((own & (coupons.used != NONE)).sum())
    return {"worth": worth, "sent": int(own.sum()), "used": used, "cost": worth * used}


def _remedies(journeys: Journeys) -> list[dict[str, Any]]:
    trials, market = journeys.trials, journeys.met.world.market
    return [
        {"reason": remedy.reason, "action": remedy.action, "planted": {"lift": remedy.lift}}
        | {"seen": _trial_seen(journeys, trials.remedy == k)}
        for k, remedy in enumerate(market.remedies)
    ]


def _trial_seen(journeys: Journeys, which: Flags) -> dict[str, Any]:
    trials = journeys.trials.where(which)
    treated, held = trials.treated, ~trials.treated
    gained = trials.with_it - trials.held_out
    return {
        "treated": int(treated.sum()),
        "held_out": int(held.sum()),
        "bought_of_treated": int(trials.bought[treated].sum()),
        "bought_of_held_out": int(trials.bought[held].sum()),
        "expected_gain_per_customer": round(float(gained.mean()), 8) + 0.0 if len(trials) else None,
        "needed": int(trials.needed.sum()),
    }


def _causes(journeys: Journeys) -> list[dict[str, Any]]:
    gone = np.isfinite(journeys.met.left)
    return [
        {
            "cause": cause.name,
            "planted": {"share": cause.share, "sign": cause.event, "told": cause.told}
            | {"noise": cause.noise},
            "seen": {"left": int((gone & (journeys.churn == k)).sum())}
            | {"signs": int((journeys.signs.cause == k).sum())},
        }
        for k, cause in enumerate(journeys.met.world.market.causes)
    ]


def _leads(journeys: Journeys) -> dict[str, Any]:
    met, leads = journeys.met, journeys.leads
    desk, agents = met.world.desk, draw_agents(met.world)
    won = (leads.outcome == WON) & (leads.ended < met.span.seconds)
    return {
        "planted": {
            "log_odds": {
                "base": desk.base,
                "sources": {source.name: source.weight for source in desk.sources},
                "each_step_of_the_funnel_seen": desk.stage,
                "log_of_1_plus_response_hours": -desk.speed,
                "each_assignment_before": -desk.again,
            },
            "protection_days": desk.protection,
            "skills": dict(
                zip(agent_ids(met.world), np.round(agents.skill, 6).tolist(), strict=True)
            ),
            "usual_response_hours": dict(
                zip(agent_ids(met.world), np.round(agents.hours, 6).tolist(), strict=True)
            ),
        },
        "seen": {
            "leads": len(leads),
            "entered_twice": int((leads.copy_of != NONE).sum()),
            "assignments": len(leads.lead),
            "won": int(won.sum()),
        },
    }
