"""A bought list that has just come in, not worked yet, with what is wrong with its leads.

Some of its people are in an owner's hands already, some must not be called, some cannot be. It lies
among the raw exports only, for an import to clean; the truth says what must be found of each.
"""

import io
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pcsv

from crmkit.simulate.candidates import WON
from crmkit.simulate.firm import joined, named, padded
from crmkit.simulate.identities import phone_numbers
from crmkit.simulate.leads import Leads
from crmkit.simulate.met import Met, pick
from crmkit.simulate.people import NOBODY
from crmkit.simulate.prospects import lead_ids, person_ids
from crmkit.simulate.touches import NONE

__all__ = ["Arrivals", "draw_arrivals"]

Wholes = npt.NDArray[np.int64]

_LIST = "外购名单-待清洗"
_KINDS = ("sound", "merged", "do_not_call", "unreachable", "blacklisted")
_SHARES = (0.70, 0.10, 0.08, 0.07, 0.05)
_OF_LEADS, _MOST = 10, 2_000  # a list is a tenth of all leads, and at most so long
_STRANGERS = 50_000_000  # the first number of people whom the firm has never met
_FIRST, _LAST = 10 * 3600, 3600  # before the end of the world, when the list comes in
_DAY = 86_400


@dataclass(frozen=True, kw_only=True)
class Arrivals:
    """The raw `files` by name; `truth`: lead_id, verdict, into_lead_id."""

    files: Mapping[str, bytes]
    truth: pa.Table


def draw_arrivals(met: Met, leads: Leads, identities: pa.Table) -> Arrivals:
    """A list that comes in on the last day.

    Parameters: `identities`, whose each id truly is (source, source_id, person).
    """
    rng = met.world.stream("a list comes in")
    n = min(len(leads) // _OF_LEADS, _MOST)
    kind = pick(rng, _SHARES, n)
    at = np.sort(met.span.seconds - rng.integers(_LAST, _FIRST, n))
    held = _held(met, leads, identities, int(at[-1]) if n else 0)
    known = np.flatnonzero(kind == _KINDS.index("merged"))
    kind[known[held.num_rows :]] = 0  # more than there are leads in hand
    known = known[: held.num_rows]
    into = np.full(n, NONE)
    into[known] = rng.permutation(held.num_rows)[: len(known)]
    phones = phone_numbers(met, _STRANGERS + np.arange(n))
    own = held["phone"].take(pa.array(np.where(into == NONE, 0, into))) if held.num_rows else phones
    phones = pc.if_else(pa.array(into != NONE), own, phones)
    none = kind == _KINDS.index("unreachable")
    written = pc.if_else(pa.array(none), pc.utf8_slice_codeunits(phones, 0, 8), phones)
    written = pc.if_else(pa.array(none & (rng.random(n) < 0.5)), "", written)
    rows = {
        "lead_id": joined(f"N{met.world.tag}", padded(pa.array(np.arange(1, n + 1)), 6)),
        "customer_id": pa.array([""] * n, pa.string()),
        "list_id": pa.array([_LIST] * n, pa.string()),
        "source": named([source.name for source in met.world.desk.sources], _sources(met, n)),
        "created_at": pc.strftime(
            pa.array(met.span.instants(at)).cast("timestamp[s]"), "%Y-%m-%d %H:%M:%S"
        ),
        "score": pa.array([""] * n, pa.string()),
        "phone": written,
        "email": pa.array([""] * n, pa.string()),
        "chat": pa.array([""] * n, pa.string()),
    }
    lists = {"new_leads.csv": pa.table(rows)} | {
        f"{name}.csv": pa.table({"id": phones.filter(pa.array(kind == _KINDS.index(which)))})
        for name, which in (("do_not_call", "do_not_call"), ("blacklist", "blacklisted"))
    }
    return Arrivals(
        files={name: _csv(table) for name, table in lists.items()},
        truth=pa.table(
            {
                "lead_id": rows["lead_id"],
                "verdict": named(list(_KINDS), kind),
                "into_lead_id": held["lead_id"].take(
                    pa.array(into, mask=into == NONE, type=pa.int64())
                ),
            }
        ),
    )


def _held(met: Met, leads: Leads, identities: pa.Table, at: int) -> pa.Table:
    """Leads of prospects in an owner's hands all the last day: lead_id, phone."""
    begins = met.span.seconds - _FIRST
    last = np.flatnonzero(
        (leads.dispatched <= begins) & (leads.ended > at)
        & (leads.dispatched + met.world.desk.protection * _DAY >= at)
    )  # fmt: skip
    free = (leads.customer[leads.lead[last]] == NOBODY) & (leads.outcome[last] != WON)
    lead = np.unique(leads.lead[last[free]])
    lead = lead[leads.copy_of[lead] == NONE]
    rows = pa.array(lead)
    tag = met.world.tag
    who = pa.table(
        {"lead_id": lead_ids(leads, tag).take(rows), "person": person_ids(leads, tag).take(rows)}
    )
    numbers = identities.filter(pc.equal(identities["source"], "phone"))
    known = who.join(
        numbers.select(["person", "source_id"]), keys="person", join_type="inner"
    ).sort_by("lead_id")
    return pa.table({"lead_id": known["lead_id"], "phone": known["source_id"]}).combine_chunks()


def _sources(met: Met, n: int) -> Wholes:
    """All of the source whose leads are won least."""
    sources = met.world.desk.sources
    worst = min(range(len(sources)), key=lambda k: sources[k].weight) if sources else NONE
    return np.full(n, worst)


def _csv(table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    pcsv.write_csv(table, buffer)
    return buffer.getvalue()
