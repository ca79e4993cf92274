"""Bars, columns and histograms: amounts from zero."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crmkit import text
from crmkit.blocks import Figure
from crmkit.draw.sheet import (
    ACCENT,
    INK,
    MUTED,
    SECOND,
    SMALL,
    Sheet,
    Words,
    draw,
    grid,
    name_ends,
    rows,
    words_of,
)

_SHORT = 8
"""Names up to this many letters leave room beside them on a narrow page."""


def bars(
    frame: pd.DataFrame,
    *,
    label: str,
    value: str,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    low: str | None = None,
    high: str | None = None,
    note: str | None = None,
    accent: Sequence[str] = (),
    weak: str | None = None,
    kind: str = "count",
) -> Figure:
    """Horizontal bars from zero, in the order given, each with its value written.

    Parameters: `frame`, one row a bar; `label`, `value`, `low`, `high` its columns; `note`, a
    column of words put after the value; `accent`, labels in the accent colour (all, where none is
    named); `weak`, a column that is True where there are fewer than 30 cases (faded).
    """
    write = words_of(kind, 1 if kind == "rate" else None)
    names = [str(name) for name in frame[label]]
    crowded = note is not None or any(len(name) > _SHORT for name in names)

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        above = sheet.narrow and crowded
        ends = [float(frame[column].max()) for column in (value, high) if column and len(frame)]
        reach = max((end for end in ends if pd.notna(end)), default=1.0)
        starts = [float(frame[column].min()) for column in (value, low) if column and len(frame)]
        least = min((start for start in starts if pd.notna(start)), default=0.0)
        for row, (_, item) in enumerate(frame.iterrows()):
            strong = not accent or str(item[label]) in accent
            faded = weak is not None and bool(item[weak])
            (bar,) = axes.barh(
                [row],
                [item[value]],
                height=0.34 if above else 0.62,
                color=ACCENT if strong else MUTED,
                alpha=0.3 if faded else (0.9 if strong else 0.5),
            )
            told = [write(item[value]), str(item[note]) if note else ""]
            words = " · ".join(word for word in told if word)
            sheet.hover(bar, f"{item[label]}: {words}")
            edge = float(item[value]) if pd.notna(item[value]) else 0.0
            if low and high and pd.notna(item[high]):
                axes.plot([item[low], item[high]], [row, row], color=INK, lw=1.2)
                edge = float(item[high])
            axes.annotate(
                words,
                (max(edge, 0.0), row),
                xytext=(6, 0),
                textcoords="offset points",
                va="center",
                fontsize=SMALL,
            )
        room = 1.7 if above else 1.45 if note or sheet.narrow else 1.18
        axes.set_xlim(min(0.0, least), reach * room or 1)
        rows(axes, names, above=above)
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    height = 24 + 28 * max(len(frame), 1)
    narrow = 24 + 44 * max(len(frame), 1) if crowded else height
    return draw(paint, height, words, narrow_height=narrow)


def columns(
    frame: pd.DataFrame,
    *,
    label: str,
    values: Sequence[tuple[str, str]],
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    partial: str | None = None,
    low: str | None = None,
    high: str | None = None,
    kind: str = "count",
) -> Figure:
    """Columns over time, stacked where several; periods that are not over are hatched.

    Parameters: `frame`, one row a period in order; `label`, its name; `values`, pairs of (column,
    its name for readers), at most four, values below zero hang down; `partial`, a column that is
    True where the period is not over; `low` and `high`, columns of the interval of a single value.
    """
    write = words_of(kind)
    shades = [(ACCENT, 0.9), (ACCENT, 0.45), (SECOND, 0.75), (MUTED, 0.45)]

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        up, down = np.zeros(len(frame)), np.zeros(len(frame))
        names: list[tuple[float, float, str, str]] = []
        for (column, readable), (colour, alpha) in zip(values, shades, strict=False):
            heights = frame[column].fillna(0).to_numpy(dtype=float)
            base = np.where(heights >= 0, up, down)
            drawn = axes.bar(
                range(len(frame)), heights, bottom=base, color=colour, alpha=alpha, width=0.72
            )
            for place, bar in enumerate(drawn):
                period = str(frame[label].iloc[place])
                sheet.hover(bar, f"{period} · {readable}: {write(heights[place])}")
                if partial is not None and bool(frame[partial].iloc[place]):
                    bar.set_hatch("///")
                    bar.set_hatchcolor(MUTED)
                    bar.set_alpha(alpha * 0.45)
            up, down = up + np.maximum(heights, 0), down + np.minimum(heights, 0)
            if len(values) > 1 and len(frame):
                names.append((len(frame) - 0.5, base[-1] + heights[-1] / 2, readable, MUTED))
        if low and high:
            places = np.arange(len(frame))
            axes.vlines(places, frame[low], frame[high], color=INK, lw=1.2, alpha=0.75)
        name_ends(axes, names)
        axes.axhline(0, color=MUTED, lw=0.8)
        every = max(1, -(-len(frame) // (5 if sheet.narrow else 12)))
        axes.set_xticks(range(0, len(frame), every), [str(v) for v in frame[label].iloc[::every]])
        grid(axes, kind, write)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return draw(paint, 300, words, narrow_height=260)


def histogram(
    frame: pd.DataFrame,
    *,
    left: str,
    right: str,
    count: str,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    kind: str = "number",
    mark: float | None = None,
    across: str = "",
) -> Figure:
    """A distribution from bins already counted; `mark` draws a line at a value to notice."""
    write = words_of(kind, 0)

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        drawn = axes.bar(
            frame[left], frame[count], width=frame[right] - frame[left], align="edge", color=ACCENT
        )
        for bar, (_, item) in zip(drawn, frame.iterrows(), strict=True):
            bar.set_alpha(0.85)
            words = f"{write(item[left])}–{write(item[right])}: {text.number(item[count])}"
            sheet.hover(bar, words)
        if mark is not None:
            axes.axvline(mark, color=SECOND, lw=1.6)
        grid(axes, "count", text.compact)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: write(v)))
        axes.xaxis.set_major_locator(
            MaxNLocator(5 if sheet.narrow else 9, integer=kind == "number")
        )
        axes.set_xlabel(across)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return draw(paint, 280, words, narrow_height=250)
