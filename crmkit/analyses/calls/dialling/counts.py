"""The one query of dials and what came of them, and the frames made from its answer."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods
from crmkit.analyses.calls.measures import by_size, summed, with_rate
from crmkit.analyses.calls.window import Window

__all__ = ["COUNTS", "Known", "counted", "group_frame", "known", "result_frame", "trend_frame"]

COUNTS = (
    "dials",
    "answered",
    "handled",
    "dropped",
    "contacts",
    "coded",
    "right_party",
    "sales",
    "answered_coded",
    "answered_right_party",
    "answered_sales",
)
"""What is summed of every group of dials."""
_KEYS = {"day": "int64", "hour": "int64", "campaign_id": "string", "mode": "string"} | {
    "list_id": "string",
    "result": "string",
    "stretch": "int64",
}
_LEADS = ("leads", "reached")


def counted(rows: ir.Table, recent: ir.Table, window: Window) -> ir.Table:
    """Dials summed by day, hour, campaign and mode; by result; by list; and leads.

    The rows are summed once, by everything; the parts are sums of these sums. Leads, which must be
    told apart, are counted from `recent`, the rows of the days told and of those before.
    """
    dialled = _dialled(rows, window)
    base = dialled.group_by(
        "stretch", "day", "hour", "campaign_id", "mode", "list_id", "result"
    ).aggregate(**_sums(dialled))
    cells = _part(base, "cells", ("day", "hour", "campaign_id", "mode"))
    results = _part(base, "results", ("stretch", "campaign_id", "result"))
    lists = _part(base.filter(base.stretch <= 1), "lists", ("stretch", "list_id"))
    named = _dialled(recent, window).filter(lambda t: ~t.lead_id.isnull())
    people = named.group_by("stretch", "campaign_id", "list_id", "lead_id").aggregate(
        met=named.contact.max()
    )
    leads = [
        _leads(people, f"leads by {key}" if key else "leads", key)
        for key in ("", "campaign_id", "list_id")
    ]
    return ibis.union(cells, results, lists, *leads)


def _dialled(rows: ir.Table, window: Window) -> ir.Table:
    """Outbound calls but for automatic voice, each with its stretch of days."""
    own = rows.filter(rows.outbound & (rows["mode"] != "voice").fill_null(True))
    return own.mutate(stretch=window.stretch(own.day))


def _sums(t: ir.Table) -> dict[str, ir.IntegerScalar]:
    flags = {
        "answered": t.answered,
        "handled": t.handled,
        "dropped": t.dropped,
        "contacts": t.contact,
        "coded": t.contact & t.coded,
        "right_party": t.contact & t.right_party,
        "sales": t.contact & t.sale,
        "answered_coded": t.answered & t.coded,
        "answered_right_party": t.answered & t.right_party,
        "answered_sales": t.answered & t.sale,
    }
    sums = {name: flag.fill_null(False).cast("int64").sum() for name, flag in flags.items()}
    return {"dials": t.count(), **sums}


def _part(base: ir.Table, part: str, keys: tuple[str, ...]) -> ir.Table:
    sums = base.group_by(*keys).aggregate(**{name: base[name].sum() for name in COUNTS})
    return _shaped(sums, part, keys, COUNTS)


def _leads(people: ir.Table, part: str, key: str) -> ir.Table:
    keys = ("stretch", key) if key else ("stretch",)
    sums = people.group_by(*keys).aggregate(
        leads=people.lead_id.nunique(),
        reached=people.lead_id.nunique(where=people.met),
    )
    return _shaped(sums, part, keys, _LEADS)


def _shaped(sums: ir.Table, part: str, keys: tuple[str, ...], counts: tuple[str, ...]) -> ir.Table:
    """The same columns for every part; a key or count that it lacks is null."""
    columns = {
        name: sums[name].cast(kind) if name in keys else ibis.null(kind)
        for name, kind in _KEYS.items()
    }
    columns |= {
        name: sums[name].cast("int64") if name in counts else ibis.null("int64")
        for name in (*COUNTS, *_LEADS)
    }
    return sums.select(part=ibis.literal(part), **columns)


@dataclass(frozen=True)
class Known:
    """What the log tells: whether an agent spoke, and what came of it."""

    contacts: bool
    outcomes: bool


def known(cells: pd.DataFrame) -> Known:
    """Contacts are known where agents' times are; outcomes, where any disposition is.

    Where nobody answered, both are known to be none.
    """
    spoken = int((cells.answered - cells.dropped).sum())
    contacts = bool(cells.handled.sum() > 0 or spoken <= 0)
    base = cells.contacts.sum() if contacts else spoken
    coded = cells.coded if contacts else cells.answered_coded
    return Known(contacts, bool(coded.sum() > 0 or base == 0))


def measured(sums: pd.DataFrame, told: Known) -> pd.DataFrame:
    """Counts with every rate and its interval; what is not known is NaN.

    Contacts of unknown outcome are left out of both sides of rates of outcomes.
    """
    frame = sums.astype(dict.fromkeys(COUNTS, "float64"))
    if not told.contacts:
        frame = frame.assign(
            contacts=np.nan,
            coded=frame.answered_coded,
            right_party=frame.answered_right_party,
            sales=frame.answered_sales,
        )
        uncoded = frame.answered - frame.dropped - frame.coded
    else:
        uncoded = frame.contacts - frame.coded
    if not told.outcomes:
        frame = frame.assign(right_party=np.nan, sales=np.nan)
    frame = frame.assign(
        uncoded=uncoded,
        known_contacts=frame.coded if told.contacts else np.nan,
        known_dials=frame.dials - np.maximum(uncoded, 0),
    )
    for name, part, whole in (
        ("answer_rate", "answered", "dials"),
        ("contact_rate", "contacts", "dials"),
        ("right_party_rate", "right_party", "known_contacts"),
        ("conversion_right_party", "sales", "right_party"),
        ("conversion_contacts", "sales", "known_contacts"),
        ("conversion_dials", "sales", "known_dials"),
    ):
        frame = with_rate(frame, name, part, whole)
    return frame.drop(columns=[name for name in COUNTS if name.startswith("answered_")])


def group_frame(
    sums: pd.DataFrame, key: str, told: Known, leads: pd.DataFrame | None = None
) -> pd.DataFrame:
    """One row a group of the stretch that is told, the largest first, with the one before.

    `sums` has a row for each stretch and group. Columns: the key, counts, rates with intervals,
    dials_before, contact_rate_before; with `leads` also leads, reached, reach_rate.
    """
    frame = measured(sums, told)
    now = frame[frame.stretch == 0].drop(columns="stretch")
    before = frame[frame.stretch == 1].set_index(key)
    placed = pd.Index(now[key])
    dialled = before.dials.reindex(placed)
    now = now.assign(
        dials_before=(dialled.fillna(0) if len(before) else dialled).to_numpy(),
        contact_rate_before=before.contact_rate.reindex(placed).to_numpy(),
    )
    if leads is not None:
        own = leads[leads.stretch == 0].set_index(key)[list(_LEADS)].reindex(placed)
        own = own.fillna(0).astype("float64")
        now = now.assign(leads=own.leads.to_numpy(), reached=own.reached.to_numpy())
        now = with_reach(now, told)
    return by_size(now, "dials", key)


def with_reach(frame: pd.DataFrame, told: Known) -> pd.DataFrame:
    """With the share of leads dialled that an agent spoke to."""
    frame = frame if told.contacts else frame.assign(reached=np.nan)
    return with_rate(frame, "reach_rate", "reached", "leads")


def total_frame(
    cells: pd.DataFrame, leads: pd.DataFrame, window: Window, told: Known
) -> pd.DataFrame:
    """One row a stretch, from the one that is told back: counts and rates."""
    first_seen = int(cells.day.min()) if len(cells) else None
    stretches = window.stretches(first_seen)
    sums = summed(cells, ["stretch"], COUNTS)
    frame = stretches.merge(sums, on="stretch", how="left").fillna(dict.fromkeys(COUNTS, 0))
    frame = measured(frame, told)
    frame = frame.merge(leads[["stretch", *_LEADS]], on="stretch", how="left")
    return with_reach(frame.astype(dict.fromkeys(_LEADS, "float64")), told)


def result_frame(answer: pd.DataFrame, whole: bool) -> pd.DataFrame:
    """One row a result of the stretch that is told: dials, share with interval, share before."""
    sums = summed(answer, ["stretch", "result"], ["dials"])
    now, before = (sums[sums.stretch == stretch].set_index("result").dials for stretch in (0, 1))
    frame = now.rename_axis("result").reset_index()
    frame = frame.assign(n=int(now.sum()))
    shares = before / before.sum() if whole and before.sum() else before * np.nan
    frame = with_rate(frame, "share", "dials", "n")
    placed = shares.reindex(pd.Index(frame.result)).to_numpy(dtype="float64")
    if whole and before.sum():
        placed = np.nan_to_num(placed)
    return by_size(frame.assign(share_before=placed), "dials", "result")


def trend_frame(
    cells: pd.DataFrame, window: Window, period: periods.Period, told: Known
) -> pd.DataFrame:
    """One row a calendar period of everything read, without gaps: counts and rates."""
    if cells.empty:
        return measured(pd.DataFrame(columns=["period", "partial", *COUNTS]), told)
    numbers = {d: periods.number_of(periods.period_start(d, "day"), period) for d in set(cells.day)}
    sums = summed(cells.assign(number=cells.day.map(numbers)), ["number"], COUNTS)
    first, last = int(sums.number.min()), periods.number_of(window.as_of, period)
    sums = sums.set_index("number").reindex(range(first, last + 1), fill_value=0).reset_index()
    seen = int(cells.day.min())
    days = [pd.Timestamp(periods.period_start(int(n), period)) for n in sums.number]
    partial = [window.partial(int(n), period, seen) for n in sums.number]
    frame = sums.drop(columns="number")
    frame.insert(0, "period", pd.Series(days, dtype="datetime64[us]"))
    frame.insert(1, "partial", partial)
    return measured(frame, told)
