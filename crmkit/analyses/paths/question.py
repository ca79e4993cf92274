"""What the engine is asked for paths: nodes and edges by step, counted over all paths."""

from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from crmkit.analyses.paths.trail import END, OTHER, quantiles

__all__ = ["COLUMNS", "Anchors", "anchored", "counted", "edges"]

COLUMNS = {
    "part": "string",
    "step": "int64",
    "source": "string",
    "target": "string",
    "paths": "int64",
    "units": "int64",
    "median": "float64",
    "q95": "float64",
}
_MOST = 1000
"""Edges of a step that are told apart in the answer; the others are one."""


@dataclass(frozen=True, kw_only=True)
class Anchors:
    """Where paths begin and end: from a node, to a node, or between two; a visit has one path."""

    start: str | None = None
    end: str | None = None


def anchored(rows: ir.Table, anchors: Anchors, steps: int) -> ir.Table:
    """The rows of the paths with `step` from 1; the last row of a path leads to path_end.

    From a node: from its first time in the visit. To a node: up to its first time (after the
    first node, where both are given); without a first node, its last `steps` before it count.
    """
    nothing = ibis.null("int64")
    rows = rows.mutate(first=ibis.literal(1, type="int64"), last=nothing)
    if anchors.start is not None:
        begins = (rows.node == anchors.start).ifelse(rows.place, nothing)
        rows = rows.mutate(first=begins.min().over(group_by="session"))
        rows = rows.filter(~rows["first"].isnull())
    if anchors.end is not None:
        ends = ((rows.node == anchors.end) & (rows.place >= rows["first"])).ifelse(
            rows.place, nothing
        )
        rows = rows.mutate(last=ends.min().over(group_by="session"))
        rows = rows.filter(~rows["last"].isnull(), rows.place <= rows["last"])
        stop = rows.place == rows["last"]
        rows = rows.mutate(
            next_node=stop.ifelse(ibis.null("string"), rows.next_node),
            next_at=stop.ifelse(ibis.null("timestamp"), rows.next_at),
        )
        if anchors.start is None:
            rows = rows.mutate(first=ibis.greatest(rows["last"] - (steps - 1), 1))
    rows = rows.filter(rows.place >= rows["first"])
    return rows.mutate(step=rows.place - rows["first"] + 1)


def counted(rows: ir.Table, steps: int) -> ir.Table:
    """How many paths have a node at each step, how many go over each edge, and all paths."""
    inside = rows.filter(rows.step <= steps)
    nodes = inside.group_by(["step", "node"]).aggregate(
        paths=inside.count(), units=inside.unit.nunique()
    )
    nodes = nodes.mutate(part=ibis.literal("node"), source=nodes.node).drop("node")
    begun = rows.filter(rows.step == 1)
    whole = begun.aggregate(paths=begun.count(), units=begun.unit.nunique())
    found = edges(inside.filter(inside.step < steps), ["step"])
    parts = [
        _few(nodes, ["source"]),
        whole.mutate(part=ibis.literal("all")),
        _few(found, ["source", "target"]).mutate(part=ibis.literal("edge")),
    ]
    return ibis.union(*(_fitted(part) for part in parts))


def edges(rows: ir.Table, keys: list[str]) -> ir.Table:
    """Edges from each node to the next, or to path_end, with the seconds they take."""
    seconds = rows.next_at.delta(rows["at"], unit="microsecond").cast("float64") / 1e6
    rows = rows.mutate(source=rows.node, target=ibis.coalesce(rows.next_node, END), took=seconds)
    by = [*keys, "source", "target"]
    counts = rows.group_by(by).aggregate(paths=rows.count(), units=rows.unit.nunique())
    found = counts.left_join(quantiles(rows, by, "took"), by)
    return found.select(*by, "paths", "units", "median", "q95")


def _few(found: ir.Table, names: list[str]) -> ir.Table:
    """The largest rows of each step; the rest keeps its paths under one name, without times."""
    order = [ibis.desc("paths"), *names]
    found = found.mutate(turn=ibis.row_number().over(group_by="step", order_by=order))
    rare = found.turn >= _MOST
    columns = {name: rare.ifelse(ibis.literal(OTHER), found[name]) for name in names}
    found = found.mutate(rare=rare.ifelse(1, 0), **columns)
    by = [*(c for c in ("part", "step") if c in found.columns), *names, "rare"]
    times = {c: found[c].max() for c in ("median", "q95") if c in found.columns}
    kept = found.group_by(by).aggregate(paths=found.paths.sum(), units=found.units.sum(), **times)
    # Units and times of several edges together are not those of each.
    unknown = {c: (kept.rare == 1).ifelse(ibis.null(kept[c].type()), kept[c]) for c in times}
    units = (kept.rare == 1).ifelse(ibis.null("int64"), kept.units)
    return kept.mutate(units=units, **unknown).drop("rare")


def _fitted(part: ir.Table) -> ir.Table:
    return part.select(
        **{
            name: part[name].cast(kind) if name in part.columns else ibis.null(kind)
            for name, kind in COLUMNS.items()
        }
    )
