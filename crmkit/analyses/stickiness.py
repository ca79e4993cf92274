"""How often customers come within a month: active on exactly, and at least, so many days."""

import datetime as dt
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.activity import activity
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.result import KeyFigure, Result
from crmkit.stats import mean_interval, wilson
from crmkit.text import message, number, percent, say, span

__all__ = ["Stickiness", "stickiness"]

_ORDER = ("day", "week", "month", "quarter", "year")
_UNITS = {
    "day": message("days"),
    "week": message("weeks"),
    "month": message("months"),
    "quarter": message("quarters"),
}


def stickiness(
    events: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    over: calendar.Period = "month",
    period: calendar.Period = "day",
) -> "Stickiness":
    """Customers active in exactly, and in at least, k periods of each longer period.

    Parameters:
        events: a canonical table with `customer_id` and a time.
        as_of: the last calendar day that counts, included.
        timezone: IANA zone of the calendar.
        over: the longer period whose active customers are counted.
        period: the shorter one; a week that lies in two months counts in both.

    Returns: `Stickiness` with frames `cells` (over: its first day; k; exactly; at_least; n, the
        active customers; rate, at_least / n, with rate_low and rate_high; partial) and `means`
        (over, n, mean periods per active customer, mean_low, mean_high, partial).
    Raises: ParameterError where `period` is not shorter than `over`.
    The terms are those of PostHog and Mixpanel; the interval of the mean is Student's.

    >>> import datetime, ibis
    >>> days = [datetime.datetime(2011, 1, d) for d in (1, 1, 2, 3)]
    >>> visits = ibis.memtable({"customer_id": ["a", "b", "b", "b"], "occurred_at": days})
    >>> found = stickiness(visits, as_of="2011-01-31").cells
    >>> found[["k", "exactly", "at_least"]].to_numpy().tolist()
    [[1, 1, 2], [2, 0, 1], [3, 1, 1]]
    """
    for given in (over, period):
        calendar.number_of("2000-01-01", given)
    if _ORDER.index(period) >= _ORDER.index(over):
        raise ParameterError(f"period={period!r} must be shorter than over={over!r}.")
    day = calendar.day(as_of)
    end = calendar.day_end(day, timezone)
    rows = activity(events, end=end)
    raw = _counted(rows, over, period, timezone, end).execute()
    counts = raw[raw.over.notna()].astype("int64").sort_values(["over", "k"], ignore_index=True)
    last = calendar.number_of(day, over)
    running = last == calendar.number_of(day + dt.timedelta(days=1), over)
    return Stickiness(
        cells=_cells(counts, over, last if running else None),
        means=_means(counts, over, last if running else None),
        dropped=int(raw.customers[raw.over.isna()].sum()),
        as_of=str(day),
        timezone=timezone,
        over=over,
        period=period,
    )


def _counted(
    rows: ir.Table,
    over: calendar.Period,
    period: calendar.Period,
    timezone: str,
    end: dt.datetime,
) -> ir.Table:
    """Customers by longer period and number of shorter ones; the rest names no customer."""
    known = rows.drop_null("customer_id")
    active = known.select(
        "customer_id",
        over=calendar.period_number(known.at, over, timezone, until=end),
        period=calendar.period_number(known.at, period, timezone, until=end),
    ).distinct()
    each = active.group_by(["customer_id", "over"]).aggregate(k=active.count())
    counts = each.group_by(["over", "k"]).aggregate(customers=each.count())
    unknown = rows.filter(rows.customer_id.isnull()).aggregate(customers=lambda t: t.count())
    rest = unknown.select(
        over=ibis.null("int64"), k=ibis.null("int64"), customers=unknown.customers
    )
    return ibis.union(counts, rest.cast(counts.schema()))


def _cells(counts: pd.DataFrame, over: calendar.Period, running: int | None) -> pd.DataFrame:
    parts = []
    for key, part in counts.groupby("over"):
        exactly = part.set_index("k").customers.reindex(range(1, part.k.max() + 1), fill_value=0)
        at_least = exactly[::-1].cumsum()[::-1]
        frame = pd.DataFrame({"k": exactly.index, "exactly": exactly.to_numpy()})
        parts.append(
            frame.assign(at_least=at_least.to_numpy(), n=int(exactly.sum()), number=int(str(key)))
        )
    columns = ["k", "exactly", "at_least", "n", "number"]
    cells = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=columns)
    low, high = wilson(cells.at_least.astype("float64"), cells.n.astype("float64"))
    cells = cells.assign(
        rate=cells.at_least / cells.n,
        rate_low=low,
        rate_high=high,
        partial=cells.number == running,
    )
    cells.insert(0, "over", _first_days(cells.number, over))
    return cells.drop(columns="number")


def _means(counts: pd.DataFrame, over: calendar.Period, running: int | None) -> pd.DataFrame:
    weighted = counts.assign(
        total=counts.k * counts.customers, squares=counts.k**2 * counts.customers
    )
    sums = weighted.groupby("over", as_index=False)[["customers", "total", "squares"]].sum()
    low, high = mean_interval(sums.total, sums.squares, sums.customers)
    return pd.DataFrame(
        {
            "over": _first_days(sums.over, over),
            "n": sums.customers,
            "mean": sums.total / sums.customers,
            "mean_low": low,
            "mean_high": high,
            "partial": sums.over == running,
        }
    )


def _first_days(numbers: "pd.Series[int]", over: calendar.Period) -> "pd.Series[pd.Timestamp]":
    days = [pd.Timestamp(calendar.period_start(n, over)) for n in numbers]
    return pd.Series(days, index=numbers.index, dtype="datetime64[us]")


@dataclass(frozen=True, kw_only=True)
class Stickiness(Result):
    """How often active customers come; see `stickiness` for the frames."""

    cells: pd.DataFrame = field(repr=False)
    means: pd.DataFrame = field(repr=False)
    dropped: int
    as_of: str
    timezone: str
    over: calendar.Period
    period: calendar.Period

    @property
    def empty(self) -> bool:
        """Whether nobody was active."""
        return self.means.empty

    @property
    def latest(self) -> pd.DataFrame:
        """The cells of the last complete longer period, or of the running one where none is."""
        if self.empty:
            return self.cells
        complete = self.means[~self.means.partial]
        chosen = (complete if len(complete) else self.means).over.iloc[-1]
        latest: pd.DataFrame = self.cells[self.cells.over == chosen]
        return latest

    @property
    def headline(self) -> str:
        """How often, and how many more than once."""
        if self.empty:
            return say("No customer was active by {day}.", day=text.day(self.as_of))
        cells = self.latest
        mean = self.means[self.means.over == cells.over.iloc[0]].iloc[0]
        words = {
            "period": text.period(cells.over.iloc[0], self.over),
            "n": number(mean.n),
            "mean": number(mean["mean"], 1),
            "units": say(_UNITS[self.period]),
        }
        if len(cells) < 2:
            return say("{period}: all {n} active customers came on one only.", **words)
        twice = cells[cells.k == 2].iloc[0]
        return say(
            "{period}: {n} active customers came on {mean} {units} on average; "
            "{rate} ({span}) on two or more.",
            **words,
            rate=percent(twice.rate),
            span=span(twice.rate_low, twice.rate_high),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (say("Active"), say("At least one row in the period.")),
                (
                    say("Clock"),
                    say("Calendar periods in the time zone {zone}.", zone=self.timezone),
                ),
                (say("Data until"), say("{day}, included", day=text.day(self.as_of))),
                (say("Not over yet"), say("The running period is shown as so far.")),
                (say("Interval"), say("Wilson for shares, Student for means, 95%.")),
                (
                    say("Without a customer"),
                    say("{n} rows name no customer and are left out.", n=number(self.dropped)),
                ),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """The counts of the latest complete period, and the mean of each."""
        units = say(_UNITS[self.period])
        counts = (
            Column("k", say("Active {units}", units=units), kind="count"),
            Column("exactly", say("Exactly"), kind="count"),
            Column("at_least", say("At least"), kind="count"),
            Column("rate", say("Share"), "rate", low="rate_low", high="rate_high", n="n"),
        )
        over = (
            Column("name", say("Period")),
            Column("n", say("Active customers"), kind="count", partial="partial"),
            Column("mean", say("Mean"), "number", 2, low="mean_low", high="mean_high", n="n"),
        )
        names = [text.period(first, self.over) for first in self.means.over]
        caption = say("Customers by the number of active {units}.", units=units)
        means = say("Active {units} per active customer.", units=units)
        return {
            "cells": Table("stickiness", caption, self.latest, counts),
            "means": Table("stickiness-means", means, self.means.assign(name=names), over),
        }

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The share active in at least k periods."""
        return {"cells": self._columns}

    def _columns(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.latest.assign(label=[number(k) for k in self.latest.k])
        return draw.columns(
            frame,
            label="label",
            values=[("rate", say("At least"))],
            name="stickiness",
            title=self.headline,
            subtitle=say(
                "Share of active customers by the least number of active {units}.",
                units=say(_UNITS[self.period]),
            ),
            alt=self.headline,
            kind="rate",
            partial="partial",
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """The mean of the last complete period."""
        complete = self.means[~self.means.partial]
        if complete.empty:
            return ()
        last, before = complete.iloc[-1], complete["mean"].iloc[:-1]
        return (
            KeyFigure(
                name="stickiness_mean",
                label=say("Active {units} per customer", units=say(_UNITS[self.period])),
                value=float(last["mean"]),
                previous=float(before.iloc[-1]) if len(before) else None,
                kind="number",
                history=tuple(before.tail(12)),
                low=float(last.mean_low),
                high=float(last.mean_high),
            ),
        )
