"""Heat maps: the retention triangle and every other grid of values."""

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle

from crmkit.blocks import Figure
from crmkit.draw.sheet import ACCENT, INK, LINE, PAPER, SMALL, Sheet, Words, draw, words_of


def triangle(
    frame: pd.DataFrame,
    *,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    kind: str = "rate",
    partial: pd.DataFrame | None = None,
    hovers: pd.DataFrame | None = None,
    across: str = "",
    top: float | None = None,
) -> Figure:
    """A heat map with the value in each cell; unknown cells stay blank.

    Parameters: `frame`, one row a cohort (index = its label), one column a period (columns = its
    label), values or nan; `partial`, same shape, True where the period is not over (hatched);
    `hovers`, same shape, words shown on hovering; `across`, what the columns count; `top`, the
    value of the fullest colour (the largest value by default).
    """
    write = words_of(kind)
    largest = top if top is not None else float(np.nanmax(frame.to_numpy(dtype=float), initial=0))

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        shown = frame.columns[: 8 if sheet.narrow else 25]
        for row in range(len(frame)):
            for place, column in enumerate(shown):
                value = frame.iloc[row][column]
                if pd.isna(value):
                    continue
                open_ = partial is not None and bool(partial.iloc[row][column])
                strength = min(float(value) / largest, 1.0) if largest else 0.0
                cell = _cell(axes, place, row, strength, hatched=open_)
                if hovers is not None:
                    sheet.hover(cell, str(hovers.iloc[row][column]))
                axes.text(
                    place + 0.5,
                    row + 0.5,
                    write(value).removesuffix("%"),
                    ha="center",
                    va="center",
                    fontsize=SMALL if len(shown) <= 14 else SMALL - 2,
                    color=PAPER if strength > 0.55 and not open_ else INK,
                ).set_in_layout(False)  # measuring hundreds of numbers would take seconds
        axes.set_xlim(0, max(len(shown), 1))
        axes.set_ylim(max(len(frame), 1), 0)
        axes.set_xticks(np.arange(len(shown)) + 0.5, [str(c) for c in shown])
        axes.set_yticks(np.arange(len(frame)) + 0.5, [str(i) for i in frame.index])
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_xlabel(across)
        axes.spines[:].set_visible(False)

    height = 64 + 24 * len(frame)
    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return draw(paint, height, words, narrow_height=height)


def _cell(axes: Axes, x: float, y: float, strength: float, *, hatched: bool) -> Rectangle:
    """A cell of a heat map; one that is not over yet is hatched instead of filled."""
    cell = Rectangle(
        (x + 0.02, y + 0.03),
        0.96,
        0.94,
        facecolor=ACCENT,
        alpha=0.06 + 0.9 * strength if not hatched else 0.12,
        linewidth=0,
    )
    axes.add_patch(cell)
    if hatched:
        axes.add_patch(
            Rectangle(
                (x + 0.02, y + 0.03), 0.96, 0.94, fill=False, edgecolor=LINE, hatch="///", lw=0
            )
        )
    return cell
