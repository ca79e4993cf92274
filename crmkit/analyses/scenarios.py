"""Scenario segments: by what was bought last and how long ago, with how many bought again."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.activity import value_of
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.records import records
from crmkit.result import Finding, Result
from crmkit.stats import wilson
from crmkit.text import number, percent, say

__all__ = ["Scenarios", "scenarios"]


def scenarios(
    purchases: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    by: str = "category",
    edges: Sequence[int] = (30, 60, 90, 180),
    within: int = 30,
) -> "Scenarios":
    """Customers by the category of their last order and the days since, with the rate of return.

    The rate is that of customers who stood in the same place `within` days before `as_of` and
    bought again since: what this segment is likely to do now.

    Parameters: `purchases`; `as_of`, the last day, included; `by`, the column of what was bought;
    `edges`, days that part the spans: up to the first, up to the second ..., and above; `within`,
    days in which a return counts.
    Returns: Scenarios with `rows`: value, span (from 0), customers (now), n (then), returned, rate
    with rate_low and rate_high, weak.
    Raises: ParameterError for edges that do not ascend, or a column that is not there.

    >>> rows = ibis.memtable(
    ...     {
    ...         "order_id": ["1", "2"], "customer_id": ["a", "a"], "category": ["tea", "tea"],
    ...         "ordered_at": [dt.datetime(2025, 1, 1), dt.datetime(2025, 2, 1)],
    ...     }
    ... )
    >>> found = scenarios(rows, as_of="2025-02-15").rows
    >>> found[["value", "span", "customers", "n", "returned"]].values.tolist()
    [['tea', 0, 1, 1, 1]]
    """
    limits = list(edges)
    if not limits or limits != sorted(set(limits)) or limits[0] < 1 or within < 1:
        raise ParameterError(f"edges={list(edges)}, within={within}: give ascending days, from 1.")
    day = calendar.day(as_of)
    before = day - dt.timedelta(days=within)
    raw = _counted(purchases, by, day, before, timezone, limits).execute()
    rows = raw.astype({"span": "int64", "customers": "int64", "n": "int64", "returned": "int64"})
    low, high = wilson(rows.returned, rows.n)
    rows = rows.assign(
        rate=rows.returned / rows.n.where(rows.n > 0),
        rate_low=low,
        rate_high=high,
        weak=rows.n < 30,
    )
    return Scenarios(
        rows=rows.sort_values(["value", "span"], ignore_index=True),
        by=by,
        edges=tuple(limits),
        within=within,
        as_of=str(day),
    )


def _counted(
    purchases: ir.Table,
    by: str,
    day: dt.date,
    before: dt.date,
    timezone: str,
    edges: list[int],
) -> ir.Table:
    end = calendar.day_end(day, timezone)
    rows = purchases.filter(~purchases.customer_id.isnull(), purchases.ordered_at < end)
    rows = rows.select(
        "customer_id",
        value=ibis.coalesce(value_of(rows, by), ""),
        at=rows.ordered_at,
        order_id=rows.order_id,
        day=calendar.day_number(rows.ordered_at, timezone, until=end),
    )
    parts = []
    for name, last in (("now", day), ("then", before)):
        known = rows.filter(rows["at"] < calendar.day_end(last, timezone))
        turn = ibis.row_number().over(
            group_by="customer_id", order_by=[ibis.desc("at"), ibis.desc("order_id")]
        )
        latest = known.mutate(turn=turn).filter(ibis._.turn == 0)
        since = ibis.literal((last - dt.date(1970, 1, 1)).days) - latest.day
        place = ibis.cases(
            *((since <= edge, place) for place, edge in enumerate(edges)), else_=len(edges)
        )
        parts.append(
            latest.select(
                "customer_id", "value", span=place.cast("int64"), which=ibis.literal(name)
            )
        )
    later = rows.filter(rows["at"] >= calendar.day_end(before, timezone))
    again = later.select("customer_id", again=ibis.literal(1)).distinct()
    both = parts[0].union(parts[1]).left_join(again, "customer_id")
    now, then = both.which == "now", both.which == "then"
    return both.group_by(["value", "span"]).aggregate(
        customers=now.ifelse(1, 0).sum(),
        n=then.ifelse(1, 0).sum(),
        returned=then.ifelse(ibis.coalesce(both.again, 0), 0).sum(),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Scenarios(Result):
    """Customers by last order and time since; see `scenarios`."""

    rows: pd.DataFrame = field(repr=False)
    by: str
    edges: tuple[int, ...]
    within: int
    as_of: str

    @property
    def empty(self) -> bool:
        """Whether nobody bought."""
        return bool(self.rows.customers.sum() == 0)

    def span_name(self, span: int) -> str:
        """A span of days for readers."""
        if span == len(self.edges):
            return say("more than {n} days ago", n=number(self.edges[-1]))
        if span == 0:
            return say("up to {n} days ago", n=number(self.edges[0]))
        return say(
            "{first} to {last} days ago",
            first=number(self.edges[span - 1] + 1),
            last=number(self.edges[span]),
        )

    def _named(self) -> pd.DataFrame:
        return self.rows.assign(
            name=[
                say("{value}, {span}", value=r.value or say("Unknown"), span=self.span_name(r.span))
                for r in records(self.rows)
            ]
        )

    @property
    def headline(self) -> str:
        """The segment that returns most."""
        known = self._named()
        known = known[~known.weak.astype(bool) & (known.customers > 0)]
        if self.empty:
            return say("Nobody has bought by {day}.", day=text.day(self.as_of))
        if known.empty:
            return say("No segment is large enough to know how many return.")
        top = known.iloc[int(known.rate.argmax())]
        return say(
            "Most likely to return within {n} days: {name}, {rate}; {customers} customers.",
            n=number(self.within),
            name=top["name"],
            rate=percent(float(top.rate)),
            customers=number(top.customers),
        )

    @property
    def definition(self) -> Definition:
        """How customers are placed."""
        return Definition(
            (
                (say("Placed by"), say("The last order: what it was and how long ago.")),
                (
                    say("Returned"),
                    say(
                        "Of those who stood there {n} days before {day}, who bought again since.",
                        n=number(self.within),
                        day=text.day(self.as_of),
                    ),
                ),
                (say("Interval"), say("Wilson, 95%.")),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """One row a segment."""
        columns = (
            Column("name", say("Last order")),
            Column("customers", say("Customers now"), "count"),
            Column("rate", say("Returned"), "rate", low="rate_low", high="rate_high", n="n"),
            Column("n", say("Customers then"), "count", folded=True),
        )
        caption = say("By last order and time since")
        return {"rows": Table("scenarios", caption, self._named(), columns)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """The rate of return of each segment."""
        return {"rows": self._dots}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self._named()
        frame = frame[frame.n > 0].sort_values("rate", ascending=False, kind="stable").head(15)
        return draw.dots(
            frame,
            label="name",
            value="rate",
            low="rate_low",
            high="rate_high",
            weak="weak",
            name="scenarios",
            title=self.headline,
            subtitle=say("Share that bought again, by last order, with 95% intervals"),
            alt="; ".join(f"{row.name} {percent(row.rate)}" for row in records(frame)),
        )

    def findings(self) -> tuple[Finding, ...]:
        """The segment that returns most."""
        if self.empty:
            return ()
        return (
            Finding(
                words=self.headline,
                action=say("Offer them what goes with the last order now."),
                weight=0.02,
            ),
        )
