"""From each node to the next, at any step of a visit."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods as calendar
from crmkit.analyses.paths.paths import node_name
from crmkit.analyses.paths.question import edges
from crmkit.analyses.paths.span import Span, card, span_of
from crmkit.analyses.paths.trail import END, Cleaning, trail
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.result import Result
from crmkit.stats import wilson
from crmkit.text import number, percent, say

__all__ = ["Transitions", "transitions"]

_MOST = 10_000


def transitions(
    events: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 28,
    clean: Cleaning | None = None,
    unit: str = "person",
    gap_minutes: int = 30,
    identities: ir.Table | None = None,
) -> "Transitions":
    """How often each node is followed by each other, by how many, and how fast.

    Parameters: as of `paths`.
    Returns: Transitions with `rows`: source, target (path_end where the visit is over), paths
    (moves), units, n (moves from the source), rate with rate_low and rate_high (Wilson), median
    and q95 seconds. The rates of a source add up to 1. The 10,000 commonest are told; `total`
    counts all.
    Raises: as of `paths`.

    >>> import datetime, ibis
    >>> day = datetime.datetime(2025, 1, 1)
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": ["1", "2"],
    ...         "customer_id": ["c", "c"],
    ...         "occurred_at": [day, day + datetime.timedelta(minutes=1)],
    ...         "event": ["view", "buy"],
    ...     }
    ... )
    >>> found = transitions(rows, as_of="2025-01-01").rows
    >>> found[["source", "target", "median"]].to_numpy().tolist()
    [['buy', 'path_end', nan], ['view', 'buy', 60.0]]
    """
    clean = clean or Cleaning()
    span = span_of(as_of, days, timezone)
    rows = trail(
        events,
        clean,
        start=span.start,
        end=span.end,
        unit=unit,
        gap_minutes=gap_minutes,
        identities=identities,
    )
    found = edges(rows, [])
    found = found.mutate(
        n=found.paths.sum().over(group_by="source"), total=found.paths.sum().over(ibis.window())
    )
    order = [ibis.desc("paths"), "source", "target"]
    frame = found.order_by(order).limit(_MOST).execute()
    low, high = wilson(frame.paths, frame.n)
    frame = frame.assign(rate=frame.paths / frame.n, rate_low=low, rate_high=high)
    frame = frame.sort_values(
        ["paths", "source", "target"], ascending=[False, True, True], ignore_index=True
    )
    return Transitions(
        rows=frame.drop(columns="total"),
        total=int(frame.total.iloc[0]) if len(frame) else 0,
        clean=clean,
        span=span,
        gap_minutes=gap_minutes,
    )


@dataclass(frozen=True, kw_only=True)
class Transitions(Result):
    """What follows what; see `transitions`."""

    rows: pd.DataFrame = field(repr=False)
    total: int
    clean: Cleaning = field(repr=False)
    span: Span = field(repr=False)
    gap_minutes: int

    @property
    def empty(self) -> bool:
        """Whether nothing happened."""
        return self.rows.empty

    @property
    def headline(self) -> str:
        """The node after which most visits end."""
        if self.empty:
            return say("No visit was recorded in these days.")
        ends = self.rows[(self.rows.target == END) & (self.rows.n >= 30)]
        if ends.empty:
            return say("{n} moves between nodes.", n=number(self.total))
        top = ends.iloc[0]
        return say(
            "Most visits end after {node}: {n} of the {all} times it happened ({rate}).",
            node=top.source,
            n=number(top.paths),
            all=number(top.n),
            rate=percent(top.rate),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                *card(self.span, self.clean, self.gap_minutes),
                (say("Rate"), say("Of all moves from a node, those to the next.")),
                (say("Interval"), say("Wilson, 95%.")),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """One row a move, the commonest first."""
        frame = self.rows.assign(to=self.rows.target.map(node_name))
        columns = (
            Column("source", say("Comes from")),
            Column("to", say("Goes on to")),
            Column("paths", say("Times"), "count"),
            Column("rate", say("Of those there"), "rate", low="rate_low", high="rate_high", n="n"),
            Column("median", say("Median seconds"), "number"),
            Column("q95", say("95% take at most, seconds"), "number"),
            Column("units", say("People"), "count"),
        )
        return {"rows": Table("transitions", say("What follows what"), frame, columns, limit=25)}

    def matrix(self, nodes: int = 10) -> pd.DataFrame:
        """Rates from row to column of the commonest nodes, and path_end."""
        top = self.rows.groupby("source").n.first().sort_values(ascending=False, kind="stable")
        names = list(top.index[:nodes])
        wide = self.rows.pivot_table(
            index="source", columns="target", values="rate", aggfunc="sum", fill_value=0.0
        )
        return wide.reindex(index=names, columns=[*names, END], fill_value=0.0)

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """A heat map of the rates."""
        return {"matrix": self._heat}

    def _heat(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.matrix(8)
        shown = frame.where(frame > 0)
        shown.columns = pd.Index([node_name(str(node)) for node in shown.columns])
        return draw.triangle(
            shown,
            name="transitions",
            title=self.headline,
            subtitle=say("From the row to the column, in per cent of the moves from the row"),
            alt=self.headline,
            across=say("Goes on to"),
        )
