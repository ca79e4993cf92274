"""Two ways of dividing, crossed: rates above and below the rate of all."""

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from crmkit.blocks import Figure
from crmkit.draw.sheet import ACCENT, INK, SECOND, SMALL, Sheet, Words, draw, words_of
from crmkit.printable import cut

_NARROW_COLUMNS = 4
_LONGEST = 12


def crossing(
    frame: pd.DataFrame,
    *,
    middle: float,
    hovers: pd.DataFrame,
    weak: pd.DataFrame,
    marked: pd.DataFrame,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    kind: str = "rate",
) -> Figure:
    """A grid of values, blue above the middle and orange below, stronger the further.

    Parameters: `frame`, rows and columns by their labels, values or nan; `middle`, the value
    without colour; and of the same shape `hovers`, words; `weak`, True where there are fewer than
    30 cases (no colour, grey letters); `marked`, True where the difference is beyond chance
    (outlined).
    """
    write = words_of(kind, 1)
    values = frame.to_numpy(dtype=float)
    faint_cells, outlines = weak.to_numpy(dtype=bool), marked.to_numpy(dtype=bool)
    told = hovers.to_numpy(dtype=str)
    counted = values[~faint_cells]
    reach = float(np.nanmax(np.abs(counted - middle), initial=0.0)) or 1.0

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        shown = list(frame.columns[: _NARROW_COLUMNS if sheet.narrow else None])
        for row in range(len(frame)):
            for place in range(len(shown)):
                value = values[row, place]
                if np.isnan(value):
                    continue
                faint = bool(faint_cells[row, place])
                strength = 0.0 if faint else min(abs(value - middle) / reach, 1.0)
                outlined = bool(outlines[row, place])
                box = Rectangle(
                    (place + 0.03, row + 0.05),
                    0.94,
                    0.9,
                    facecolor=ACCENT if value >= middle else SECOND,
                    alpha=0.04 + 0.5 * strength,
                    linewidth=0,
                )
                axes.add_patch(box)
                if outlined:
                    edge = Rectangle((place + 0.03, row + 0.05), 0.94, 0.9, fill=False)
                    edge.set(edgecolor=INK, linewidth=1.4)
                    axes.add_patch(edge)
                sheet.hover(box, str(told[row, place]))
                axes.text(
                    place + 0.5,
                    row + 0.5,
                    write(value),
                    ha="center",
                    va="center",
                    fontsize=SMALL,
                    color=INK,
                    alpha=0.4 if faint else 1.0,
                )
        axes.set_xlim(0, max(len(shown), 1))
        axes.set_ylim(max(len(frame), 1), 0)
        axes.set_xticks(np.arange(len(shown)) + 0.5, [cut(str(c), _LONGEST) for c in shown])
        axes.set_yticks(np.arange(len(frame)) + 0.5, [str(i) for i in frame.index])
        axes.xaxis.tick_top()
        axes.spines[:].set_visible(False)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    height = 56 + 30 * max(len(frame), 1)
    return draw(paint, height, words, narrow_height=height)
