"""A funnel: bars of those who made each step, with what was lost between."""

import pandas as pd

from crmkit import text
from crmkit.blocks import Figure
from crmkit.draw.sheet import ACCENT, INK, MUTED, SECOND, SMALL, Sheet, Words, draw, rows
from crmkit.records import records


def funnel(
    frame: pd.DataFrame,
    *,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    lost: str,
    accent: str = "",
) -> Figure:
    """Horizontal bars, one a step in order, as long as the share of all who entered.

    Parameters: `frame`, one row a step with columns `name`, `units`, `total` with total_low and
    total_high, `rate` (from the step before), and `lost`; `lost`, the words put before the number
    of those lost, holding {n}; `accent`, the step whose loss is the point.
    """

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        entered = max(int(frame.units.iloc[0]), 1) if len(frame) else 1
        for row, item in enumerate(records(frame)):
            total = 0.0 if pd.isna(item.total) else float(item.total)
            (bar,) = axes.barh([row], [total], height=0.36, color=ACCENT, alpha=0.85)
            (gone,) = axes.barh(
                [row],
                [item.lost / entered if row else 0.0],
                left=[total],
                height=0.36,
                color=SECOND if str(item.name) == accent else MUTED,
                alpha=0.75 if str(item.name) == accent else 0.2,
            )
            sheet.hover(bar, f"{item.name}: {text.number(item.units)}, {text.percent(total)}")
            missing = lost.format(n=text.number(item.lost))
            sheet.hover(gone, f"{item.name}: {missing}")
            if pd.notna(item.total_high):
                axes.plot([item.total_low, item.total_high], [row, row], color=INK, lw=1.2)
            axes.annotate(str(item.name), (0, row - 0.27), va="bottom", fontsize=SMALL + 0.5)
            words = f"{text.number(item.units)} · {text.percent(total)}"
            axes.annotate(
                words,
                (1.0, row - 0.27),
                va="bottom",
                ha="right",
                fontsize=SMALL + 0.5,
            )
            if row:
                axes.annotate(
                    f"{text.percent(item.rate)} · {missing}",
                    (1.0, row + 0.2),
                    va="top",
                    ha="right",
                    fontsize=SMALL - 1,
                    color=SECOND if str(item.name) == accent else MUTED,
                )
        axes.set_xlim(0, 1.0)
        rows(axes, [""] * len(frame))
        axes.set_ylim(len(frame) - 0.45, -0.75)
        axes.yaxis.set_visible(False)
        axes.xaxis.set_visible(False)
        axes.spines[:].set_visible(False)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    height = 30 + 58 * max(len(frame), 1)
    return draw(paint, height, words, narrow_height=height)
