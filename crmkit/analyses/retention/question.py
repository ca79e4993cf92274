"""The question itself: what share of each cohort comes back, and when."""

from collections.abc import Sequence

import ibis.expr.types as ir

from crmkit import periods as calendar
from crmkit.activity import time_column
from crmkit.analyses.retention import cells
from crmkit.analyses.retention.options import Clock, Cohort, Criterion, Event, Options, checked
from crmkit.analyses.retention.result import Retention
from crmkit.analyses.retention.rows import counted

__all__ = ["retention"]


def retention(
    events: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    period: calendar.Period = "month",
    criterion: Criterion = "on",
    brackets: Sequence[Sequence[int]] | None = None,
    cohort: Cohort = "first",
    start: Event = None,
    back: Event = None,
    clock: Clock = "calendar",
    minimum: int = 1,
    breakdown: str | None = None,
    since: calendar.Day | None = None,
    until: calendar.Day | None = None,
    same_period: bool = False,
    periods: int | None = None,
) -> Retention:
    """Share of each cohort that comes back, by periods since its start.

    A cohort are the customers whose start falls in one period. A member is retained in a period
    when it has at least `minimum` return events there. A cell that lies in the future is absent;
    one whose period, or whose cohort's own period, is not over is kept as partial and left out of
    the mean. Definitions follow those of product analytics (PostHog, Mixpanel, Amplitude).

    Parameters:
        events: any canonical table with `customer_id` and a time; rows without a customer are
            dropped and counted. With `amount`, revenue is followed too.
        as_of: the last calendar day that counts, included.
        timezone: IANA zone of the calendar.
        period: day, week (from Monday), month, quarter or year.
        criterion: "on" the period; "on_or_after" it (rolling); in "brackets" of periods.
        brackets: (first, last) periods, such as ((1, 1), (2, 3), (4, 6)).
        cohort: "first" start between `since` and `until`; "first_ever", which looks before
            `since`; "recurring": every period with a start begins a membership.
        start, back: what starts and what returns: None for any row, an event's name, or a
            condition such as `ibis._.amount > 100`.
        clock: "calendar" periods, or windows "elapsed" since each customer's start: a day is 24
            hours, a week 7, a month 30, a quarter 90, a year 365 days. An elapsed cell counts the
            members whose window is over.
        minimum: return events needed in a cell; never applied to the size of a cohort.
        breakdown: a column whose value at the start defines the group.
        since, until: first and last day of starts, included.
        same_period: whether period 0 shows those who return with another event in it.
        periods: the highest period shown; all by default.

    Returns: `Retention` with frames `cohorts` (cohort, n, partial), `cells` (cohort, period,
        through, n, customers, rate, rate_low, rate_high, partial), `mean` (period, through,
        cohorts, n, customers, rate, ...), `revenue` (cohort, period, n, base, revenue, retention,
        per_customer, partial), `groups` and `group_mean` (the same by group, empty without one).
    Raises: ParameterError for options that do not go together; InputError for a table without
        customer or time.

    >>> import datetime, ibis
    >>> days = [datetime.datetime(2011, m, 5) for m in (1, 1, 2, 3)]
    >>> orders = ibis.memtable({"customer_id": ["a", "b", "a", "a"], "ordered_at": days})
    >>> found = retention(orders, as_of="2011-03-31")
    >>> found.cells[["period", "n", "customers", "rate"]].to_numpy().tolist()
    [[0.0, 2.0, 2.0, 1.0], [1.0, 2.0, 1.0, 0.5], [2.0, 2.0, 1.0, 0.5]]
    """
    options = checked(
        as_of=as_of,
        timezone=timezone,
        period=period,
        criterion=criterion,
        brackets=brackets,
        cohort=cohort,
        start=start,
        back=back,
        clock=clock,
        minimum=minimum,
        breakdown=breakdown,
        since=since,
        until=until,
        same_period=same_period,
        periods_shown=periods,
    )
    orders = time_column(events) == "ordered_at"
    found = cells.counts(counted(events, options).execute(), options)
    return _result(found, options, orders=orders)


def _result(found: cells.Counts, options: Options, *, orders: bool) -> Retention:
    window = ["period", "through"]
    by_group = cells.with_rates(cells.retained(found, options), options)
    summed = by_group.groupby(["cohort", *window], as_index=False).agg(
        n=("n", "sum"), customers=("customers", "sum"), partial=("partial", "first")
    )
    whole = cells.with_rates(summed, options)
    if options.breakdown is None:
        by_group = by_group.iloc[:0]
    return Retention(
        options=options,
        orders=orders,
        dropped=found.dropped,
        cohorts=cells.dated(cells.sizes(found, options, ["cohort"]), options),
        cells=cells.dated(whole, options),
        mean=cells.means(whole, options, window),
        revenue=cells.dated(cells.revenue(found, options), options),
        groups=cells.dated(by_group, options),
        group_mean=cells.means(by_group, options, ["group", *window]),
    )
