"""Several answers to one question, a row for each thing they are about."""

import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crmkit.blocks import Figure
from crmkit.draw.sheet import ACCENT, INK, LINE, MUTED, SMALL, Sheet, Words, draw, rows, words_of

_SHORT = 6
"""Names up to this many letters leave room beside them on a narrow page."""


def strips(
    frame: pd.DataFrame,
    *,
    label: str,
    series: str,
    value: str,
    accent: str,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    hollow: str | None = None,
    kind: str = "rate",
) -> Figure:
    """A row for each label, a dot for each series: how far several answers lie apart.

    Parameters: `frame`, one row a label and series, in the order given; `label`, `series`, `value`
    its columns; `accent`, the series in the accent colour, whose value is written; `hollow`, a
    series drawn as a ring, such as what is now. The ends of each row are named where there is room.
    """
    write = words_of(kind, 1 if kind == "rate" else None)
    labels = list(dict.fromkeys(str(name) for name in frame[label]))
    parts = [frame[(frame[label].astype(str) == name) & frame[value].notna()] for name in labels]

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        above = sheet.narrow and any(len(name) > _SHORT for name in labels)
        for row, (title_of_row, part) in enumerate(zip(labels, parts, strict=True)):
            if part.empty:
                continue
            ends = part[value].min(), part[value].max()
            axes.plot(ends, [row, row], color=LINE, lw=3, solid_capstyle="round", zorder=1)
            _dots(sheet, part, row, title_of_row, (0, -15) if above else (0, 8))
            if not sheet.narrow and ends[1] > ends[0]:
                _name_ends(sheet, part, row)
        rows(axes, labels, above=above)
        axes.xaxis.set_major_locator(MaxNLocator(4 if sheet.narrow else 6))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words_of(kind)(v)))
        axes.xaxis.grid(visible=True, color=LINE, lw=0.6)
        axes.margins(x=0.06 if sheet.narrow else 0.16)
        axes.set_axisbelow(True)
        axes.spines["left"].set_visible(False)

    def _dots(
        sheet: Sheet, part: pd.DataFrame, row: int, where: str, shift: tuple[float, float]
    ) -> None:
        strong = part[series] == accent
        for _, item in pd.concat([part[~strong], part[strong]]).iterrows():
            lead, ring = item[series] == accent, item[series] == hollow
            (dot,) = sheet.axes.plot(
                [item[value]],
                [row],
                "o",
                color=ACCENT if lead else MUTED,
                mfc="none" if ring else ACCENT if lead else MUTED,
                ms=8 if lead or ring else 5.5,
                alpha=1.0 if lead or ring else 0.6,
                mew=1.4 if ring else 0,
                zorder=3,
            )
            sheet.hover(dot, f"{where} · {item[series]}: {write(item[value])}")
            if lead:
                _write(sheet, write(item[value]), item[value], row, shift, "center", INK)

    def _name_ends(sheet: Sheet, part: pd.DataFrame, row: int) -> None:
        in_order = part.sort_values(value, kind="stable")
        low, high = in_order.iloc[0], in_order.iloc[-1]
        _write(sheet, str(low[series]), low[value], row, (-8, -4), "right", MUTED)
        _write(sheet, str(high[series]), high[value], row, (8, -4), "left", MUTED)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    height = 48 + 34 * max(len(labels), 1)
    return draw(paint, height, words, narrow_height=52 + 40 * max(len(labels), 1))


def _write(
    sheet: Sheet,
    words: str,
    at: float,
    row: int,
    shift: tuple[float, float],
    side: str,
    colour: str,
) -> None:
    sheet.axes.annotate(
        words,
        (at, row),
        xytext=shift,
        textcoords="offset points",
        ha=side,
        fontsize=SMALL - 1,
        color=colour,
    )
