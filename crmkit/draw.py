"""The chart kinds, drawn from tidy frames. Nothing here computes; every number comes in.

Each chart is drawn twice, 720 pixels wide and 380 pixels wide, with the same letter size, so that
it is read as well on a telephone. Title, subtitle and alternative text are words of the page, not
of the picture.
"""

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.patches import Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crmkit import svg, text
from crmkit.blocks import Figure

__all__ = ["bars", "columns", "curves", "dots", "histogram", "scatter", "triangle", "words_of"]

INK, MUTED, LINE = svg.COLOURS["ink"], svg.COLOURS["muted"], svg.COLOURS["line"]
ACCENT, SECOND, PAPER = svg.COLOURS["accent"], svg.COLOURS["second"], svg.COLOURS["paper"]
WIDE, NARROW = 720, 380
SIZE, SMALL = 12.5, 11.0

_STYLE: dict[str, Any] = {
    "svg.hashsalt": "crmkit",
    "svg.fonttype": "none",
    "font.size": SIZE,
    "text.color": INK,
    "axes.edgecolor": LINE,
    "axes.labelcolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.labelsize": SMALL,
    "axes.unicode_minus": True,
    "xtick.color": LINE,
    "ytick.color": LINE,
    "xtick.labelcolor": MUTED,
    "ytick.labelcolor": MUTED,
    "xtick.labelsize": SMALL,
    "ytick.labelsize": SMALL,
    "hatch.color": MUTED,
    "hatch.linewidth": 0.6,
}


@cache
def _font() -> str:
    """Noto Sans SC from the zhplot wheel: the same glyphs on every machine, Chinese included."""
    spec = find_spec("zhplot")
    if spec is None or spec.origin is None:
        return "DejaVu Sans"
    path = Path(spec.origin).parent / "fonts" / "NotoSansSC-Regular.ttf"
    font_manager.fontManager.addfont(path)
    return str(font_manager.FontProperties(fname=path).get_name())


@dataclass
class _Sheet:
    """One drawing in the making: its axes, its width, and the words its marks show on hovering."""

    axes: Axes
    narrow: bool
    hovers: dict[str, str] = field(default_factory=dict)

    def hover(self, artist: Any, words: str) -> None:
        mark = f"mark{len(self.hovers)}"
        artist.set_gid(mark)
        self.hovers[mark] = words


Paint = Callable[[_Sheet], None]


@dataclass(frozen=True, kw_only=True)
class _Words:
    name: str
    title: str
    subtitle: str
    alt: str


def words_of(kind: str, digits: int | None = None) -> Callable[[float], str]:
    """How values of a kind (rate, money, count, number) are written in a chart."""
    if kind == "rate":
        return lambda value: text.percent(value, digits if digits is not None else 0)
    if kind == "money":
        return lambda value: text.money(value, short=True)
    if kind == "count":
        return text.compact
    return lambda value: text.number(value, digits if digits is not None else 1)


def _draw(paint: Paint, height: float, words: _Words, *, narrow_height: float | None) -> Figure:
    drawings = {}
    for variant, width in (("wide", WIDE), ("narrow", NARROW)):
        tall = narrow_height if variant == "narrow" and narrow_height else height
        with mpl.rc_context({**_STYLE, "font.family": [_font()]}):
            canvas = Canvas(figsize=(width / 72, tall / 72), dpi=72, layout="constrained")
            canvas.patch.set_alpha(0)
            FigureCanvasSVG(canvas)
            sheet = _Sheet(canvas.add_subplot(), narrow=variant == "narrow")
            sheet.axes.patch.set_alpha(0)
            sheet.axes.tick_params(length=0)
            paint(sheet)
            file = io.StringIO()
            canvas.savefig(file, format="svg", metadata={"Date": None, "Creator": None})
        drawings[variant] = svg.clean(
            file.getvalue(),
            prefix=f"{words.name}-{variant[0]}",
            alt=f"{words.title} {words.alt}".strip(),
            hovers=sheet.hovers,
        )
    return Figure(
        name=words.name,
        title=words.title,
        subtitle=words.subtitle,
        alt=words.alt,
        wide=drawings["wide"],
        narrow=drawings["narrow"],
    )


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

    def paint(sheet: _Sheet) -> None:
        axes = sheet.axes
        shown = frame.columns[: 7 if sheet.narrow else 25]
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
                )
        axes.set_xlim(0, max(len(shown), 1))
        axes.set_ylim(len(frame), 0)
        axes.set_xticks(np.arange(len(shown)) + 0.5, [str(c) for c in shown])
        axes.set_yticks(np.arange(len(frame)) + 0.5, [str(i) for i in frame.index])
        axes.xaxis.tick_top()
        axes.xaxis.set_label_position("top")
        axes.set_xlabel(across)
        axes.spines[:].set_visible(False)

    height = 64 + 24 * len(frame)
    words = _Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return _draw(paint, height, words, narrow_height=height)


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


def curves(
    frame: pd.DataFrame,
    *,
    x: str,
    y: str,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    by: str | None = None,
    low: str | None = None,
    high: str | None = None,
    accent: Sequence[str] = (),
    dashed: Sequence[str] = (),
    kind: str = "rate",
    steps: bool = False,
    from_zero: bool = True,
    across: str = "",
    write_x: Callable[[float], str] | None = None,
) -> Figure:
    """Lines over time or periods, with bands, labelled directly at their ends.

    Parameters: `frame`, tidy; `x` and `y` its columns (x a number or a date); `by`, the column
    that tells the lines apart; `low` and `high`, columns of the band; `accent`, the lines in the
    accent colours, the first in blue and the second in orange, all others grey; `dashed`, lines
    that are projections; `steps`, for survival curves; `from_zero`, whether the axis begins at 0;
    `write_x`, how a tick of x is written.
    """
    write = words_of(kind)
    groups = (
        [("", frame)] if by is None else [(str(k), g) for k, g in frame.groupby(by, sort=False)]
    )
    colours = dict(zip(accent or [groups[0][0] if groups else ""], (ACCENT, SECOND), strict=False))

    def paint(sheet: _Sheet) -> None:
        axes = sheet.axes
        ends: list[tuple[float, float, str, str]] = []
        for label, group in groups:
            known = group[group[y].notna()]
            if known.empty:
                continue
            colour = colours.get(label, MUTED)
            xs, ys = known[x].to_numpy(), known[y].to_numpy(dtype=float)
            style = "steps-post" if steps else "default"
            lead = label in colours
            axes.plot(
                xs,
                ys,
                color=colour,
                lw=2.2 if lead else 1.0,
                alpha=1.0 if lead else 0.55,
                ls="--" if label in dashed else "-",
                drawstyle=style,
                zorder=3 if lead else 2,
                marker="o" if len(xs) == 1 else None,
            )
            if low and high and lead:
                axes.fill_between(
                    xs,
                    known[low].to_numpy(dtype=float),
                    known[high].to_numpy(dtype=float),
                    color=colour,
                    alpha=0.16,
                    lw=0,
                    step="post" if steps else None,
                )
            if len(known) <= 40:
                _hover_points(sheet, xs, ys, label, colour, write, write_x)
            if lead or len(groups) <= 4:
                ends.append((xs[-1], float(ys[-1]), label or write(float(ys[-1])), colour))
        _label_ends(axes, ends)
        if from_zero:
            axes.set_ylim(bottom=0)
        _grid(axes, kind, write)
        axes.set_xlabel(across)
        if write_x is not None:
            axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: write_x(v)))
        axes.xaxis.set_major_locator(MaxNLocator(5 if sheet.narrow else 9, integer=True))

    words = _Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return _draw(paint, 320, words, narrow_height=280)


def _hover_points(
    sheet: _Sheet,
    xs: Any,
    ys: Any,
    label: str,
    colour: str,
    write: Callable[[float], str],
    write_x: Callable[[float], str] | None,
) -> None:
    """Small marks that carry hover text."""
    for at, value in zip(xs, ys, strict=True):
        (mark,) = sheet.axes.plot([at], [value], "o", color=colour, ms=3.2, mew=0)
        where = write_x(at) if write_x else str(at)
        sheet.hover(mark, f"{label} · {where}: {write(float(value))}".removeprefix(" · "))


def _label_ends(axes: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Names at the ends of lines, pushed apart so that none covers another."""
    bottom, top = axes.get_ylim()
    gap = (top - bottom) * 0.065
    last = -np.inf
    for at, value, label, colour in sorted(ends, key=lambda end: end[1]):
        height = max(value, last + gap)
        last = height
        axes.annotate(
            label,
            (at, height),
            xytext=(7, 0),
            textcoords="offset points",
            va="center",
            color=INK if colour == MUTED else colour,
            fontsize=SMALL,
            annotation_clip=False,
        )


def _grid(axes: Axes, kind: str, write: Callable[[float], str]) -> None:
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=kind == "count"))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: write(value)))
    axes.yaxis.grid(visible=True, color=LINE, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)


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

    def paint(sheet: _Sheet) -> None:
        axes = sheet.axes
        reach = float(frame[high or value].max()) if len(frame) else 1.0
        for row, (_, item) in enumerate(frame.iterrows()):
            strong = not accent or str(item[label]) in accent
            faded = weak is not None and bool(item[weak])
            (bar,) = axes.barh(
                [row],
                [item[value]],
                height=0.62,
                color=ACCENT if strong else MUTED,
                alpha=0.3 if faded else (0.9 if strong else 0.5),
            )
            words = write(item[value]) + (f"  {item[note]}" if note else "")
            sheet.hover(bar, f"{item[label]}: {words}")
            edge = float(item[value])
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
        room = 1.75 if sheet.narrow and note else 1.45 if note or sheet.narrow else 1.18
        axes.set_xlim(min(0.0, float(frame[value].min()) if len(frame) else 0), reach * room or 1)
        _rows(axes, [str(v) for v in frame[label]])
        axes.xaxis.set_visible(False)
        axes.spines["bottom"].set_visible(False)

    words = _Words(name=name, title=title, subtitle=subtitle, alt=alt)
    height = 24 + 28 * max(len(frame), 1)
    return _draw(paint, height, words, narrow_height=height)


def _rows(axes: Axes, labels: list[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", labelcolor=INK, labelsize=SIZE)
    axes.set_ylim(len(labels) - 0.4, -0.6)


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

    def paint(sheet: _Sheet) -> None:
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
        _rows(axes, [str(v) for v in frame[label]])
        axes.xaxis.set_major_locator(MaxNLocator(4 if sheet.narrow else 7))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words_of(kind)(v)))
        axes.xaxis.grid(visible=True, color=LINE, lw=0.6)
        axes.set_axisbelow(True)
        axes.spines["left"].set_visible(False)

    words = _Words(name=name, title=title, subtitle=subtitle, alt=alt)
    height = 48 + 32 * max(len(frame), 1)
    return _draw(paint, height, words, narrow_height=height)


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
    kind: str = "count",
) -> Figure:
    """Columns over time, stacked where several; periods that are not over are hatched.

    Parameters: `frame`, one row a period in order; `label`, its name; `values`, pairs of (column,
    its name for readers), at most four, values below zero hang down; `partial`, a column that is
    True where the period is not over.
    """
    write = words_of(kind)
    shades = [(ACCENT, 0.9), (ACCENT, 0.45), (SECOND, 0.75), (MUTED, 0.45)]

    def paint(sheet: _Sheet) -> None:
        axes = sheet.axes
        up, down = np.zeros(len(frame)), np.zeros(len(frame))
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
                    bar.set_alpha(alpha * 0.45)
            up, down = up + np.maximum(heights, 0), down + np.minimum(heights, 0)
            if len(values) > 1 and len(frame):
                middle = base[-1] + heights[-1] / 2
                axes.annotate(
                    readable,
                    (len(frame) - 0.5, middle),
                    xytext=(5, 0),
                    textcoords="offset points",
                    va="center",
                    fontsize=SMALL,
                    annotation_clip=False,
                )
        axes.axhline(0, color=MUTED, lw=0.8)
        every = max(1, -(-len(frame) // (5 if sheet.narrow else 12)))
        axes.set_xticks(range(0, len(frame), every), [str(v) for v in frame[label].iloc[::every]])
        _grid(axes, kind, write)

    words = _Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return _draw(paint, 300, words, narrow_height=260)


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

    def paint(sheet: _Sheet) -> None:
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
        _grid(axes, "count", text.compact)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: write(v)))
        axes.xaxis.set_major_locator(MaxNLocator(5 if sheet.narrow else 9))
        axes.set_xlabel(across)

    words = _Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return _draw(paint, 280, words, narrow_height=250)


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

    def paint(sheet: _Sheet) -> None:
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
        _grid(axes, y_kind, write_y)
        axes.margins(x=0.14, y=0.12)
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: write_x(v)))
        axes.xaxis.set_major_locator(MaxNLocator(4 if sheet.narrow else 7))
        axes.set_xlabel(across)
        axes.set_ylabel(up)

    words = _Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return _draw(paint, 380, words, narrow_height=340)
