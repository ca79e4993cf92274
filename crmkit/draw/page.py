"""A page from top to bottom as bands of colour: how far people see, where they click and stay."""

from collections.abc import Sequence

import pandas as pd
from matplotlib.patches import Rectangle

from crmkit.blocks import Figure
from crmkit.draw.sheet import ACCENT, INK, LINE, PAPER, SMALL, Sheet, Words, draw, words_of


def page_map(
    frame: pd.DataFrame,
    *,
    label: str,
    values: Sequence[tuple[str, str]],
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    kind: str = "rate",
    together: bool = False,
    written: bool = True,
) -> Figure:
    """Bands of a page, the top of the page on top; the fuller the colour, the larger the value.

    Parameters: `frame`, one row a band in order; `label`, its place on the page; `values`, pairs
    of (column, its name for readers), side by side; `together`, whether the columns share one scale
    (as places across one page do) or each has its own; `written`, whether values stand in the
    bands.
    """
    write = words_of(kind)
    tops = {column: float(frame[column].max()) if len(frame) else 0.0 for column, _ in values}
    largest = max(tops.values(), default=0.0)

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        for place, (column, readable) in enumerate(values):
            top = largest if together else tops[column]
            for row, value in enumerate(frame[column]):
                known = not pd.isna(value)
                strength = float(value) / top if known and top > 0 else 0.0
                band = Rectangle(
                    (place + (0.0 if together else 0.04), row),
                    1.0 if together else 0.92,
                    1.0,
                    facecolor=ACCENT if known else "none",
                    alpha=0.05 + 0.9 * strength,
                    lw=0,
                )
                axes.add_patch(band)
                words = write(value) if known else "–"
                sheet.hover(band, f"{frame[label].iloc[row]} · {readable}: {words}")
                if written:
                    axes.text(
                        place + 0.5,
                        row + 0.5,
                        words,
                        ha="center",
                        va="center",
                        fontsize=SMALL - 1,
                        color=PAPER if strength > 0.55 else INK,
                    ).set_in_layout(False)
        width = max(len(values), 1)
        axes.add_patch(Rectangle((0, 0), width, len(frame), fill=False, edgecolor=LINE, lw=1))
        axes.set_xlim(-0.02, width + 0.02)
        axes.set_ylim(len(frame) + 0.05, -0.05)
        axes.set_xticks([p + 0.5 for p in range(len(values))], [words for _, words in values])
        axes.set_yticks([r + 0.5 for r in range(len(frame))], [str(v) for v in frame[label]])
        axes.xaxis.tick_top()
        axes.spines[:].set_visible(False)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    height = 60 + 24 * max(len(frame), 1)
    return draw(paint, height, words, narrow_height=height)
