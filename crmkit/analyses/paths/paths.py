"""Flows of visits, step by step: from a node, to a node, or between two."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmkit import periods as calendar
from crmkit import text
from crmkit.analyses.paths.question import Anchors, anchored, counted
from crmkit.analyses.paths.span import Span, card, span_of
from crmkit.analyses.paths.trail import END, OTHER, Cleaning, trail
from crmkit.blocks import Column, Definition, Figure, Table
from crmkit.errors import ParameterError
from crmkit.records import records
from crmkit.result import Finding, Result
from crmkit.stats import wilson
from crmkit.text import number, percent, say

__all__ = ["Paths", "node_name", "paths"]


def node_name(node: str) -> str:
    """A node for readers."""
    if node == END:
        return say("end of the visit")
    return say("other") if node == OTHER else node


def paths(
    events: ir.Table,
    *,
    as_of: calendar.Day,
    timezone: str = "UTC",
    days: int = 28,
    anchors: Anchors | None = None,
    clean: Cleaning | None = None,
    steps: int = 5,
    edges: int = 50,
    unit: str = "person",
    gap_minutes: int = 30,
    identities: ir.Table | None = None,
) -> "Paths":
    """What visitors do at each step of a visit, and where they go from there.

    Nodes are step and event. All paths are counted first; then the `edges` largest edges are kept
    and the rest of each step is one edge to "other", so that every count is over all paths.

    Parameters: `events`, canonical; `as_of`, the last day, included; `days`; `anchors`, where
    paths begin and end (the whole visit); `clean`, how events become nodes; `steps`, positions;
    `edges`, that are told apart; `unit`, whose visits; `gap_minutes`, of the pause between visits.
    Returns: Paths with frames `cells` (step, node, paths, units, share; path_end included: the
    shares of a step add up to 1, asserted) and `links` (step, source, target, paths, units, share,
    out, into, median and q95 seconds; out is the share of the source's, with out_low and out_high
    (Wilson), into that of the target's).
    Raises: ParameterError for fewer than two steps, a node that is no column, a pattern that
    cannot be read.

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
    >>> found = paths(rows, as_of="2025-01-01", steps=2).links
    >>> found[["source", "target", "paths"]].to_numpy().tolist()
    [['view', 'buy', 1]]
    """
    if steps < 2 or edges < 1:
        raise ParameterError(f"steps={steps} and edges={edges}: give at least 2 steps and 1 edge.")
    anchors, clean = anchors or Anchors(), clean or Cleaning()
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
    answer = counted(anchored(rows, anchors, steps), steps).execute()
    whole = answer[answer.part == "all"].iloc[0]
    answer = answer[answer.part != "all"].astype({"step": "int64"})
    total = int(whole.paths)
    return Paths(
        cells=_cells(answer[answer.part == "node"], total, steps),
        links=_links(answer[answer.part == "edge"], total, edges),
        total=total,
        units=int(whole.units),
        anchors=anchors,
        clean=clean,
        span=span,
        gap_minutes=gap_minutes,
    )


def _cells(nodes: pd.DataFrame, total: int, steps: int) -> pd.DataFrame:
    """Nodes of each step with the paths that are over; their shares add up to 1."""
    frame = nodes.rename(columns={"source": "node"})[["step", "node", "paths", "units"]]
    alive = frame.groupby("step").paths.sum().reindex(range(1, steps + 1), fill_value=0)
    over = pd.DataFrame({"step": alive.index, "node": END, "paths": total - alive.to_numpy()})
    frame = pd.concat([frame, over[over.paths > 0]], ignore_index=True)
    frame["share"] = frame.paths / max(total, 1)
    assert total == 0 or np.allclose(frame.groupby("step").share.sum(), 1.0)
    order = ["step", "paths", "node"]
    ordered: pd.DataFrame = frame.sort_values(
        order, ascending=[True, False, True], ignore_index=True
    )
    return ordered


def _links(edges: pd.DataFrame, total: int, most: int) -> pd.DataFrame:
    """The largest edges, the others of a step and source as one to "other"."""
    frame = edges[["step", "source", "target", "paths", "units", "median", "q95"]].copy()
    frame = frame.sort_values(
        ["paths", "step", "source", "target"], ascending=[False, True, True, True]
    )
    frame["kept"] = (np.arange(len(frame)) < most) & (frame.source != OTHER)
    rest = frame[~frame.kept].groupby(["step", "source"], as_index=False).paths.sum()
    rest = rest.assign(target=OTHER, units=np.nan, median=np.nan, q95=np.nan)
    frame = pd.concat([frame[frame.kept].drop(columns="kept"), rest], ignore_index=True)
    assert frame.paths.sum() == edges.paths.sum(), "cutting edges must not lose paths"
    source = frame.groupby(["step", "source"]).paths.transform("sum")
    target = frame.groupby(["step", "target"]).paths.transform("sum")
    low, high = wilson(frame.paths, source)
    frame = frame.assign(
        share=frame.paths / max(total, 1),
        n=source,
        out=frame.paths / source,
        out_low=low,
        out_high=high,
        into=frame.paths / target,
    )
    order = ["step", "paths", "source", "target"]
    ordered: pd.DataFrame = frame.sort_values(
        order, ascending=[True, False, True, True], ignore_index=True
    )
    return ordered


@dataclass(frozen=True, kw_only=True)
class Paths(Result):
    """Visits step by step; see `paths` for the frames. `total` paths of `units` people."""

    cells: pd.DataFrame = field(repr=False)
    links: pd.DataFrame = field(repr=False)
    total: int
    units: int
    anchors: Anchors
    clean: Cleaning = field(repr=False)
    span: Span = field(repr=False)
    gap_minutes: int

    @property
    def empty(self) -> bool:
        """Whether there is no path."""
        return self.total == 0

    @property
    def headline(self) -> str:
        """The commonest first move, and how many visits end after one node."""
        if self.empty:
            return say(
                "No visit from {start} to {end} has such a path.",
                start=text.day(self.span.first),
                end=text.day(self.span.last),
            )
        second = self.cells[self.cells.step == 2]
        over = float(second[second.node == END].share.sum())
        words = {"n": number(self.total), "over": percent(over)}
        first = self.links[(self.links.step == 1) & ~self.links.target.isin([END, OTHER])]
        if first.empty:
            return say("{over} of {n} paths end after the first node.", **words)
        top = first.iloc[0]
        return say(
            "{over} of {n} paths end after the first node; the commonest move is from {source} "
            "to {target} ({share}).",
            **words,
            source=node_name(top.source),
            target=node_name(top.target),
            share=percent(top.share),
        )

    @property
    def definition(self) -> Definition:
        """Every decision taken."""
        rows = card(self.span, self.clean, self.gap_minutes)
        if self.anchors.start is not None:
            rows.append((say("Comes from"), say("{node}, its first time", node=self.anchors.start)))
        if self.anchors.end is not None:
            rows.append((say("Goes on to"), say("{node}, its first time", node=self.anchors.end)))
        rows += [
            (say("Cut"), say("After counting: every count is over all paths.")),
            (say("Interval"), say("Wilson, 95%.")),
        ]
        return Definition(tuple(rows))

    def tables(self) -> Mapping[str, Table]:
        """Edges; the step matrix."""
        links = self.links.assign(
            from_=self.links.source.map(node_name), to=self.links.target.map(node_name)
        )
        columns = (
            Column("step", say("Step"), "count"),
            Column("from_", say("Comes from")),
            Column("to", say("Goes on to")),
            Column("paths", say("Paths"), "count"),
            Column("out", say("Of those there"), "rate", low="out_low", high="out_high", n="n"),
            Column("share", say("Of all paths"), "rate"),
            Column("median", say("Median seconds"), "number"),
            Column("units", say("People"), "count", folded=True),
            Column("into", say("Of those who come"), "rate", folded=True),
            Column("q95", say("95% take at most, seconds"), "number", folded=True),
        )
        return {
            "links": Table(
                "paths", say("Where visits go from each step"), links, columns, limit=30
            ),
            "matrix": self._matrix_table(),
        }

    def matrix(self, nodes: int = 12) -> pd.DataFrame:
        """Share of paths at each step: one row a node, one column a step; columns add up to 1.

        Nodes beyond the `nodes` commonest are "other".
        """
        wide = self.cells.pivot_table(
            index="node", columns="step", values="share", aggfunc="sum", fill_value=0.0
        )
        order = wide.drop(index=[END, OTHER], errors="ignore").sum(axis=1)
        top = order.sort_values(ascending=False, kind="stable").index[:nodes]
        rest = wide.drop(index=[*top, END], errors="ignore").sum()
        parts = [wide.loc[top]]
        if rest.sum() > 0:
            parts.append(rest.to_frame(OTHER).T)
        if END in wide.index:
            parts.append(wide.loc[[END]])
        frame = pd.concat(parts)
        assert self.empty or np.allclose(frame.sum(), 1.0)
        return frame

    def _matrix_table(self) -> Table:
        wide = self.matrix()
        frame = wide.rename(columns=lambda step: f"step_{step}").reset_index(names="node")
        frame = frame.assign(name=frame.node.map(node_name))
        columns = [Column("name", say("Node"))]
        columns += [
            Column(f"step_{step}", say("Step {n}", n=step), "rate", shade=True)
            for step in wide.columns
        ]
        return Table("step-matrix", say("Share of paths at each step"), frame, tuple(columns))

    def plots(self) -> Mapping[str, Callable[[], Figure]]:
        """A Sankey diagram; the step matrix as a heat map."""
        return {"flow": self._flow, "matrix": self._heat}

    def _flow(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = pd.DataFrame(
            {
                "layer": self.links.step,
                "begin": self.links.source.map(node_name),
                "end": self.links.target.map(node_name),
                "paths": self.links.paths,
            }
        )
        return draw.flow(
            frame,
            layer="layer",
            source="begin",
            target="end",
            value="paths",
            name="paths",
            title=self.headline,
            subtitle=say(
                "Paths by step; the largest flows, over all {n} paths", n=number(self.total)
            ),
            alt="; ".join(
                f"{row.begin} → {row.end}: {number(row.paths)}"
                for row in records(frame.sort_values("paths", ascending=False).head(10))
            ),
            accent=[self.anchors.end] if self.anchors.end else [],
            last=[say("other"), say("end of the visit")],
            heads=[say("Step {n}", n=step) for step in sorted(self.cells.step.unique())],
        )

    def _heat(self) -> Figure:
        from crmkit import draw  # noqa: PLC0415

        frame = self.matrix()
        frame.index = pd.Index([node_name(str(node)) for node in frame.index])
        return draw.triangle(
            frame,
            name="step-matrix",
            title=self.headline,
            subtitle=say("Share of paths at each step, in per cent; columns add up to all paths"),
            alt="; ".join(f"{name} {percent(row.iloc[0])}" for name, row in frame.iterrows()),
            across=say("Step"),
        )

    def findings(self) -> tuple[Finding, ...]:
        """How many visits end at once."""
        if self.empty:
            return ()
        return (
            Finding(
                words=self.headline,
                action=say("Look at the first page that visits end on."),
                weight=float(
                    self.cells[(self.cells.step == 2) & (self.cells.node == END)].share.sum()
                )
                / 3,
            ),
        )
