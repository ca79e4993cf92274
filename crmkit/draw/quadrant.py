"""Two measures against each other, in four named corners, with how the points have moved."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crmkit.blocks import Figure
from crmkit.draw.sheet import (
    ACCENT,
    LINE,
    MUTED,
    SECOND,
    SMALL,
    Sheet,
    Words,
    draw,
    grid,
    words_of,
)

Box = tuple[float, float, float, float]
_RADIUS = 4.5
_COLOURS = {"high": ACCENT, "low": SECOND}


@dataclass(frozen=True, kw_only=True)
class Measure:
    """A column of points: its limits, its value before, the line that parts it, and its name."""

    value: str
    low: str
    high: str
    before: str
    line: float
    name: str
    kind: str = "number"


def quadrant(
    frame: pd.DataFrame,
    *,
    across: Measure,
    up: Measure,
    label: str,
    weak: str,
    corners: Sequence[str],
    name: str,
    title: str,
    subtitle: str,
    alt: str,
) -> Figure:
    """Points in four named corners, with intervals as thin crosses and arrows from before.

    Parameters: `frame`, one row a point; `across` and `up`, its two measures; `label`, the name of
    a point; `weak`, a column that is True where there are fewer than 30 cases: faded and not named,
    only shown on hovering; `corners`, names of the upper left, upper right, lower left and lower
    right corner. Points above the line of `up` are blue, the others orange.
    """
    write_x, write_y = words_of(across.kind), words_of(up.kind, 1 if up.kind == "rate" else None)

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        shown = frame[frame[across.value].notna() & frame[up.value].notna()]
        for _, item in shown.iterrows():
            faint = bool(item[weak])
            colour = _colour(item, up, weak)
            _cross(axes, item, across, up, colour, 0.18 if faint else 0.5)
            _arrow(axes, item, across, up, colour, 0.25 if faint else 0.8)
            (dot,) = axes.plot(
                [item[across.value]],
                [item[up.value]],
                "o",
                color=colour,
                ms=2 * _RADIUS,
                mew=0,
                alpha=0.3 if faint else 1.0,
            )
            words = f"{item[label]}: {write_x(item[across.value])}, {write_y(item[up.value])}"
            sheet.hover(dot, words)
        axes.margins(x=0.08, y=0.16)
        _lines(axes, across.line, up.line)
        axes.set_xlim(left=min(0.0, axes.get_xlim()[0]) if across.kind == "count" else None)
        _corners(axes, corners)
        grid(axes, up.kind, words_of(up.kind))
        axes.yaxis.grid(visible=False)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: write_x(v)))
        axes.xaxis.set_major_locator(MaxNLocator(4 if sheet.narrow else 7))
        axes.set_xlabel(across.name)
        axes.set_ylabel(up.name)
        named = shown[~shown[weak].astype(bool)]
        _names(axes, named, across, up, label, small=sheet.narrow)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return draw(paint, 420, words, narrow_height=400)


def _colour(item: "pd.Series[Any]", up: Measure, weak: str) -> str:
    if bool(item[weak]):
        return MUTED
    return _COLOURS["high" if item[up.value] >= up.line else "low"]


def _cross(
    axes: Axes, item: "pd.Series[Any]", across: Measure, up: Measure, colour: str, alpha: float
) -> None:
    """The intervals of both measures."""
    x, y = item[across.value], item[up.value]
    axes.plot([item[across.low], item[across.high]], [y, y], color=colour, lw=1.0, alpha=alpha)
    axes.plot([x, x], [item[up.low], item[up.high]], color=colour, lw=1.0, alpha=alpha)


def _arrow(
    axes: Axes, item: "pd.Series[Any]", across: Measure, up: Measure, colour: str, alpha: float
) -> None:
    """From where the point stood before, if that is known."""
    was = (item[across.before], item[up.before])
    if pd.isna(was[0]) or pd.isna(was[1]):
        return
    axes.plot([was[0]], [was[1]], "o", ms=_RADIUS, mfc="none", mec=colour, mew=1.0, alpha=alpha)
    axes.annotate(
        "",
        (item[across.value], item[up.value]),
        xytext=was,
        arrowprops={
            "arrowstyle": "-|>",
            "color": colour,
            "alpha": alpha,
            "lw": 1.0,
            "shrinkA": _RADIUS / 2,
            "shrinkB": _RADIUS,
        },
    )


def _lines(axes: Axes, across: float, up: float) -> None:
    """The lines that part the corners."""
    if pd.notna(across):
        axes.axvline(across, color=LINE, lw=1.0, ls="--", zorder=0)
    if pd.notna(up):
        axes.axhline(up, color=LINE, lw=1.0, ls="--", zorder=0)


def _corners(axes: Axes, names: Sequence[str]) -> None:
    places = [(0.01, 0.985), (0.99, 0.985), (0.01, 0.015), (0.99, 0.015)]
    for (x, y), words in zip(places, names, strict=True):
        axes.text(
            x,
            y,
            words,
            transform=axes.transAxes,
            ha="left" if x < 0.5 else "right",
            va="top" if y > 0.5 else "bottom",
            color=MUTED,
            fontsize=SMALL - 0.5,
        )


def _names(
    axes: Axes, frame: pd.DataFrame, across: Measure, up: Measure, label: str, *, small: bool
) -> None:
    """Names beside their points, each where it covers the least."""
    size = SMALL - 0.5 if small else SMALL
    places_of = frame[[across.value, up.value]].to_numpy(dtype=float).reshape(-1, 2)
    points = [(float(at[0]), float(at[1])) for at in axes.transData.transform(places_of)]
    taken: list[Box] = [(px - 6, py - 6, px + 6, py + 6) for px, py in points]
    taken += _drawn(axes, frame, across, up)
    inside = axes.get_window_extent()
    for (px, py), at, words in zip(points, places_of, frame[label].astype(str), strict=True):
        width = size * sum(1.0 if ord(letter) > 0x2E7F else 0.56 for letter in words)
        height = size * 1.25
        places: list[tuple[Box, tuple[float, float], str, str]] = []
        for dx, dy, ha, va in _AROUND:
            left = px + dx - (width if ha == "right" else width / 2 if ha == "center" else 0)
            bottom = py + dy - (height if va == "top" else height / 2 if va == "center" else 0)
            places.append(((left, bottom, left + width, bottom + height), (dx, dy), ha, va))
        box, offset, ha, va = min(
            places, key=lambda place: _covered(place[0], taken, inside.x0, inside.x1)
        )
        taken.append(box)
        axes.annotate(
            words,
            (float(at[0]), float(at[1])),
            xytext=offset,
            textcoords="offset pixels",
            ha=ha,
            va=va,
            fontsize=size,
        )


def _drawn(axes: Axes, frame: pd.DataFrame, across: Measure, up: Measure) -> list[Box]:
    """Small boxes along crosses and arrows, which names should not cover."""
    x, y = across.value, up.value
    ends = [
        ((across.low, y), (across.high, y)),
        ((x, up.low), (x, up.high)),
        ((across.before, up.before), (x, y)),
    ]
    boxes: list[Box] = []
    for first, last in ends:
        a = axes.transData.transform(frame[list(first)].to_numpy(dtype=float).reshape(-1, 2))
        b = axes.transData.transform(frame[list(last)].to_numpy(dtype=float).reshape(-1, 2))
        for share in np.linspace(0, 1, 25):
            for at in a + (b - a) * share:
                if not np.isnan(at).any():
                    boxes.append((at[0] - 1.5, at[1] - 1.5, at[0] + 1.5, at[1] + 1.5))
    return boxes


_AROUND = (
    (8, 0, "left", "center"),
    (-8, 0, "right", "center"),
    (0, 8, "center", "bottom"),
    (0, -8, "center", "top"),
    (8, 9, "left", "bottom"),
    (8, -9, "left", "top"),
    (-8, 9, "right", "bottom"),
    (-8, -9, "right", "top"),
    (0, 22, "center", "bottom"),
    (0, -22, "center", "top"),
)


def _covered(box: Box, taken: Sequence[Box], left: float, right: float) -> float:
    """The area of other things that a box covers, and what of it lies outside."""
    area = sum(
        max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
        * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        for other in taken
    )
    return area + 40 * (max(0.0, left - box[0]) + max(0.0, box[2] - right))
