"""What the floor sold, tied to orders that are there; and who the people it called are.

Orders are given (docs/decisions/0010, 0011). A sale on the telephone is paid with the planted
probability, or cancelled. Each paid sale takes the next order that nobody else has: on cold lists
the first order of a new customer of the desk's channel, on lists of customers a repeat order.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from crmkit.simulate.dialer import kernel as k
from crmkit.simulate.met import Met
from crmkit.simulate.people import NOBODY
from crmkit.simulate.telephone.floors import Played
from crmkit.simulate.touches import NONE

__all__ = ["Sales", "callers", "draw_sales"]

Wholes = npt.NDArray[np.int64]
Flags = npt.NDArray[np.bool_]

_AT_ONCE = 30  # least seconds from the end of the call to the order
_DAY = 86_400


@dataclass(frozen=True)
class Sales:
    """Sales of all sections, by time, and the people behind leads.

    Of sales: `section`, its position; `call` and `lead`, in its log; `at`, seconds; `meant`,
    whether the customer was to pay; `order`, the purchase that it became, or NONE.
    `customer`, for each section whom its leads are about, or NOBODY for prospects.
    """

    section: Wholes
    call: Wholes
    lead: Wholes
    at: Wholes
    meant: Flags
    order: Wholes
    customer: list[Wholes]

    def first_orders(self, met: Met) -> Wholes:
        """The first orders of customers that the floor has won."""
        rows = self.order[self.order != NONE]
        return np.asarray(rows[met.purchases.number[rows] == 1])


def draw_sales(met: Met, played: list[Played], with_phone: Flags) -> Sales:
    """Tie the sales of the floor to orders, and its leads to people."""
    section = np.repeat(np.arange(len(played)), [len(one.sales) for one in played])
    call = _together([one.sales for one in played])
    lead = _together([one.log.calls.lead[one.sales] for one in played])
    at = _together([one.seconds(one.log.calls.ended[one.sales]) for one in played])
    meant = np.concatenate(
        [np.zeros(0, dtype=bool), *(_meant(met, one, len(one.sales)) for one in played)]
    )
    order = np.lexsort((section, at))
    section, call, lead, at = (values[order] for values in (section, call, lead, at))
    meant = meant[order]
    known = np.array([one.section.known for one in played], dtype=bool)[section]
    tied = np.full(len(at), NONE)
    due = met.world.telephone.due * _DAY
    cold = np.flatnonzero(meant & ~known)
    tied[cold] = _next_orders(met, at[cold], due, _first_orders(met))
    loaded = np.array([played[s].loaded[x] for s, x in zip(section, lead, strict=True)], dtype=int)
    warm = np.flatnonzero(meant & known)
    tied[warm] = _next_repeats(met, at[warm], due, loaded[warm], with_phone)
    customer = [np.full(len(one.log.leads), NOBODY) for one in played]
    for s, x, row in zip(section, lead, tied, strict=True):
        if row != NONE:
            customer[s][x] = met.purchases.customer[row]
    _fill_known(met, played, customer, with_phone)
    return Sales(section, call, lead, at, meant, tied, customer)


def _together(parts: list[Wholes]) -> Wholes:
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])


def _meant(met: Met, one: Played, n: int) -> Flags:
    chance = met.world.stream(f"paid sales of {one.name}").random(n)
    return np.asarray(chance < one.section.paid)


def _first_orders(met: Met) -> Wholes:
    """First orders of the desk's channel on the days met, by time."""
    names = [c.name for c in met.world.channels]
    channel = met.world.desk.channel
    position = names.index(channel) if channel in names else NOBODY
    rows = met.orders[met.purchases.number[met.orders] == 1]
    rows = rows[met.people.channel[met.purchases.customer[rows]] == position]
    return np.asarray(rows[np.argsort(met.purchases.at[rows], kind="stable")])


def _next_orders(met: Met, at: Wholes, due: int, rows: Wholes) -> Wholes:
    """For each sale in turn, the next order that is still free, within the days due."""
    times = met.purchases.at[rows].tolist()
    taken = [False] * len(times)
    begins = np.searchsorted(times, at + _AT_ONCE).tolist()
    found = []
    for begin, sold in zip(begins, at.tolist(), strict=True):
        place = begin
        while place < len(times) and taken[place]:
            place += 1
        if place < len(times) and times[place] <= sold + due:
            taken[place] = True
            found.append(int(rows[place]))
        else:
            found.append(NONE)
    return np.array(found, dtype=np.int64)


def _next_repeats(met: Met, at: Wholes, due: int, loaded: Wholes, with_phone: Flags) -> Wholes:
    """The same among repeat orders of customers who were known when the list was loaded."""
    rows = met.orders[met.purchases.number[met.orders] > 1]
    rows = rows[np.lexsort((rows, met.purchases.at[rows]))]
    rows = rows[with_phone[met.purchases.customer[rows]]]
    who = met.purchases.customer[rows]
    since = met.seconds(met.people.arrived)[who].tolist()
    times, people = met.purchases.at[rows].tolist(), who.tolist()
    begins = np.searchsorted(times, at + _AT_ONCE).tolist()
    taken: set[int] = set()
    found = []
    for begin, sold, before in zip(begins, at.tolist(), loaded.tolist(), strict=True):
        place = begin
        while place < len(times) and times[place] <= sold + due:
            if people[place] not in taken and since[place] < before:
                break
            place += 1
        else:
            found.append(NONE)
            continue
        taken.add(people[place])
        found.append(int(rows[place]))
    return np.array(found, dtype=np.int64)


def _fill_known(met: Met, played: list[Played], customer: list[Wholes], with_phone: Flags) -> None:
    """Other leads on lists of customers are customers at random, each on a list once at most."""
    since = met.seconds(met.people.arrived)
    free = with_phone.copy()
    for one, who in zip(played, customer, strict=True):
        if one.section.known:
            free[who[who != NOBODY]] = False
    for one, who in zip(played, customer, strict=True):
        if not one.section.known:
            continue
        rng = met.world.stream(f"customers of {one.name}")
        for at in np.unique(one.loaded).tolist():
            open_ = np.flatnonzero((one.loaded == at) & (who == NOBODY))
            there = np.flatnonzero(free & (since < at))
            chosen = rng.permutation(there)[: len(open_)]
            who[open_[: len(chosen)]] = chosen
            free[chosen] = False


def callers(met: Met, one: Played) -> Wholes:
    """Who calls in, in the order of the calls: a customer known by then at random, or NOBODY."""
    calls = one.log.calls
    coming = calls.kind == k.COMING_IN
    at = one.seconds(calls.started[coming])
    since = met.seconds(met.people.arrived)
    order = np.argsort(since, kind="stable")
    there = np.searchsorted(since[order], at)
    rng = met.world.stream(f"callers of {one.name}")
    known, place = rng.random(len(at)) < one.section.callers_known, rng.random(len(at))
    chosen = order[np.floor(place * np.maximum(there, 1)).astype(np.int64)] if len(order) else at
    return np.where(known & (there > 0), chosen, NOBODY)
