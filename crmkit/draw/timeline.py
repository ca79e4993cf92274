"""Time as it passes: layers by interval, and one day in lanes."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, MultipleLocator

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
    rows,
    words_of,
)

_SHADES = [(ACCENT, 0.95), (ACCENT, 0.5), (SECOND, 0.75), (SECOND, 0.35), (MUTED, 0.4)]


def stack(
    frame: pd.DataFrame,
    *,
    label: str,
    layers: Sequence[tuple[str, str]],
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    kind: str = "number",
) -> Figure:
    """Columns side by side, one for each interval, of up to five layers with a key above them.

    Parameters: `frame`, one row an interval in order; `label`, its name; `layers`, pairs of
    (column, its name for readers), the lowest first.
    """
    write = words_of(kind)

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        base = np.zeros(len(frame))
        keys = []
        for (column, readable), (colour, alpha) in zip(layers, _SHADES, strict=False):
            heights = frame[column].fillna(0).to_numpy(dtype=float)
            drawn = axes.bar(
                range(len(frame)), heights, bottom=base, color=colour, alpha=alpha, width=0.94, lw=0
            )
            for place, bar in enumerate(drawn):
                at = str(frame[label].iloc[place])
                sheet.hover(bar, f"{at} · {readable}: {write(heights[place])}")
            base = base + heights
            keys.append((drawn, readable))
        axes.legend(
            [drawn for drawn, _ in keys],
            [readable for _, readable in keys],
            loc="lower left",
            bbox_to_anchor=(0, 1.0),
            ncols=3 if sheet.narrow else len(keys),
            frameon=False,
            fontsize=SMALL,
            handlelength=1.0,
            columnspacing=1.2,
            borderpad=0.2,
        )
        every = max(1, -(-len(frame) // (5 if sheet.narrow else 11)))
        axes.set_xticks(range(0, len(frame), every), [str(v) for v in frame[label].iloc[::every]])
        grid(axes, "count", words_of("count"))

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return draw(paint, 320, words, narrow_height=290)


def lanes(
    frame: pd.DataFrame,
    *,
    lane: str,
    begin: str,
    end: str,
    hover: str,
    order: Sequence[str],
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    strong: Sequence[str] = (),
    write_x: Callable[[float], str] = str,
) -> Figure:
    """Spans of time in lanes, one below the other.

    Parameters: `frame`, one row a span; `lane`, the name of its lane, `begin` and `end`, hours,
    `hover`, its words; `order`, the lanes from above; `strong`, those in the accent colour;
    `write_x`, how an hour is written.
    """

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        least = float(frame[end].max() - frame[begin].min()) / (360 if sheet.narrow else 720)
        for _, span in frame.iterrows():
            row = order.index(str(span[lane]))
            long = max(float(span[end] - span[begin]), least)
            (bar,) = axes.barh(
                [row],
                [long],
                left=[span[begin]],
                height=0.62,
                lw=0,
                color=ACCENT
                if span[lane] in strong
                else SECOND
                if span[lane] == order[-1]
                else MUTED,
                alpha=0.9 if span[lane] in strong else 0.6,
            )
            sheet.hover(bar, str(span[hover]))
        rows(axes, list(order))
        axes.xaxis.set_major_locator(MultipleLocator(_every(frame, begin, end, sheet.narrow)))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: write_x(v)))
        axes.xaxis.grid(visible=True, color=LINE, lw=0.6)
        axes.set_axisbelow(True)
        axes.spines["left"].set_visible(False)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    height = 46 + 30 * max(len(order), 1)
    return draw(paint, height, words, narrow_height=height)


def _every(frame: pd.DataFrame, begin: str, end: str, narrow: bool) -> float:
    """Hours between two marks of the axis."""
    long = float(frame[end].max() - frame[begin].min()) if len(frame) else 1.0
    steps = [0.25, 0.5, 1, 2, 3, 4, 6]
    return next((step for step in steps if long / step <= (4 if narrow else 10)), 6)
