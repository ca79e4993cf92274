"""Funnel plots: rates against cases, within the limits that chance allows."""

import pandas as pd
from matplotlib.ticker import FuncFormatter, MaxNLocator

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
    words_of,
)

_NAMED = 12
"""As many points as can carry a name."""
_SMALL = 0.1  # rates below this need a decimal on their axis


def funnel_plot(
    points: pd.DataFrame,
    limits: pd.DataFrame | None,
    *,
    x: str,
    y: str,
    label: str,
    accent: str,
    centre: float,
    inner: str,
    outer: str,
    name: str,
    title: str,
    subtitle: str,
    alt: str,
    across: str = "",
    kind: str = "rate",
) -> Figure:
    """Points around a common rate, with two pairs of control limits that narrow with the cases.

    Parameters: `points`, one row a unit; `x`, its cases, `y`, its rate, `label`, its name, and
    `accent`, a column that is True where it stands out (named; above the centre in blue, below in
    orange); `limits`, a frame with n, inner_low, inner_high, outer_low and outer_high in the order
    of n, or None; `centre`, the common rate; `inner` and `outer`, the names of the limits.
    """
    exact = words_of(kind, 1)
    write = exact if kind == "rate" and centre < _SMALL else words_of(kind)

    def paint(sheet: Sheet) -> None:
        axes = sheet.axes
        axes.axhline(centre, color=MUTED, lw=1)
        if limits is not None and len(limits):
            _limits(sheet, limits, inner, outer)
        for _, item in points.iterrows():
            strong = bool(item[accent])
            colour = MUTED if not strong else ACCENT if item[y] >= centre else SECOND
            (dot,) = axes.plot(
                [item[x]], [item[y]], "o", ms=6 if strong else 4.5, color=colour, mew=0,
                alpha=0.95 if strong else 0.55, zorder=3,
            )  # fmt: skip
            sheet.hover(dot, f"{item[label]}: {exact(item[y])}")
        top = float(points[y].max()) if len(points) else centre
        bound = float(limits.inner_high.iloc[0]) if limits is not None and len(limits) else top
        axes.set_ylim(0, max(top * 1.12, min(bound, 3 * max(centre, 1e-9)) * 1.05) or 1)
        _names(sheet, points[points[accent].astype(bool)], x, y, label, centre)
        grid(axes, kind, write)
        axes.xaxis.set_major_locator(MaxNLocator(4 if sheet.narrow else 7))
        axes.xaxis.set_major_formatter(FuncFormatter(lambda v, _: words_of("count")(v)))
        axes.set_xlabel(across)
        axes.margins(x=0.06)

    words = Words(name=name, title=title, subtitle=subtitle, alt=alt)
    return draw(paint, 380, words, narrow_height=320)


def _limits(sheet: Sheet, limits: pd.DataFrame, inner: str, outer: str) -> None:
    axes = sheet.axes
    n = limits.n.to_numpy(dtype=float)
    for which, readable, style in (("inner", inner, "--"), ("outer", outer, ":")):
        for side in ("low", "high"):
            edge = limits[f"{which}_{side}"].to_numpy(dtype=float)
            axes.plot(n, edge, color=MUTED, lw=1.1, ls=style)
        axes.annotate(
            readable,
            (n[-1], float(limits[f"{which}_high"].iloc[-1])),
            xytext=(5, 0),
            textcoords="offset points",
            va="center",
            fontsize=SMALL - 1,
            color=MUTED,
            annotation_clip=False,
        )


def _names(sheet: Sheet, strong: pd.DataFrame, x: str, y: str, label: str, centre: float) -> None:
    """Names of the points that stand out the most, none over another."""
    most = 5 if sheet.narrow else _NAMED
    far = (strong[y] - centre).abs().sort_values(ascending=False, kind="stable").index[:most]
    taken: list[tuple[float, float]] = []
    axes = sheet.axes
    wide, high = (side[1] - side[0] for side in (axes.get_xlim(), axes.get_ylim()))
    apart = (0.16 if sheet.narrow else 0.09, 0.055)
    for _, item in strong.loc[far].iterrows():
        at = float(item[x]) / wide, float(item[y]) / high
        if any(abs(at[0] - a) < apart[0] and abs(at[1] - b) < apart[1] for a, b in taken):
            continue
        taken.append(at)
        axes.annotate(
            str(item[label]),
            (item[x], item[y]),
            xytext=(5, 5),
            textcoords="offset points",
            fontsize=SMALL - 1,
            color=INK,
        )
