"""Customers who were recommended by customers, and how far that carries."""

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
from scipy.special import ndtri

from crmkit import periods
from crmkit.activity import matching
from crmkit.analyses.channels.referral_result import Referral
from crmkit.analyses.channels.span import BACK, Span
from crmkit.errors import ParameterError, nearest
from crmkit.stats import poisson_interval, wilson

__all__ = ["referral"]

_Z = float(ndtri(0.975))


def referral(
    customers: ir.Table,
    events: ir.Table,
    *,
    channel: str,
    as_of: periods.Day,
    start: periods.Day | None = None,
    timezone: str = "UTC",
    invitation: object = "share",
) -> Referral:
    """The share of new customers who were recommended, and the K-factor of recommending.

    K = i x c, as usual in viral marketing: i, invitations per customer; c, new customers of the
    referral channel per invitation. Over a period: invitations are events of it, customers are all
    known by its end, new ones are those created in it; so K is recommended customers per customer
    in that time. Below 1 recommending alone does not make a firm grow.

    Parameters:
        customers, events: the canonical tables.
        channel: the name in customers.channel of those who were recommended.
        as_of, start: the last and the first local day of the period; 90 days by default.
        timezone: IANA zone of days.
        invitation: the event that is an invitation, or a condition.

    Returns: `Referral` with the frame `periods` (a row for each period of that length, the last
        being this one: customers, new, referred, share with limits, invitations, senders, i, c and
        k, each with limits).
    Raises: ParameterError for a period that cannot be.
    Intervals, 95%: Wilson for the share, exact Poisson for K; for i and c the delta method on the
    logarithm, with the invitations of one customer counted together.

    >>> import datetime as dt, ibis
    >>> day = dt.datetime(2025, 5, 1)
    >>> people = ibis.memtable({"customer_id": list("abcd"), "created_at": [day] * 4,
    ...     "channel": ["ads", "ads", "ads", "friend"]})
    >>> shared = ibis.memtable({"customer_id": ["a", "b"], "occurred_at": [day] * 2,
    ...     "event": ["share"] * 2})
    >>> found = referral(people, shared, channel="friend", as_of="2025-05-31").now
    >>> float(found.i), float(found.c), float(found.k)
    (0.5, 0.5, 0.25)
    """
    if not channel:
        raise ParameterError("channel is empty. Give the name of the referral channel.")
    span = Span.of(start, as_of, timezone)
    raw = _counted(customers, events, channel, span, invitation).execute()
    names = {str(name) for name in raw.channel.dropna()}
    raw = raw.astype(dict.fromkeys(("span", "n", "senders", "squares"), "float64"))
    return Referral(
        periods=_periods(raw, channel, span),
        channel=channel,
        like=None if channel in names else nearest(channel, names),
        known=channel in names,
        unknown=int(raw.n[raw.part == "unknown"].sum()),
        span=span,
    )


def _counted(
    customers: ir.Table, events: ir.Table, channel: str, span: Span, invitation: object
) -> ir.Table:
    """Customers by channel and period, and invitations by period, in one table."""
    people = customers.filter(customers.created_at < span.end)
    index = ibis.greatest(span.index(span.day_of(people.created_at)), -BACK - 1)
    won = people.select("channel", span=index)
    counts = won.group_by(["channel", "span"]).aggregate(n=won.count())
    asked = matching(events, invitation, name="invitation")
    rows = events.filter(events.occurred_at < span.end)
    if asked is not None:
        rows = rows.filter(matching(rows, invitation, name="invitation"))
    named = rows.drop_null("customer_id")
    placed = named.select("customer_id", span=span.index(span.day_of(named.occurred_at)))
    placed = placed.filter(placed.span >= -BACK)
    each = placed.group_by(["span", "customer_id"]).aggregate(n=placed.count())
    sent = each.group_by("span").aggregate(
        n=each.n.sum(), senders=each.count(), squares=(each.n * each.n).sum()
    )
    since = events.aggregate(span=span.day_of(events.occurred_at.min()), n=events.count())
    first = people.aggregate(span=span.day_of(people.created_at.min()), n=people.count())
    lost = rows.filter(rows.customer_id.isnull()).aggregate(n=lambda t: t.count())
    return ibis.union(
        _part("won", counts),
        _part("sent", sent),
        _part("since", since),
        _part("first", first),
        _part("unknown", lost),
    )


def _part(name: str, table: ir.Table) -> ir.Table:
    def column(what: str, type_: str) -> ir.Value:
        return table[what].cast(type_) if what in table.columns else ibis.null(type_)

    numbers = ("span", "n", "senders", "squares")
    return table.select(
        part=ibis.literal(name),
        channel=column("channel", "string"),
        **{what: column(what, "int64") for what in numbers},
    )


def _periods(raw: pd.DataFrame, channel: str, span: Span) -> pd.DataFrame:
    """A row for each period that both tables tell of, the oldest first, this one always."""
    won, sent = raw[raw.part == "won"], raw[raw.part == "sent"]
    assert won.n.sum() == raw.n[raw.part == "first"].sum()
    first = [float(raw.span[raw.part == part].max()) for part in ("first", "since")]
    rows = []
    for index in range(-BACK, 1):
        begins = periods.number_of(span.starts(index), "day")
        if index < 0 and not all(day <= begins for day in first):
            continue
        now = won[won.span == index]
        shares = sent[sent.span == index][["n", "senders", "squares"]].sum()
        rows.append(
            {
                "span": index,
                "start": span.starts(index),
                "end": span.ends(index),
                "customers": float(won.n[won.span <= index].sum()),
                "new": float(now.n.sum()),
                "referred": float(now.n[now.channel == channel].sum()),
                "invitations": float(shares.n),
                "senders": float(shares.senders),
                "squares": float(shares.squares),
            }
        )
    return _rates(pd.DataFrame(rows))


def _rates(frame: pd.DataFrame) -> pd.DataFrame:
    """The share, i, c and K with their limits; nan where there is nothing to divide by."""
    base = frame.customers.where(frame.customers > 0)
    sent = frame.invitations.where(frame.invitations > 0)
    referred = frame.referred.where(frame.referred > 0)
    share_low, share_high = wilson(frame.referred, frame.new)
    by_sender = frame.squares / sent**2  # relative variance of a compound Poisson sum
    spread_i = np.exp(_Z * np.sqrt(by_sender))
    spread_c = np.exp(_Z * np.sqrt(by_sender + 1 / referred))
    low, high = poisson_interval(frame.referred)
    i, c = sent / base, frame.referred / sent
    return frame.assign(
        share=frame.referred / frame.new.where(frame.new > 0),
        share_low=share_low,
        share_high=share_high,
        i=frame.invitations / base,
        i_low=i / spread_i,
        i_high=i * spread_i,
        c=c,
        c_low=c / spread_c,
        c_high=c * spread_c,
        k=frame.referred / base,
        k_low=low / base,
        k_high=high / base,
    ).drop(columns="squares")
