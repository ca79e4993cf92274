"""Dots with intervals, and two measures against each other."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crmkit.blocks import Figure
from crmkit.draw.sheet import (
    ACCENT,
    LINE,
    MUTED,
    SMALL,
    Sheet,
    Words,
    draw,
    grid,
    rows,
    ticks_of,
    words_of,
)


def dots(
    frame: pd.DataFrame,
    *,
    label: str,
    value: str,
    low: str,
    high: str,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    previous: str | None = None,
    reference: float | None = None,
    accent: Sequence[str] = (),
    weak: str | None = None,
    kind: str = "rate",
) -> Figure:
    """Dots with their intervals, in the order given: the chart of every comparison and ranking.

    Parameters: as in `bars`; `previous`, a column of values before, drawn as hollow dots;
    `reference`, a value drawn as a line to compare with.
    """
    write = words_of(kind, 1)

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        if reference is not None:
            axes.axvline(reference, color=MUTED, lw=1, ls=":")
        for row, (_, item) in enumerate(frame.iterrows()):
            colour = ACCENT if not accent or str(item[label]) in accent else MUTED
            fade = 0.35 if weak is not None and bool(item[weak]) else 1.0
            axes.plot([item[low], item[high]], [row, row], color=colour, lw=2.4, alpha=0.45 * fade)
            if previous is not None and pd.notna(item[previous]):
                axes.plot([item[previous]], [row], "o", ms=6, mfc="none", mec=MUTED, mew=1.2)
            (dot,) = axes.plot([item[value]], [row], "o", color=colour, ms=7, alpha=fade)
            words = write(item[value])
            sheet.hover(dot, f"{item[label]}: {words} ({write(item[low])}–{write(item[high])})")
            axes.annotate(
                words,
                (item[value], row),
                xytext=(0, 7),
                textcoords="offset points",
                ha="center",
                fontsize=SMALL - 1,
            )
        rows(axes, [str(v) for v in frame[label]])
        axes.xaxis.set_major_locator(MaxNLocator(4 if sheet.narrow else 7))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: ticks_of(kind)(v)))
        axes.xaxis.grid(visible=True, color=LINE, lw=0.6)
        axes.set_axisbelow(True)
        axes.spines["left"].set_visible(False)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    height = 48 + 32 * max(len(frame), 1)
    return draw(paint, height, words, narrow_height=height)


def scatter(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    label: str,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    size: str | None = None,
    accent: Sequence[str] = (),
    x_kind: str = "number",
    y_kind: str = "number",
    across: str = "",
    up: str = "",
    diagonal: bool = False,
) -> Figure:
    """Two measures against each other, points labelled directly.

    Parameters: `size`, a column that sets the area of a point; `diagonal`, a line where both are
    equal, for forecast against truth.
    """
    write_x, write_y = words_of(x_kind), words_of(y_kind)
    largest = float(frame[size].max()) if size and len(frame) else 1.0

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        for _, item in frame.iterrows():
            colour = ACCENT if not accent or str(item[label]) in accent else MUTED
            radius = 5 + 17 * float(np.sqrt(item[size] / largest)) if size else 6
            (dot,) = axes.plot([item[x]], [item[y]], "o", color=colour, ms=radius, alpha=0.6, mew=0)
            sheet.hover(dot, f"{item[label]}: {write_x(item[x])}, {write_y(item[y])}")
            axes.annotate(
                str(item[label]),
                (item[x], item[y]),
                xytext=(radius / 2 + 3, 0),
                textcoords="offset points",
                va="center",
                fontsize=SMALL,
            )
        if diagonal and len(frame):
            ends = [0, float(max(frame[x].max(), frame[y].max()))]
            axes.plot(ends, ends, color=MUTED, lw=1, ls=":")
        grid(axes, y_kind, write_y)
        axes.margins(x=0.14, y=0.12)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: write_x(v)))
        axes.xaxis.set_major_locator(MaxNLocator(4 if sheet.narrow else 7))
        axes.set_xlabel(across)
        axes.set_ylabel(up)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return draw(paint, 380, words, narrow_height=340)
