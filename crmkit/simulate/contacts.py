"""The tables of touches, spend, campaigns and interventions."""

import json

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from crmkit.simulate.events import strangers
from crmkit.simulate.firm import canonical, customer_ids, money, named
from crmkit.simulate.journeys import Journeys
from crmkit.simulate.met import Met, pick
from crmkit.simulate.prospects import person_ids
from crmkit.simulate.telephone.campaigns import phone_campaigns
from crmkit.simulate.telephone.leads import call_touches
from crmkit.simulate.telephone.work import FloorWork
from crmkit.simulate.touches import NONE
from crmkit.simulate.utm import campaign_of, campaigns, utm_columns
from crmkit.simulate.world import World

__all__ = [
    "campaign_ids",
    "campaigns_table",
    "interventions_table",
    "merged_spend",
    "spend_table",
    "touches_table",
]

Wholes = npt.NDArray[np.int64]

_PROSPECT_TOUCHES, _PROSPECT_DAYS = 1.5, 10.0  # before a lead that did not buy, and how long before
_SHOWN = 40  # times shown for each visit of a paid medium
_SPREAD = 0.15  # of the cost of a visit from day to day


def touches_table(journeys: Journeys, floor: FloorWork | None = None) -> pa.Table:
    """The canonical touches: of media, of campaigns, calls, and of leads before they were made."""
    met, touches = journeys.met, journeys.touches
    kinds = [medium.kind for medium in met.world.market.media]
    own = {
        "customer_id": customer_ids(touches.customer, met.world.tag),
        "occurred_at": pa.array(met.span.instants(touches.at)),
        **utm_columns(met, touches.customer, touches.at, touches.medium, touches.drive),
        "kind": named(kinds, touches.medium),
    }
    parts = [own, _calls(journeys), _before(journeys)]
    if floor is not None:
        parts.append(_of_floor(floor))
    pieces = [canonical("touches", part) for part in parts]
    together = pa.concat_tables(pieces)
    return canonical("touches", dict(zip(together.column_names, together.columns, strict=True)))


def _calls(journeys: Journeys) -> dict[str, pa.Array]:
    """First contacts of leads by the desk; only of those that were answered."""
    met, leads = journeys.met, journeys.leads
    reached = leads.reached & (leads.contacted < met.span.seconds)
    lead = leads.lead[reached]
    n = len(lead)
    return {
        "customer_id": person_ids(journeys.leads, met.world.tag).take(pa.array(lead)),
        "occurred_at": pa.array(met.span.instants(leads.contacted[reached])),
        "channel": pa.array([met.world.desk.channel] * n, pa.string()),
        "kind": pa.array(["call"] * n, pa.string()),
    }


def _of_floor(floor: FloorWork) -> dict[str, pa.Array]:
    """Conversations of the floor."""
    who, at = call_touches(floor)
    return {
        "customer_id": who,
        "occurred_at": pa.array(floor.met.span.instants(at)),
        "channel": pa.array([floor.met.world.desk.channel] * len(at), pa.string()),
        "kind": pa.array(["call"] * len(at), pa.string()),
    }


def _before(journeys: Journeys) -> dict[str, pa.Array]:
    """Touches of people who became leads and did not buy: paths without a purchase."""
    met, leads = journeys.met, journeys.leads
    rng = met.world.stream("touches of leads")
    media = met.world.market.media
    open_ = np.flatnonzero((leads.customer < 0) & (leads.copy_of == NONE))
    if not any(medium.rate for medium in media):
        open_ = open_[:0]
    lead = np.repeat(open_, rng.poisson(_PROSPECT_TOUCHES, len(open_)))
    ago = (rng.exponential(_PROSPECT_DAYS * 86_400, len(lead)) + 60).astype(np.int64)
    medium = pick(rng, [m.rate for m in media], len(lead))
    at = leads.created[lead] - ago
    lead, medium, at = (values[at >= met.start] for values in (lead, medium, at))
    who = 4 * len(met.people) + lead
    return {
        "customer_id": person_ids(leads, met.world.tag).take(pa.array(lead)),
        "occurred_at": pa.array(met.span.instants(at)),
        **utm_columns(met, who, at, medium, np.full(len(lead), NONE)),
        "kind": named([m.kind for m in media], medium),
    }


def spend_table(journeys: Journeys) -> pa.Table:
    """The canonical spend: paid media by visits, owned media and campaigns by what was sent."""
    met, visits, touches = journeys.met, journeys.visits, journeys.touches
    names = campaigns(met)
    campaign = campaign_of(met, strangers(journeys), visits.start, visits.medium)
    usual = len(names) - len(met.world.market.drives)
    sent_by = np.where(
        touches.drive == NONE,
        campaign_of(met, touches.customer, touches.at, touches.medium),
        usual + touches.drive,
    )
    clicks = _by_day(met, visits.start, campaign, len(names))
    sent = _by_day(met, touches.at, sent_by, len(names))
    paid = np.array(
        [medium >= 0 and _is_paid(met.world, medium) for medium, _ in names], dtype=bool
    )
    unit = np.array([met.world.market.media[m].cost if m >= 0 else 0.0 for m, _ in names])
    for position, drive in enumerate(met.world.market.drives):
        unit[usual + position] = drive.cost
        paid[usual + position] = False
    rng = met.world.stream("spend")
    noise = np.where(paid, rng.lognormal(0, _SPREAD, clicks.shape), 1.0)
    shown = np.where(paid, rng.poisson(clicks * _SHOWN) + clicks, sent)
    cost = np.rint(np.where(paid, clicks, sent) * unit * noise * 100).astype(np.int64)
    day, which = np.nonzero(shown)
    first = np.datetime64(met.world.met_from, "D")
    media = [medium.name for medium in met.world.market.media]
    return canonical(
        "spend",
        {
            "day": pa.array(first + day.astype("timedelta64[D]")),
            "channel": named(media, np.array([m for m, _ in names] or [0])[which]),
            "campaign": named([name for _, name in names], which),
            "cost": money(cost[day, which]),
            "impressions": pa.array(shown[day, which]),
            "clicks": pa.array(clicks[day, which]),
        },
    )


def merged_spend(tables: list[pa.Table]) -> pa.Table:
    """The spend of several parts of a firm as that of the whole."""
    key = ["day", "channel", "campaign"]
    sums = [(name, "sum") for name in ("cost", "impressions", "clicks")]
    made = pa.concat_tables(tables).group_by(key, use_threads=False).aggregate(sums)
    return canonical("spend", {name.removesuffix("_sum"): made[name] for name in made.column_names})


def _is_paid(world: World, medium: int) -> bool:
    return world.market.media[medium].kind == "paid"


def _by_day(met: Met, at: Wholes, campaign: Wholes, names: int) -> Wholes:
    """Counts by local day met and campaign."""
    days = (met.world.last - met.world.met_from).days + 1
    first = np.datetime64(met.world.met_from, "D")
    chosen = campaign != NONE
    day = (met.span.local(at[chosen]).astype("datetime64[D]") - first).astype(np.int64)
    counts = np.bincount(day * names + campaign[chosen], minlength=days * names)
    return counts.reshape(days, names)


def campaign_ids(world: World) -> list[str]:
    """The ids of the campaigns to known customers."""
    return [f"M{number:03d}" for number in range(1, len(world.market.drives) + 1)]


def campaigns_table(met: Met, floor: FloorWork | None = None) -> pa.Table:
    """The canonical campaigns: those to known customers that began on the days met, and calls."""
    rows = [] if floor is None else phone_campaigns(floor)
    for name, drive in zip(campaign_ids(met.world), met.world.market.drives, strict=True):
        first = met.world.met_from.toordinal() + drive.starts
        if first > met.world.last.toordinal():
            continue
        starts = met.start + drive.starts * 86_400 + 9 * 3600
        settings = {"name": drive.name, "channel": drive.medium, "days": drive.days}
        settings |= {"holdout": drive.holdout, "cost_per_contact": drive.cost}
        at = met.span.instants(np.array([starts, starts + drive.days * 86_400]))
        rows.append((name, "marketing", *at, json.dumps(settings, ensure_ascii=False)))
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return canonical(
        "campaigns",
        {
            "campaign_id": pa.array(columns[0], pa.string()),
            "kind": pa.array(columns[1], pa.string()),
            "started_at": pa.array(columns[2], pa.timestamp("us")),
            "ended_at": pa.array(columns[3], pa.timestamp("us")),
            "settings": pa.array(columns[4], pa.string()),
        },
    )


def interventions_table(journeys: Journeys) -> pa.Table:
    """The canonical interventions: remedies after warnings, and the arms of campaigns.

    A campaign's rows have the reason "campaign" and the campaign_id as action.
    """
    met, trials = journeys.met, journeys.trials
    market = met.world.market
    of_drive = trials.drive != NONE
    reasons = [remedy.reason for remedy in market.remedies] + ["campaign"]
    actions = [remedy.action for remedy in market.remedies] + campaign_ids(met.world)
    costs = [remedy.cost for remedy in market.remedies] + [d.cost for d in market.drives]
    action = np.where(of_drive, len(market.remedies) + trials.drive, trials.remedy)
    cost = np.array([*costs, 0.0])[action] * trials.treated
    return canonical(
        "interventions",
        {
            "customer_id": customer_ids(trials.customer, met.world.tag),
            "assigned_at": pa.array(met.span.instants(trials.at)),
            "reason": named(reasons, np.where(of_drive, len(reasons) - 1, trials.remedy)),
            "action": named(actions, action),
            "arm": pc.if_else(pa.array(trials.treated), "treated", "holdout"),
            "cost": money(np.rint(cost * 100).astype(np.int64)),
        },
    )
