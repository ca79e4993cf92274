"""One person, many ids: browsers, phones, mails, open ids, old numbers of the CRM.

The table of identities is what the firm has resolved: some ids are not resolved yet, and those of
shared telephones belong to nobody in it. The links are what was observed, ids seen together, weak
ones among them. The truth says whose each id is.
"""

import io
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from crmkit.simulate import china
from crmkit.simulate.events import visitor_ids
from crmkit.simulate.firm import canonical, customer_ids, joined, padded
from crmkit.simulate.journeys import Journeys
from crmkit.simulate.met import Met
from crmkit.simulate.people import NOBODY
from crmkit.simulate.prospects import person_ids
from crmkit.simulate.telephone.leads import people_called
from crmkit.simulate.telephone.work import FloorWork
from crmkit.simulate.touches import NONE

__all__ = ["Identities", "draw_identities", "phone_numbers"]

Wholes = npt.NDArray[np.int64]

_OPEN, _OPEN_TWICE = 0.6, 0.05  # customers with an open id, and with a second one
_OLD = 0.06  # customers entered twice, under an old number that was merged
_UNRESOLVED = 0.03  # ids that the firm has not resolved
_WRONG = 0.005  # browsers and open ids given to somebody else
_BOARDS = 6_000_000  # the number of the first switchboard, after 400
_SHARED, _SHARERS = 200, 4  # customers for each switchboard, and how many of them gave its number


@dataclass(frozen=True, kw_only=True)
class Identities:
    """The canonical `table`; `truth`, whose each id is; `links`, ids seen together, as CSV."""

    table: pa.Table
    truth: pa.Table
    links: bytes


def draw_identities(
    journeys: Journeys, customers: pa.Table, floor: FloorWork | None = None
) -> Identities:
    """All ids of customers and of the people behind leads.

    Parameters: the journeys; the canonical customers; the floor, whose prospects have a telephone.
    Returns: what the firm knows, and the truth.
    """
    met = journeys.met
    rng = met.world.stream("identities")
    parts = [
        *_of_customers(journeys, customers, rng),
        _browsers(journeys),
        _phones_of_leads(journeys),
    ]
    if floor is not None:
        parts.append(_phones_called(floor))
    truth = pa.concat_tables(parts).sort_by([("source", "ascending"), ("source_id", "ascending")])
    unresolved = (rng.random(truth.num_rows) < _UNRESOLVED) & (
        pc.not_equal(truth["source"], "phone").to_numpy(zero_copy_only=False)
    )
    merged, wrong = _wrongly_merged(met, truth, unresolved)
    person = pc.if_else(pa.array(unresolved), pa.scalar(None, pa.string()), merged)
    weak = _weak(journeys, customers, rng)
    return Identities(
        table=canonical(
            "identities",
            {
                "source": truth["source"],
                "source_id": truth["source_id"],
                "customer_id": person,
            },
        ),
        truth=truth.append_column("resolved", pa.array(~unresolved))
        .append_column("wrong", pa.array(wrong))
        .combine_chunks(),
        links=_links(truth, weak),
    )


def _wrongly_merged(
    met: Met, truth: pa.Table, unresolved: npt.NDArray[np.bool_]
) -> tuple[pa.ChunkedArray, npt.NDArray[np.bool_]]:
    """Whom the firm takes each id for: some shared devices are given to another person."""
    shared = pc.is_in(truth["source"], pa.array(["cookie", "wechat"])).to_numpy()
    rng = met.world.stream("wrong merges")
    rows = np.flatnonzero(shared & ~unresolved & (rng.random(truth.num_rows) < _WRONG))
    taken = np.arange(truth.num_rows)
    taken[rows] = np.roll(rows, 1)
    person = truth["person"].take(pa.array(taken))
    wrong = pc.not_equal(person, truth["person"]).to_numpy().astype(bool)
    return person, wrong


def _ids(source: str, ids: pa.Array, person: pa.Array) -> pa.Table:
    n = len(ids)
    rows = {"source": pa.array([source] * n, pa.string()), "source_id": ids, "person": person}
    return pa.table({name: pc.cast(values, pa.string()) for name, values in rows.items()})


def _of_customers(
    journeys: Journeys, customers: pa.Table, rng: np.random.Generator
) -> list[pa.Table]:
    """Phones, mails, open ids, and numbers of records that were merged."""
    tag, n = journeys.met.world.tag, customers.num_rows
    who = customers["customer_id"].combine_chunks()
    parts = []
    for source in ("phone", "email"):
        known = pc.is_valid(customers[source]).combine_chunks()
        parts.append(
            _ids(source, customers[source].combine_chunks().filter(known), who.filter(known))
        )
    opened = np.flatnonzero(rng.random(n) < _OPEN)
    twice = opened[rng.random(len(opened)) < _OPEN_TWICE]
    for suffix, rows in (("a", opened), ("b", twice)):
        mixed = (rows * 2_654_435_761 + 97) % 2**32
        ids = joined(f"o{tag}", padded(pa.array(mixed), 10), padded(pa.array(rows), 7), suffix)
        parts.append(_ids("wechat", ids, who.take(pa.array(rows))))
    old = np.flatnonzero(rng.random(n) < _OLD)
    parts.append(
        _ids("crm", joined(f"D{tag}", padded(pa.array(old + 1), 6)), who.take(pa.array(old)))
    )
    return parts


def _browsers(journeys: Journeys) -> pa.Table:
    """Browsers of customers, also from before the first purchase, and of those who asked."""
    met, visits, leads = journeys.met, journeys.visits, journeys.leads
    tag = met.world.tag
    of_lead = (visits.lead != NONE) & (visits.customer == NOBODY)
    own, first = np.unique(visits.visitor[visits.customer != NOBODY], return_index=True)
    customer = visits.customer[visits.customer != NOBODY][first]
    asked = person_ids(leads, tag).take(pa.array(visits.lead[of_lead]))
    return pa.concat_tables(
        [
            _ids("cookie", visitor_ids(own, tag), customer_ids(customer, tag)),
            _ids("cookie", visitor_ids(visits.visitor[of_lead], tag), asked),
        ]
    )


def _phones_of_leads(journeys: Journeys) -> pa.Table:
    """Telephones of prospects, in numbers that no customer has."""
    met, leads = journeys.met, journeys.leads
    open_ = np.flatnonzero((leads.customer == NOBODY) & (leads.copy_of == NONE))
    return _ids(
        "phone", phone_numbers(met, open_), person_ids(leads, met.world.tag).take(pa.array(open_))
    )


def _phones_called(floor: FloorWork) -> pa.Table:
    """Telephones of the prospects on the floor's lists."""
    number, person = people_called(floor)
    return _ids("phone", phone_numbers(floor.met, number), person)


def phone_numbers(met: Met, prospect: Wholes) -> pa.Array:
    """Telephone numbers of prospects, all different, which no customer has."""
    offset = int(met.whole.stream("phones").integers(10**8))
    among_all = (len(met.people) + prospect) * met.world.parts + (met.world.part or 0)
    digits = (among_all * 61_803_399 + offset) % 10**8
    return joined(f"+86{china.PHONE_PREFIX}", padded(pa.array(digits), 8))


def _weak(journeys: Journeys, customers: pa.Table, rng: np.random.Generator) -> pa.Table:
    """Numbers of switchboards that several customers gave: an id that tells nobody apart."""
    n = customers.num_rows
    boards = n // _SHARED
    who = rng.integers(0, max(n, 1), boards * _SHARERS)
    board = np.repeat(np.arange(boards), _SHARERS)
    number = _BOARDS + 10_000 * (journeys.met.world.part or 0) + board
    ids = joined("+86400", padded(pa.array(number), 7))
    return _ids("phone", ids, customers["customer_id"].combine_chunks().take(pa.array(who)))


def _links(truth: pa.Table, weak: pa.Table) -> bytes:
    """Pairs of ids seen together: each id with the record of the person in the CRM."""
    seen = pa.concat_tables([truth.select(weak.column_names), weak])
    rows = pa.table(
        {
            "source_a": seen["source"],
            "id_a": seen["source_id"],
            "source_b": pa.array(["crm"] * seen.num_rows, pa.string()),
            "id_b": seen["person"],
        }
    )
    sink = io.BytesIO()
    pcsv.write_csv(rows.combine_chunks(), sink)
    return sink.getvalue()
