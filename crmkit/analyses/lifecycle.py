"""How the active customers of each period came to be: new, returning, back again, or gone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.activity import activity, time_column
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import BookError, ParameterError
from crmkit.result import Finding, KeyFigure, Result
from crmkit.stats import wilson
from crmkit.text import number, percent, say, span

__all__ = ["Lifecycle", "lifecycle"]

New = Literal["first", "created"]


def lifecycle(
    events: ir.Table,
    customers: ir.Table | None = None,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    period: calendar.Period = "month",
    new: New = "first",
) -> "Lifecycle":
    """New, returning, resurrecting and dormant customers of each period.

    Of the customers active in a period, the returning were active in the period before; the new
    were not, and are new in this one; the others come back after a pause (resurrecting). Dormant
    are those active in the period before and not in this one, counted below zero in the chart.
    So active = new + returning + resurrecting, and dormant = active before - returning: both are
    asserted. The terms are those of PostHog's and Amplitude's lifecycle.

    Parameters:
        events: a canonical table with `customer_id` and a time.
        customers: the canonical table, needed for `new="created"`.
        as_of: the last calendar day that counts, included.
        timezone: IANA zone of the calendar.
        period: day, week (from Monday), month, quarter or year.
        new: "first", new with the first activity in the data; "created", new when active in the
            period of `created_at` (a customer without it, by its first activity).

    Returns: `Lifecycle` with the frame `periods`: period (first day), active, new, returning,
        resurrecting, dormant (missing while the period runs), kept (returning / active before,
        with kept_low, kept_high and n = active before), quick_ratio ((new + resurrecting) /
        dormant), partial.
    Raises: ParameterError for an unknown `new` or period; BookError where customers are needed.

    >>> import datetime, ibis
    >>> days = [datetime.datetime(2011, m, 5) for m in (1, 1, 2, 3)]
    >>> orders = ibis.memtable({"customer_id": ["a", "b", "b", "a"], "ordered_at": days})
    >>> found = lifecycle(orders, as_of="2011-03-31").periods
    >>> found[["active", "new", "returning", "resurrecting", "dormant"]].to_numpy().tolist()
    [[2.0, 2.0, 0.0, 0.0, 0.0], [1.0, 0.0, 1.0, 0.0, 1.0], [1.0, 0.0, 0.0, 1.0, 1.0]]
    """
    if new not in ("first", "created"):
        raise ParameterError(f"new={new!r} is not known. Give one of: first, created.")
    if new == "created" and (customers is None or "created_at" not in customers.columns):
        raise BookError('new="created" needs the table customers with its column created_at.')
    day = calendar.day(as_of)
    numbers = _Numbers(day, timezone, period)
    created = customers if new == "created" else None
    raw = _counted(events, created, numbers).execute()
    return Lifecycle(
        periods=_periods(raw[raw.number.notna()], numbers),
        dropped=int(raw.active[raw.number.isna()].sum()),
        as_of=str(day),
        timezone=timezone,
        period=period,
        new=new,
        orders=time_column(events) == "ordered_at",
    )


@dataclass(frozen=True)
class _Numbers:
    """Numbers of periods, up to the end of a day."""

    as_of: calendar.Day
    timezone: str
    period: calendar.Period

    @property
    def last(self) -> int:
        return calendar.number_of(self.as_of, self.period)

    @property
    def over(self) -> bool:
        """Whether the last period ends with the day."""
        following = calendar.day(self.as_of) + pd.Timedelta(days=1).to_pytimedelta()
        return calendar.number_of(following, self.period) > self.last

    def of(self, instant: ir.TimestampValue) -> ir.IntegerValue:
        end = calendar.day_end(self.as_of, self.timezone)
        return calendar.period_number(instant, self.period, self.timezone, until=end)


def _counted(events: ir.Table, customers: ir.Table | None, numbers: _Numbers) -> ir.Table:
    """Counts by period; a row without a period holds the rows that name no customer."""
    rows = activity(events, end=calendar.day_end(numbers.as_of, numbers.timezone))
    known = rows.drop_null("customer_id")
    active = known.select("customer_id", number=numbers.of(known.at)).distinct()
    active = active.mutate(first=active.number.min().over(group_by=active.customer_id))
    if customers is not None:
        since = customers.drop_null("created_at")
        since = since.group_by(since.customer_id).aggregate(
            created=numbers.of(since.created_at).min()
        )
        joined = active.left_join(since, "customer_id").drop("customer_id_right")
        active = joined.mutate(first=ibis.coalesce(joined.created, joined.first)).drop("created")
    order = ibis.window(group_by=active.customer_id, order_by=active.number)
    beside = active.mutate(
        before=active.number.lag().over(order), after=active.number.lead().over(order)
    )
    kept = (beside.before == beside.number - 1).fill_null(False)
    fresh = ~kept & (beside.first == beside.number)
    counts = (
        beside.mutate(kept=kept, fresh=fresh)
        .group_by("number")
        .aggregate(
            active=lambda t: t.count(),
            new=lambda t: t.fresh.cast("int64").sum(),
            returning=lambda t: t.kept.cast("int64").sum(),
            resurrecting=lambda t: (~t.kept & ~t.fresh).cast("int64").sum(),
            leaving=lambda t: (t.after != t.number + 1).fill_null(True).cast("int64").sum(),
        )
    )
    unknown = rows.filter(rows.customer_id.isnull()).aggregate(active=lambda t: t.count())
    rest = {name: ibis.null("int64") for name in counts.columns if name != "active"}
    return ibis.union(counts, unknown.mutate(**rest).select(counts.columns).cast(counts.schema()))


def _periods(raw: pd.DataFrame, numbers: _Numbers) -> pd.DataFrame:
    """Every period from the first activity on, quiet ones too; the accounts are checked."""
    columns = ["active", "new", "returning", "resurrecting"]
    if raw.empty:
        every = pd.RangeIndex(0)
    else:
        every = pd.RangeIndex(int(raw.number.min()), numbers.last + 1)
    counts = raw.astype("int64").set_index("number").reindex(every, fill_value=0)
    before = counts.active.shift(fill_value=0)
    dormant = counts.leaving.shift(fill_value=0)
    if not (counts.active == counts.new + counts.returning + counts.resurrecting).all():
        raise AssertionError("the active are not the new, returning and resurrecting together")
    if not (dormant == before - counts.returning).all():
        raise AssertionError("the dormant are not the active before less the returning")
    partial = (every == numbers.last) & (not numbers.over)
    lost = dormant.where(~partial).astype("float64")
    low, high = wilson(counts.returning, before)
    first = [pd.Timestamp(calendar.period_start(n, numbers.period)) for n in every]
    return pd.DataFrame(
        {
            "period": pd.Series(first, index=every, dtype="datetime64[us]"),
            **{name: counts[name] for name in columns},
            "dormant": lost,
            "n": before,
            "kept": counts.returning / before.where(before > 0),
            "kept_low": low,
            "kept_high": high,
            "quick_ratio": (counts.new + counts.resurrecting) / lost.where(lost > 0),
            "partial": partial,
        }
    ).reset_index(drop=True)


@dataclass(frozen=True, kw_only=True)
class Lifecycle(Result):
    """Active customers by how they came; see `lifecycle` for the frame."""

    periods: pd.DataFrame = field(repr=False)
    dropped: int
    as_of: str
    timezone: str
    period: calendar.Period
    new: New
    orders: bool

    @property
    def empty(self) -> bool:
        """Whether nobody was active."""
        return self.periods.empty

    @property
    def complete(self) -> pd.DataFrame:
        """The periods that are over."""
        return self.periods[~self.periods.partial]

    @property
    def headline(self) -> str:
        """What the last complete period gained and lost."""
        if self.empty:
            return say("No customer was active by {day}.", day=text.day(self.as_of))
        if self.complete.empty:
            return say(
                "{n} customers were active so far; the first period is not over.",
                n=number(self.periods.active.iloc[-1]),
            )
        last = self.complete.iloc[-1]
        words = {
            "period": text.period(last.period, self.period),
            "active": number(last.active),
            "new": number(last.new),
            "again": number(last.resurrecting),
            "dormant": number(last.dormant),
        }
        if last.new + last.resurrecting >= last.dormant:
            return say(
                "{period}: {active} active customers; {new} new and {again} back after a pause "
                "made up for {dormant} who fell silent.",
                **words,
            )
        return say(
            "{period}: {active} active customers; {new} new and {again} back after a pause "
            "did not make up for {dormant} who fell silent.",
            **words,
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        new = (
            say("Active for the first time in the data, which begins with everyone as new.")
            if self.new == "first"
            else say("Active in the period of creation; without that date, at the first activity.")
        )
        return Definition(
            (
                (say("New"), new),
                (say("Returning"), say("Active in this period and in the one before.")),
                (
                    say("Resurrecting"),
                    say("Active in this period, not in the one before, and not new."),
                ),
                (say("Dormant"), say("Active in the period before and not in this one.")),
                (say("Quick ratio"), say("New and resurrecting for each dormant customer.")),
                (
                    say("Clock"),
                    say("Calendar periods in the time zone {zone}.", zone=self.timezone),
                ),
                (say("Data until"), say("{day}, included", day=text.day(self.as_of))),
                (
                    say("Not over yet"),
                    say("The running period is so far; its dormant are not known yet."),
                ),
                (
                    say("Without a customer"),
                    say("{n} rows name no customer and are left out.", n=number(self.dropped)),
                ),
            )
        )

    def _named(self) -> pd.DataFrame:
        names = [text.period(first, self.period) for first in self.periods.period]
        return self.periods.assign(name=names)

    def tables(self) -> Mapping[str, Table]:
        """The periods."""
        columns = (
            Column("name", say("Period")),
            Column("active", say("Active"), kind="count", partial="partial"),
            Column("new", say("New"), kind="count", partial="partial"),
            Column("returning", say("Returning"), kind="count", partial="partial"),
            Column("resurrecting", say("Resurrecting"), kind="count", partial="partial"),
            Column("dormant", say("Dormant"), kind="count"),
            Column(
                "kept",
                say("Kept from the period before"),
                kind="rate",
                low="kept_low",
                high="kept_high",
                n="n",
                partial="partial",
            ),
            Column("quick_ratio", say("Quick ratio"), kind="number", digits=2),
        )
        caption = say("Active customers of each period by how they came.")
        return {"periods": Table("lifecycle", caption, self._named(), columns)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Columns of the periods, the dormant below zero."""
        return {"periods": self._columns}

    def _columns(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self._named().assign(dormant=-self.periods.dormant)
        return draw.columns(
            frame,
            label="name",
            values=[
                ("returning", say("Returning")),
                ("resurrecting", say("Resurrecting")),
                ("new", say("New")),
                ("dormant", say("Dormant")),
            ],
            name="lifecycle",
            title=self.headline,
            subtitle=say("Customers; those who fell silent below zero; hatched: not over yet."),
            alt=self.headline,
            partial="partial",
        )

    def key_figures(self) -> tuple[KeyFigure, ...]:
        """Active customers, the share kept, and the quick ratio of the last complete period."""
        if self.complete.empty:
            return ()
        return (
            self._figure("active", say("Active customers"), "count"),
            self._figure("kept", say("Kept from the period before"), "rate"),
            self._figure("quick_ratio", say("Quick ratio"), "number"),
        )

    def _figure(self, column: str, label: str, kind: str) -> KeyFigure:
        values = self.complete[column].astype("float64")
        last = self.complete.iloc[-1]
        value, before = float(values.iloc[-1]), values.iloc[:-1]
        return KeyFigure(
            name=f"lifecycle_{column}",
            label=label,
            value=None if np.isnan(value) else value,
            previous=float(before.iloc[-1]) if before.tail(1).notna().any() else None,
            kind=kind,
            history=tuple(before.dropna().tail(12)),
            low=float(last.kept_low) if column == "kept" else None,
            high=float(last.kept_high) if column == "kept" else None,
        )

    def findings(self) -> tuple[Finding, ...]:
        """Whether the firm gained or lost active customers, and where."""
        if len(self.complete) < 2:
            return ()
        last = self.complete.iloc[-1]
        kept = say(
            "{rate} ({span}) of the {n} customers of the period before stayed active.",
            rate=percent(last.kept),
            span=span(last.kept_low, last.kept_high),
            n=number(last.n),
        )
        action = (
            say("Call the {n} who fell silent, the most valuable first.", n=number(last.dormant))
            if last.dormant > 0
            else ""
        )
        if not last.n:
            return ()
        usual = self.complete.kept.iloc[:-1].mean()
        weight = 0.0 if np.isnan(usual) else float(abs(last.kept - usual))
        return (Finding(words=kept, action=action, weight=weight),)
