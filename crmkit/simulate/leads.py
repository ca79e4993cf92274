"""Leads: where they come from, who gets them, what becomes of each assignment.

Candidates are drawn forward: source, owner, speed, outcome by the planted odds. New customers of
the desk's channel are given, so candidates are drawn until as many of them win; each of those is
then tied to a customer, and its steps are told backwards from the first order.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from crmkit.simulate.candidates import RELEASED, Candidates, draw_candidates, tied
from crmkit.simulate.met import Met, pick
from crmkit.simulate.people import NOBODY
from crmkit.simulate.touches import NONE
from crmkit.simulate.worktime import WorkTime

__all__ = ["Leads", "draw_leads"]

Floats = npt.NDArray[np.float64]
Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_DAY = 86_400
_ANSWERED = 0.55  # first contacts answered, of assignments that end without a yes or no
_WARM_DAYS = 14  # until wins of leads made on the days met are as frequent as later


@dataclass(frozen=True, kw_only=True)
class Leads:
    """Leads and their assignments; every row of the second kind belongs to a lead.

    Of leads: `customer`, who won, or NOBODY; `source`, `list_`, positions; `stage`, steps of the
    funnel seen before; `created`, seconds; `score`; `copy_of`, the lead that it repeats, or NONE:
    such leads come last and have no assignment.
    Of assignments: `lead`; `round`, from 0; `agent`; `response`, working hours from dispatch to
    first contact; `odds`, the planted probability to be won; `outcome`; `reached`, whether the
    first contact was answered; `entered`, `dispatched`, `contacted`, `ended`, seconds; those from
    the end of the world on are not known yet.
    """

    customer: Wholes
    source: Wholes
    list_: Wholes
    stage: Wholes
    created: Wholes
    score: Floats
    copy_of: Wholes
    lead: Wholes
    round: Wholes
    agent: Wholes
    response: Floats
    odds: Floats
    outcome: Wholes
    reached: Flags
    entered: Wholes
    dispatched: Wholes
    contacted: Wholes
    ended: Wholes

    def __len__(self) -> int:
        return len(self.customer)


def draw_leads(met: Met, stages: Floats, sold: Wholes | None = None) -> Leads:
    """The leads of the days met.

    Parameters: the days met; `stages`, the shares of leads from visits by the step reached; `sold`,
    first orders of the desk's channel that others have won.
    """
    desk, work = met.world.desk, WorkTime(met)
    orders = _wins(met)
    if sold is not None:
        orders = orders[~np.isin(orders, sold)]
    opens = work.hours(np.array([met.start]))[0]
    if work.total - opens <= 0 or not desk.sources:
        return _assembled(met, work, Candidates.none(), np.zeros(0, dtype=np.int64))
    warm = met.start + min(_WARM_DAYS * _DAY, (met.span.seconds - met.start) // 4)
    at = met.purchases.at[orders]
    drawn = draw_candidates(met, work, opens, warm, int((at >= warm).sum()), stages)
    return _assembled(met, work, *tied(met, work, drawn, orders, warm))


def _wins(met: Met) -> Wholes:
    """First orders of the desk's channel on the days met, by time."""
    names = [c.name for c in met.world.channels]
    desk = met.world.desk.channel
    position = names.index(desk) if desk in names else NOBODY
    rows = met.orders[met.purchases.number[met.orders] == 1]
    rows = rows[met.people.channel[met.purchases.customer[rows]] == position]
    return np.asarray(rows[np.argsort(met.purchases.at[rows], kind="stable")])


def _assembled(met: Met, work: WorkTime, drawn: Candidates, order: Wholes) -> Leads:
    """Leads by time of creation, with the assignments that had begun by the end of the world."""
    n = len(order)
    if n == 0:
        return _no_leads()
    number = np.arange(drawn.response.shape[1])
    happened = (number < drawn.rounds[:, None]) & (drawn.entered >= met.start)
    happened &= drawn.entered < met.span.seconds
    begins = np.argmax(happened, axis=1)
    every = np.arange(n)
    entered = _some_at_night(met, work, drawn, begins)
    created = np.floor(entered[every, begins]).astype(np.int64)
    rank = np.argsort(created, kind="stable")
    rank = rank[happened[rank].any(axis=1)]
    lead, column = np.nonzero(happened[rank])
    answers = met.world.stream("leads that answer").random(len(lead)) < _ANSWERED
    row = rank[lead]
    wins = np.append(met.purchases.customer, NOBODY)[order]

    def told(times: Floats) -> Wholes:
        return np.floor(times[row, column]).astype(np.int64)

    return _with_copies(
        met,
        Leads(
            customer=wins[rank],
            source=drawn.source[rank],
            list_=drawn.list_[rank],
            stage=drawn.stage[rank],
            created=created[rank],
            score=drawn.score[rank],
            copy_of=np.full(len(rank), NONE),
            lead=lead,
            round=column - begins[row],
            agent=drawn.agent[row, column],
            response=drawn.response[row, column],
            odds=drawn.odds[row, column],
            outcome=drawn.outcome[row, column],
            reached=answers | (drawn.outcome[row, column] != RELEASED),
            entered=told(entered),
            dispatched=told(drawn.dispatched),
            contacted=told(drawn.contacted),
            ended=told(drawn.ended),
        ),
    )


def _some_at_night(met: Met, work: WorkTime, drawn: Candidates, begins: Wholes) -> Floats:
    """When assignments were entered; some leads come while the desk was closed before it."""
    first = np.arange(len(begins)), begins
    before, until = work.closed_before(drawn.dispatched[first])
    at_night = np.maximum(before + drawn.night * (until - before), met.start)
    entered = drawn.entered.copy()
    by_day = np.isnan(drawn.night) | (begins > 0)
    entered[first] = np.where(by_day, entered[first], at_night)
    return entered


def _with_copies(met: Met, leads: Leads) -> Leads:
    """Some leads come in once more, from another source, while their owner is protected."""
    rng = met.world.stream("leads twice")
    desk = met.world.desk
    again = np.flatnonzero(rng.random(len(leads)) < desk.twice)
    created = leads.created[again] + rng.integers(3600, desk.protection * _DAY // 2, len(again))
    source = pick(rng, [s.share for s in desk.sources], len(again))
    again, created, source = (
        v[created < met.span.seconds - 3600] for v in (again, created, source)
    )
    more = {
        "source": source,
        "list_": np.zeros(len(again), dtype=np.int64),
        "created": created,
        "stage": np.zeros(len(again), dtype=np.int64),
        "copy_of": again,
    }
    names = ("customer", "source", "list_", "stage", "created", "score", "copy_of")
    own = {
        name: np.concatenate([vars(leads)[name], more.get(name, vars(leads)[name][again])])
        for name in names
    }
    return replace(leads, **own)


def _no_leads() -> Leads:
    no = np.zeros(0, dtype=np.int64)
    reals = {name: no.astype(float) for name in ("score", "response", "odds")}
    columns = dict.fromkeys(Leads.__dataclass_fields__, no) | reals
    return Leads(**columns | {"reached": no.astype(bool)})
