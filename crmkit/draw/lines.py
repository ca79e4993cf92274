"""Lines over time or periods, with bands."""

from collections.abc import Callable, Sequence
from typing import Any

import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crmkit.blocks import Figure
from crmkit.draw.sheet import ACCENT, MUTED, SECOND, Sheet, Words, draw, grid, name_ends, words_of


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

    def paint(sheet: Sheet) -> None:
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
        name_ends(axes, ends)
        if from_zero:
            axes.set_ylim(bottom=0)
        grid(axes, kind, write)
        axes.set_xlabel(across)
        if write_x is not None:
            axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: write_x(v)))
        left, right = axes.get_xlim()
        whole = right - left > 2  # shares lie between whole numbers
        axes.xaxis.set_major_locator(MaxNLocator(5 if sheet.narrow else 9, integer=whole))

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return draw(paint, 320, words, narrow_height=280)


def _hover_points(
    sheet: Sheet,
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
