"""The hours of a week: a heat map of weekdays and hours."""

import numpy as np
import pandas as pd
from matplotlib.patches import Rectangle

from crmkit.blocks import Figure
from crmkit.draw.sheet import ACCENT, INK, MUTED, PAPER, SMALL, Sheet, Words, draw, words_of

_FAINT = 0.06


def week(
    frame: pd.DataFrame,
    *,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    kind: str = "rate",
    weak: pd.DataFrame | None = None,
    hovers: pd.DataFrame | None = None,
    across: str = "",
    up: str = "",
) -> Figure:
    """A heat map of weekdays and hours with the value in each cell; a narrow page turns it.

    Colour runs from the smallest to the largest value that is not weak, so that hours differ to the
    eye even where all are high. Cells with no value stay blank.

    Parameters: `frame`, one row a weekday (index = its name), one column an hour (columns = its
    name), values or nan; `weak`, same shape, True where there are fewer than 30 cases (grey, not
    coloured); `hovers`, same shape, words shown on hovering; `across`, what the columns are, and
    `up`, what the rows are.
    """
    write = words_of(kind)
    values = frame.to_numpy(dtype=float)
    strong = values if weak is None else np.where(weak.to_numpy(dtype=bool), np.nan, values)
    known = strong[~np.isnan(strong)]
    low, high = (float(known.min()), float(known.max())) if len(known) else (0.0, 0.0)

    def strength(value: float) -> float:
        return (value - low) / (high - low) if high > low else 0.5

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        turned = sheet.narrow and len(frame.columns) > len(frame)
        rows, columns = (values.T, strong.T) if turned else (values, strong)
        for row, column in np.argwhere(~np.isnan(rows)):
            faint = bool(np.isnan(columns[row, column]))
            depth = 0.0 if faint else strength(float(rows[row, column]))
            cell = Rectangle(
                (column + 0.02, row + 0.03),
                0.96,
                0.94,
                facecolor=MUTED if faint else ACCENT,
                alpha=_FAINT if faint else _FAINT + 0.9 * depth,
                linewidth=0,
            )
            axes.add_patch(cell)
            if hovers is not None:
                place = (column, row) if turned else (row, column)
                sheet.hover(cell, str(hovers.iloc[place]))
            axes.text(
                column + 0.5,
                row + 0.5,
                write(float(rows[row, column])).removesuffix("%"),
                ha="center",
                va="center",
                fontsize=SMALL if rows.shape[1] <= 14 else SMALL - 2,
                color=MUTED if faint else PAPER if depth > 0.55 else INK,
            ).set_in_layout(False)
        _frame(sheet, frame, turned=turned, across=up if turned else across)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return draw(
        paint,
        64 + 28 * max(len(frame), 1),
        words,
        narrow_height=64 + 24 * max(len(frame.columns), 1),
    )


def _frame(sheet: Sheet, frame: pd.DataFrame, *, turned: bool, across: str) -> None:
    axes = sheet.axes
    names = ([str(v) for v in frame.index], [str(v) for v in frame.columns])
    down, over = (names[1], names[0]) if turned else names
    axes.set_xlim(0, max(len(over), 1))
    axes.set_ylim(max(len(down), 1), 0)
    axes.set_xticks(np.arange(len(over)) + 0.5, over)
    axes.set_yticks(np.arange(len(down)) + 0.5, down)
    axes.xaxis.tick_top()
    axes.xaxis.set_label_position("top")
    axes.set_xlabel(across)
    axes.spines[:].set_visible(False)
