"""Everything that happened around the orders on the days met, drawn in its order."""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from crmkit.simulate.coupons import Coupons, draw_coupons
from crmkit.simulate.leads import Leads, draw_leads
from crmkit.simulate.met import Met
from crmkit.simulate.pages import Deeds, draw_deeds
from crmkit.simulate.people import NOBODY
from crmkit.simulate.signs import (
    Referrals,
    Signs,
    draw_churn_causes,
    draw_referrals,
    draw_signs,
)
from crmkit.simulate.touches import (
    NONE,
    Causes,
    Touches,
    draw_causes,
    draw_touches,
    joined_touches,
)
from crmkit.simulate.trials import (
    Trials,
    draw_drives,
    draw_warnings,
    drive_touches,
    joined_trials,
)
from crmkit.simulate.visits import Visits, alone, draw_visits, visit_lengths

__all__ = ["Journeys", "draw_journeys"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]

_SHORTEST_ASK, _LONGEST_ASK = 60, 900  # seconds of a visit that ends in a lead


@dataclass(frozen=True, kw_only=True)
class Journeys:
    """What was drawn for the days met, with all that is hidden in it."""

    met: Met
    causes: Causes
    touches: Touches
    visits: Visits
    deeds: Deeds
    leads: Leads
    trials: Trials
    coupons: Coupons
    churn: Wholes
    signs: Signs
    referrals: Referrals


def draw_journeys(met: Met, sold: Wholes | None = None) -> Journeys:
    """Draw everything around the orders; customers and orders are not touched.

    Parameters: the days met; `sold`, first orders of the desk's channel that the floor has won,
    none by default. Returns: the journeys.
    """
    causes = draw_causes(met)
    lengths = visit_lengths(met)
    starts = met.purchases.at[met.orders] - lengths
    usual = draw_touches(met, causes, starts)
    visits = draw_visits(met, causes, usual, lengths)
    leads = draw_leads(met, _stages(met, visits), sold)
    visits = _in_order(_asking(met, _unmet(met, visits, leads), leads))
    churn = draw_churn_causes(met)
    signs = draw_signs(met, churn)
    trials = joined_trials([draw_drives(met), draw_warnings(met, signs)])
    return Journeys(
        met=met,
        causes=causes,
        touches=joined_touches(met, [usual, drive_touches(met, trials)]),
        visits=visits,
        deeds=draw_deeds(met, visits),
        leads=leads,
        trials=trials,
        coupons=draw_coupons(met, trials),
        churn=churn,
        signs=signs,
        referrals=draw_referrals(met),
    )


def _stages(met: Met, visits: Visits) -> Floats:
    """The shares of the steps reached by strangers who came once and could ask for a call."""
    steps = max(len(met.world.market.steps), 1)
    stages = np.bincount(visits.stage[alone(visits)], minlength=steps)
    return np.asarray(stages if stages.sum() else np.eye(steps)[0], dtype=float)


def _asking(met: Met, visits: Visits, leads: Leads) -> Visits:
    """Strangers who asked for a call: their visit reached the lead's step and ends with it."""
    rng = met.world.stream("visits that asked")
    desk = met.world.desk
    online = np.array([s.visits for s in desk.sources] or [False])[leads.source]
    free = alone(visits)
    lead, start = visits.lead.copy(), visits.start.copy()
    length, customer = visits.length.copy(), visits.customer.copy()
    for stage in range(len(met.world.market.steps)):
        asked = np.flatnonzero(online & (leads.stage == stage) & (leads.copy_of == NONE))
        could = rng.permutation(free[visits.stage[free] == stage])[: len(asked)]
        asked = rng.permutation(asked)[: len(could)]
        lasted = rng.integers(_SHORTEST_ASK, _LONGEST_ASK, len(asked))
        lasted = np.minimum(lasted, leads.created[asked] - met.start)
        lead[could], customer[could] = asked, leads.customer[asked]
        length[could], start[could] = lasted, leads.created[asked] - lasted
    known = visits.known & (customer != NOBODY)
    return replace(visits, lead=lead, start=start, length=length, customer=customer, known=known)


def _unmet(met: Met, visits: Visits, leads: Leads) -> Visits:
    """Who won by a lead was not seen on the site before it came in, unless by the visit that asked.

    Other visits would tell who wins: prospects who do not buy have none. They become strangers'.
    """
    came = np.full(len(met.people), -1)
    won = np.flatnonzero((leads.customer != NOBODY) & (leads.copy_of == NONE))
    came[leads.customer[won]] = leads.created[won]
    of = np.where(visits.customer == NOBODY, 0, visits.customer)
    early = (visits.customer != NOBODY) & (visits.order == NONE) & (visits.start < came[of])
    visitor = visits.visitor.copy()
    visitor[early] = (
        max(int(visitor.max(initial=0)), 2 * len(met.people)) + 1 + np.arange(early.sum())
    )
    customer = np.where(early, NOBODY, visits.customer)
    return replace(visits, visitor=visitor, customer=customer, known=visits.known & ~early)


def _in_order(visits: Visits) -> Visits:
    """Visits in the order of time."""
    return visits.where(np.lexsort((visits.visitor, visits.start)))
