"""The question itself: what will today's customers still buy, and what is that worth."""

from dataclasses import replace

import ibis.expr.types as ir

from crmkit import periods
from crmkit.activity import time_column
from crmkit.analyses.lifetime import frames
from crmkit.analyses.lifetime.options import Unit, checked
from crmkit.analyses.lifetime.result import Lifetime
from crmkit.analyses.lifetime.rows import counted, scored
from crmkit.btyd.forecast import forecast
from crmkit.btyd.purchasing import PurchasingFit
from crmkit.btyd.spending import SpendingFit

__all__ = ["lifetime"]


def lifetime(
    purchases: ir.Table,
    *,
    as_of: periods.Day,
    timezone: str = "UTC",
    unit: Unit = "day",
    horizon: int = 52,
    discount: float = 0.10,
    margin: float = 1.0,
    holdout: int | None = None,
) -> Lifetime:
    """Purchases and value that today's customers are expected to bring, and how far to trust it.

    Purchases follow the BG/NBD model, amounts the Gamma-Gamma model (Fader, Hardie and Lee 2005),
    both by maximum likelihood. A repeat purchase is a local calendar day (or week) with a purchase,
    after the first. The model is fitted a second time without the last weeks, and what it then
    foretells is held against what happened in them.

    Parameters:
        purchases: table with `customer_id`, a time and `amount`, as `crmkit.purchases` gives it;
            rows without a customer are dropped.
        as_of: the last calendar day that counts, included. Counting by weeks ends with the last
            week that is over.
        timezone: IANA zone of the calendar.
        unit: what counts as one purchase: all of a "day" or all of a "week" (from Monday).
        horizon: weeks to look ahead.
        discount: yearly rate by which money to come is discounted: 0.10 is 10 %.
        margin: share of an amount that is the firm's own.
        holdout: weeks held out; None for a third of the weeks seen, at most 39; 0 for none.

    Returns: `Lifetime` with frames `deciles` (decile, customers, expected_purchases and p_alive per
        customer, value, share), `parameters` (model, name, estimate, low, high, edge), `classes`
        (holdout by repeats before: repeats, customers, actual, expected, low, high per customer),
        `tracking` (week, day, held_out, actual, expected; cumulative), `alive` (repeats,
        weeks_since, age, p_alive); the numbers `value`, `expected_purchases` (with low and high),
        `held_out`; and `people`, an expression with one row a customer, most valuable first.
        With fewer than 30 customers who came back, an empty result that says so.
    Raises: ParameterError for an impossible parameter; InputError for a table without customer,
        time or amount.

    >>> import datetime, ibis
    >>> day = datetime.datetime(2011, 1, 5)
    >>> orders = ibis.memtable({"customer_id": ["a"], "ordered_at": [day], "amount": [10.0]})
    >>> lifetime(orders, as_of="2011-03-31").headline
    'Only 0 of 1 customers have bought again; a forecast needs at least 30.'
    """
    options = checked(
        as_of=as_of,
        timezone=timezone,
        unit=unit,
        horizon=horizon,
        discount=discount,
        margin=margin,
        holdout=holdout,
    )
    time_column(purchases)
    found = frames.history(counted(purchases, options).execute(), options)
    who = found.now
    buying, paying = frames.fit_purchases(who), frames.fit_spending(who)
    counts = Lifetime(
        options=options, customers=int(who.weights.sum()), repeaters=frames.repeaters(who)
    )
    if buying is None or paying is None:
        return counts
    people = scored(purchases, options, buying.model, paying.model, who)
    return replace(_fitted(counts, found, buying, paying), people=people)


def _fitted(
    counts: Lifetime, found: frames.History, buying: PurchasingFit, paying: SpendingFit
) -> Lifetime:
    """The result with all that rests on the fitted models."""
    who, options = found.now, counts.options
    seen = forecast(
        buying,
        paying,
        who,
        horizon=float(options.horizon),
        discount=options.discount,
        margin=options.margin,
    )
    held_out = frames.holdout(found, options)
    gone_customers, gone_spent = frames.gone(who, seen)
    return replace(
        counts,
        value=seen.total_value,
        expected_purchases=seen.total_purchases,
        held_out=held_out,
        correlation=frames.correlation(who),
        gone_customers=gone_customers,
        gone_spent=gone_spent,
        log_likelihood=buying.maximum.log_likelihood,
        parameters=frames.parameters(buying, paying),
        deciles=frames.deciles(who, seen),
        classes=held_out.classes if held_out else counts.classes,
        tracking=held_out.course
        if held_out
        else frames.tracking(frames.whole(found, options), buying, options),
        alive=frames.alive(buying, who),
    )
