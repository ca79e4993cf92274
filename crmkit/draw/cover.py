"""Too many and too few: a heat map of differences around zero."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from crmkit import text
from crmkit.blocks import Figure
from crmkit.draw.sheet import ACCENT, INK, PAPER, SECOND, SMALL, Sheet, Words, draw


def balance(
    frame: pd.DataFrame,
    *,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    hovers: pd.DataFrame | None = None,
    digits: int = 0,
) -> Figure:
    """A heat map of differences: below zero in orange, above in blue, zero pale, unknown blank.

    Parameters: `frame`, one row and column a cell (index and columns are their labels), values or
    nan; `hovers`, of the same shape, words shown on hovering; `digits`, decimals written.
    """
    values = frame.to_numpy(dtype=float)
    largest = float(np.nanmax(np.abs(values), initial=0)) or 1.0

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        for row in range(values.shape[0]):
            for place in range(values.shape[1]):
                value = values[row, place]
                if np.isnan(value):
                    continue
                value = 0.0 if abs(value) < 0.5 * 10**-digits else value
                words = ("+" if value > 0 else "") + text.number(value, digits)
                cell = _cell(axes, place, row, value / largest, words)
                if hovers is not None:
                    sheet.hover(cell, str(hovers.iloc[row, place]))
        axes.set_xlim(0, max(values.shape[1], 1))
        axes.set_ylim(max(values.shape[0], 1), 0)
        axes.set_xticks(np.arange(values.shape[1]) + 0.5, [str(c) for c in frame.columns])
        axes.set_yticks(np.arange(values.shape[0]) + 0.5, [str(i) for i in frame.index])
        axes.xaxis.tick_top()
        axes.spines[:].set_visible(False)

    height = 48 + 19 * len(frame)
    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return draw(paint, height, words, narrow_height=height)


def _cell(axes: Axes, x: int, y: int, strength: float, words: str) -> Rectangle:
    """A cell with its value; the fuller its colour, the further from zero."""
    cell = Rectangle(
        (x + 0.02, y + 0.04),
        0.96,
        0.92,
        facecolor=SECOND if strength < 0 else ACCENT,
        alpha=0.04 if strength == 0 else 0.15 + 0.75 * abs(strength),
        linewidth=0,
    )
    axes.add_patch(cell)
    axes.text(
        x + 0.5,
        y + 0.5,
        words,
        ha="center",
        va="center",
        fontsize=SMALL - 1,
        color=PAPER if abs(strength) > 0.6 else INK,
    ).set_in_layout(False)  # measuring hundreds of numbers would take seconds
    return cell
