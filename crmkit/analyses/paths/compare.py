"""The moves of two groups of visits, side by side."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit.analyses.paths.paths import node_name
from crmkit.analyses.paths.span import Span, card, span_of
from crmkit.analyses.paths.trail import END, Cleaning, trail
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.records import records
from crmkit.result import Result
from crmkit.stats import difference_interval, holm, two_proportions
from crmkit.text import number, percent, points, say

__all__ = ["PathDifference", "compare_paths"]

_FEWEST = 30


def compare_paths(
    events: ir.Table,
    *,
    group: str,
    values: tuple[str, str],
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 28,
    clean: Cleaning | None = None,
    unit: str = "person",
    gap_minutes: int = 30,
    identities: ir.Table | None = None,
) -> "PathDifference":
    """How two groups of visits move on from each node, and where they differ.

    A visit is of the group that its first event says. A move is compared among the visits that
    were at its source: the share of them that made it at least once.

    Parameters: `group`, a column such as device; `values`, two of its values; others as of `paths`.
    Returns: PathDifference with `rows`: source, target, first_n, first_units, first_rate,
    second_n, second_units, second_rate, difference (second - first) with difference_low and
    difference_high (Newcombe), p (two proportions, Holm); sources that fewer than 30 visits of a
    group were at are left out.
    Raises: ParameterError for a column that is not there, or two equal values.

    >>> import datetime, ibis
    >>> rows = ibis.memtable(
    ...     {
    ...         "event_id": ["1"], "customer_id": ["c"], "event": ["view"], "device": ["tv"],
    ...         "occurred_at": [datetime.datetime(2025, 1, 1)],
    ...     }
    ... )
    >>> found = compare_paths(rows, group="device", values=("tv", "pc"), as_of="2025-01-01")
    >>> found.empty
    True
    """
    if len(set(values)) != 2:
        raise ParameterError(f"values={values!r}: give two different values of {group}.")
    clean = clean or Cleaning()
    span = span_of(as_of, days, timezone)
    rows = trail(
        events.mutate(side=_side(events, group, values)),
        clean,
        start=span.start,
        end=span.end,
        unit=unit,
        gap_minutes=gap_minutes,
        identities=identities,
        keep=["side"],
    )
    raw = _counted(rows).execute()
    return PathDifference(
        rows=_differences(raw),
        group=group,
        values=values,
        clean=clean,
        span=span,
        gap_minutes=gap_minutes,
    )


def _side(events: ir.Table, group: str, values: tuple[str, str]) -> ir.IntegerValue:
    from crmkit.activity import value_of  # noqa: PLC0415

    value = value_of(events, group)
    return ibis.cases((value == values[0], 1), (value == values[1], 2), else_=0)


def _counted(rows: ir.Table) -> ir.Table:
    """Visits at each source, and visits that made each move, by side."""
    first = rows.filter(rows.place == 1).select("session", whose="side")
    rows = rows.inner_join(first.filter(first.whose > 0), "session")
    seen = rows.select(
        "session", "whose", source="node", target=ibis.coalesce(rows.next_node, END)
    ).distinct()
    moves = seen.group_by(["source", "target", "whose"]).aggregate(units=seen.count())
    at = seen.select("session", "whose", "source").distinct()
    n = at.group_by(["source", "whose"]).aggregate(n=at.count())
    joined = moves.inner_join(n, ["source", "whose"])
    return joined.select("source", "target", "whose", "units", "n")


def _differences(raw: pd.DataFrame) -> pd.DataFrame:
    n = raw.pivot_table(
        index="source", columns="whose", values="n", aggfunc="first", fill_value=0
    ).reindex(columns=[1, 2], fill_value=0)
    units = raw.pivot_table(
        index=["source", "target"], columns="whose", values="units", aggfunc="sum", fill_value=0
    ).reindex(columns=[1, 2], fill_value=0)
    names = ["source", "target", "first_n", "first_units", "second_n", "second_units"]
    rows = [
        (source, target, int(n.loc[source, 1]), int(a), int(n.loc[source, 2]), int(b))
        for (source, target), (a, b) in zip(units.index, units.to_numpy(), strict=True)
        if n.loc[source].min() >= _FEWEST
    ]
    frame = pd.DataFrame(rows, columns=names)
    tested = [
        (
            *difference_interval(r.second_units, r.second_n, r.first_units, r.first_n),
            two_proportions(r.second_units, r.second_n, r.first_units, r.first_n),
        )
        for r in records(frame)
    ]
    low, high, p = np.array(tested, dtype=float).reshape(-1, 3).T
    frame = frame.assign(
        first_rate=frame.first_units / frame.first_n,
        second_rate=frame.second_units / frame.second_n,
        difference=frame.second_units / frame.second_n - frame.first_units / frame.first_n,
        difference_low=low,
        difference_high=high,
        p=holm(p) if len(p) else p,
    )
    order = frame.difference.abs().sort_values(ascending=False, kind="stable").index
    return frame.loc[order].reset_index(drop=True)


@dataclass(frozen=True, kw_only=True)
class PathDifference(Result):
    """Moves of two groups; see `compare_paths`."""

    rows: pd.DataFrame = field(repr=False)
    group: str
    values: tuple[str, str]
    clean: Cleaning = field(repr=False)
    span: Span = field(repr=False)
    gap_minutes: int

    @property
    def empty(self) -> bool:
        """Whether no move can be compared."""
        return self.rows.empty

    @property
    def sure(self) -> pd.DataFrame:
        """Moves that differ beyond chance."""
        return self.rows[self.rows.p < 0.05]

    @property
    def headline(self) -> str:
        """The move that differs most."""
        words = {"first": self.values[0], "second": self.values[1]}
        if self.empty:
            return say("Too few visits of {first} and {second} to compare.", **words)
        if self.sure.empty:
            return say("{first} and {second} move alike: no difference beyond chance.", **words)
        top = self.sure.iloc[0]
        return say(
            "{first} and {second} differ most from {source} to {target}: {one} against {two}.",
            **words,
            source=top.source,
            target=node_name(top.target),
            one=percent(top.first_rate),
            two=percent(top.second_rate),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        return Definition(
            (
                (
                    say("Groups"),
                    say("By {column} of the first event of the visit.", column=self.group),
                ),
                (
                    say("Compared"),
                    say("Of the visits that were at a node, the share that went on to the next."),
                ),
                (say("Interval"), say("Newcombe for differences, 95%.")),
                (say("p"), say("Two-proportion tests, corrected after Holm.")),
                (
                    say("Left out"),
                    say("Nodes that fewer than {n} visits of a group were at.", n=number(_FEWEST)),
                ),
                *card(self.span, self.clean, self.gap_minutes),
            )
        )

    def tables(self) -> Mapping[str, Table]:
        """One row a move, the largest difference first."""
        frame = self.rows.assign(to=self.rows.target.map(node_name))
        columns = (
            Column("source", say("Comes from")),
            Column("to", say("Goes on to")),
            Column("first_rate", self.values[0], "rate", n="first_n"),
            Column("second_rate", self.values[1], "rate", n="second_n"),
            Column(
                "difference",
                say("Difference"),
                "rate",
                low="difference_low",
                high="difference_high",
            ),
            Column("p", say("p after Holm"), "number", 3),
        )
        caption = say("Moves of {first} and {second}", first=self.values[0], second=self.values[1])
        return {"rows": Table("path-difference", caption, frame, columns, limit=15)}

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """Differences with their intervals; the line is none."""
        return {"rows": self._dots}

    def _dots(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.rows.head(12)
        frame = frame.assign(move=[f"{r.source} → {node_name(r.target)}" for r in records(frame)])
        return draw.dots(
            frame,
            label="move",
            value="difference",
            low="difference_low",
            high="difference_high",
            name="path-difference",
            title=self.headline,
            subtitle=say(
                "Share that makes the move, {second} less {first}, with 95% intervals",
                first=self.values[0],
                second=self.values[1],
            ),
            alt="; ".join(f"{r.move} {points(r.difference)}" for r in records(frame)),
            reference=0.0,
            accent=[str(m) for m in frame.move[frame.p < 0.05]],
        )
