"""Flows between layers of nodes: a Sankey diagram."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from crmkit.blocks import Figure
from crmkit.draw.sheet import ACCENT, INK, MUTED, PAPER, SMALL, Sheet, Words, draw, words_of

EDGES = 30
"""Flows that are drawn, the largest; nodes keep the height of all their flows."""
_WIDTH, _GAP, _FREE = 0.09, 0.035, 0.012
_NARROW_LAYERS = 3


@dataclass(frozen=True)
class _Node:
    """A box of a layer: its place from the top, its height, and how many pass it."""

    top: float
    height: float
    total: float


Key = tuple[int, str]
Nodes = dict[Key, _Node]


def flow(
    frame: pd.DataFrame,
    *,
    layer: str,
    source: str,
    target: str,
    value: str,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    accent: Sequence[str] = (),
    last: Sequence[str] = (),
    heads: Sequence[str] = (),
    kind: str = "count",
    edges: int = EDGES,
) -> Figure:
    """Flows from the nodes of each layer to those of the next, as bands as wide as their value.

    Parameters: `frame`, one row a flow that was counted whole: `layer` (a number; the target lies
    in the next), `source`, `target` and `value`; `accent`, nodes whose incoming flows have the
    accent colour; `last`, nodes put at the foot of their layer; `heads`, what stands above each
    layer; `edges`, how many flows are drawn, the largest. What is not drawn still counts in the
    height of its nodes. A narrow page shows the first three layers.
    """
    write = words_of(kind)
    flows = frame.rename(
        columns={layer: "layer", source: "source", target: "target", value: "value"}
    )
    flows = flows[flows.value > 0][["layer", "source", "target", "value"]]
    order = ["value", "layer", "source", "target"]
    shown = flows.sort_values(order, ascending=[False, True, True, True]).head(edges)

    def paint(sheet: Sheet) -> None:
        first = int(flows.layer.min()) if len(flows) else 0
        cut = first + (_NARROW_LAYERS - 1 if sheet.narrow else len(flows))
        nodes = _placed(flows, shown[shown.layer < cut], [*accent], [*last])
        _bands(sheet, flows, shown[shown.layer < cut], nodes, [*accent], write)
        layers = sorted({key[0] for key in nodes})
        for key, node in nodes.items():
            _box(sheet, key, node, write, is_accent=key[1] in accent)
        for place, at in enumerate(layers):
            if place < len(heads):
                sheet.axes.annotate(
                    heads[place], (at, -0.02), color=MUTED, fontsize=SMALL - 1, va="bottom"
                )
        right = 0.75 if sheet.narrow else 0.7
        sheet.axes.set_xlim(first - 0.02, (layers[-1] if layers else first) + right)
        bottom = max((node.top + node.height for node in nodes.values()), default=1.0)
        sheet.axes.set_ylim(bottom + 0.02, -0.07)
        sheet.axes.set_axis_off()

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return draw(paint, 420, words, narrow_height=420)


def _rows(flows: pd.DataFrame) -> list[tuple[Key, Key, float]]:
    """Each flow: where it begins, where it ends, and how much."""
    rows: Iterable[Any] = flows.itertuples()
    return [
        ((int(row.layer), str(row.source)), (int(row.layer) + 1, str(row.target)), float(row.value))
        for row in rows
    ]


def _placed(flows: pd.DataFrame, shown: pd.DataFrame, top: list[str], foot: list[str]) -> Nodes:
    """Where each node that a drawn flow touches lies; the largest on top, ends at the foot."""
    into = flows.assign(layer=flows.layer + 1).groupby(["layer", "target"]).value.sum()
    out = flows.groupby(["layer", "source"]).value.sum()
    totals = pd.concat([into.rename_axis(["layer", "node"]), out.rename_axis(["layer", "node"])])
    totals = totals.groupby(level=[0, 1]).max()
    keys = sorted(
        {begin for begin, _, _ in _rows(shown)} | {end for _, end, _ in _rows(shown)},
        key=lambda key: (
            key[0],
            key[1] in foot,
            key[1] not in top,
            -float(totals[key]),
            key[1],
        ),
    )
    tallest = totals.groupby(level=0).sum().max() if len(totals) else 1.0
    nodes: Nodes = {}
    at: dict[int, float] = {}
    for key in keys:
        height = max(float(totals[key]) / float(tallest), 0.004)
        nodes[key] = _Node(at.get(key[0], 0.0), height, float(totals[key]))
        at[key[0]] = at.get(key[0], 0.0) + height + _GAP
    return nodes


def _bands(
    sheet: Sheet,
    flows: pd.DataFrame,
    shown: pd.DataFrame,
    nodes: Nodes,
    accent: list[str],
    write: Callable[[float], str],
) -> None:
    """The flows, those of a node in the order of where they lead, so that few bands cross."""
    scale = _scale(nodes)
    leaves: dict[Key, float] = {}
    comes: dict[Key, float] = {}
    in_order = sorted(_rows(shown), key=lambda row: (nodes[row[0]].top, nodes[row[1]].top))
    for begin, end, amount in in_order:
        tall = amount * scale
        y0 = nodes[begin].top + leaves.get(begin, 0.0)
        y1 = nodes[end].top + comes.get(end, 0.0)
        leaves[begin] = leaves.get(begin, 0.0) + tall
        comes[end] = comes.get(end, 0.0) + tall
        strong = end[1] in accent
        band = PathPatch(
            _band(begin[0] + _WIDTH + _FREE, end[0] - _FREE, y0, y1, tall),
            facecolor=ACCENT if strong else MUTED,
            alpha=0.45 if strong else 0.22,
            lw=0,
        )
        sheet.axes.add_patch(band)
        sheet.hover(band, f"{begin[1]} → {end[1]}: {write(amount)}")


def _scale(nodes: Nodes) -> float:
    """Height of one counted thing."""
    largest = max(nodes.values(), key=lambda node: node.total, default=_Node(0, 1, 1))
    return largest.height / largest.total


def _band(x0: float, x1: float, y0: float, y1: float, tall: float) -> Path:
    middle = (x0 + x1) / 2
    points = [
        (x0, y0),
        (middle, y0),
        (middle, y1),
        (x1, y1),
        (x1, y1 + tall),
        (middle, y1 + tall),
        (middle, y0 + tall),
        (x0, y0 + tall),
        (x0, y0),
    ]
    curve = [Path.MOVETO, *[Path.CURVE4] * 3, Path.LINETO, *[Path.CURVE4] * 3, Path.CLOSEPOLY]
    return Path(np.array(points), curve)


def _box(
    sheet: Sheet, key: Key, node: _Node, write: Callable[[float], str], *, is_accent: bool
) -> None:
    layer, words = key
    box = Rectangle(
        (layer, node.top),
        _WIDTH,
        node.height,
        facecolor=ACCENT if is_accent else MUTED,
        alpha=0.9 if is_accent else 0.6,
        lw=0,
    )
    sheet.axes.add_patch(box)
    sheet.hover(box, f"{words}: {write(node.total)}")
    sheet.axes.annotate(
        f"{words} {write(node.total)}",
        (layer + _WIDTH, node.top + node.height / 2),
        xytext=(4, 0),
        textcoords="offset points",
        va="center",
        fontsize=SMALL - 1,
        color=INK,
        bbox={"boxstyle": "round,pad=0.12", "facecolor": PAPER, "alpha": 0.7, "lw": 0},
        annotation_clip=False,
    )
