"""One drawing in the making: its size, style, font, hover text, and its way to SVG."""

import io
import warnings
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import matplotlib as mpl
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure as Canvas
from matplotlib.text import Text
from matplotlib.ticker import FuncFormatter, MaxNLocator

from crmkit import svg, text
from crmkit.blocks import Figure
from crmkit.printable import cut, printable

INK, MUTED, LINE = svg.COLOURS["ink"], svg.COLOURS["muted"], svg.COLOURS["line"]
ACCENT, SECOND, PAPER = svg.COLOURS["accent"], svg.COLOURS["second"], svg.COLOURS["paper"]
WIDE, NARROW = 720, 380
LONGEST_NAME, LONGEST_WORDS = 32, 80
SIZE, SMALL = 12.5, 11.0

_STYLE: Any = {
    "svg.hashsalt": "crmkit",
    "svg.fonttype": "none",
    "text.parse_math": False,  # a name may hold dollars
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
class Sheet:
    """One drawing in the making: its axes, its width, and the words its marks show on hovering."""

    axes: Axes
    narrow: bool
    hovers: dict[str, str] = field(default_factory=dict)

    def hover(self, artist: Any, words: str) -> None:
        """Let a mark show words when the pointer rests on it."""
        mark = f"mark{len(self.hovers)}"
        artist.set_gid(mark)
        self.hovers[mark] = words


Paint = Callable[[Sheet], None]


@dataclass(frozen=True, kw_only=True)
class Words:
    """What goes with a drawing: its name, finding, unit and alternative text."""

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


def ticks_of(kind: str) -> Callable[[float], str]:
    """How ticks of a kind are written: rates with a decimal where the tick is no whole per cent."""
    if kind != "rate":
        return words_of(kind)
    return lambda value: text.percent(value, 0 if abs(100 * value % 1 - 0.5) > 0.49 else 1)


def draw(paint: Paint, height: float, words: Words, *, narrow_height: float | None) -> Figure:
    """Paint a wide and a narrow drawing of the given heights in pixels."""
    drawings = {}
    for variant, width in (("wide", WIDE), ("narrow", NARROW)):
        tall = narrow_height if variant == "narrow" and narrow_height else height
        with mpl.rc_context(_STYLE | {"font.family": [_font()]}):
            canvas = Canvas(figsize=(width / 72, tall / 72), dpi=72, layout="constrained")
            canvas.patch.set_alpha(0)
            FigureCanvasSVG(canvas)
            sheet = Sheet(canvas.add_subplot(), narrow=variant == "narrow")
            sheet.axes.patch.set_alpha(0)
            sheet.axes.tick_params(length=0)
            paint(sheet)
            _fit(canvas, narrow=sheet.narrow)
            file = io.StringIO()
            with warnings.catch_warnings():
                # A rare letter is written all the same, in a font of the reader's.
                warnings.filterwarnings("ignore", message=r"Glyph \d+")
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


def _fit(canvas: Canvas, *, narrow: bool) -> None:
    """Cut names too long for a chart, and leave out what cannot be written."""

    def fit(words: str, longest: int) -> str:
        return cut(printable(words.replace("\n", " ").replace("\t", " ")), longest)

    for axis in (axis for axes in canvas.axes for axis in (axes.xaxis, axes.yaxis)):
        written = axis.get_major_formatter()
        if isinstance(written, FuncFormatter):
            axis.set_major_formatter(
                FuncFormatter(
                    lambda value, place, name=written.func: fit(
                        name(value, place), LONGEST_NAME // (1 + narrow)
                    )
                )
            )
    for words in canvas.findobj(Text):
        words.set_text(fit(words.get_text(), LONGEST_WORDS if not narrow else LONGEST_NAME + 8))


def grid(axes: Axes, kind: str, write: Callable[[float], str]) -> None:
    """Quiet horizontal lines to read values by."""
    axes.yaxis.set_major_locator(MaxNLocator(5, integer=kind == "count"))
    tick = ticks_of(kind) if kind == "rate" else write
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: tick(value)))
    axes.yaxis.grid(visible=True, color=LINE, lw=0.6)
    axes.set_axisbelow(True)
    axes.spines["left"].set_visible(False)


def rows(axes: Axes, labels: list[str], *, above: bool = False) -> None:
    """Names of the rows of a horizontal chart, the first on top; `above` the marks or beside."""
    if above:
        axes.yaxis.set_visible(False)
        for row, label in enumerate(labels):
            axes.annotate(label, (0, row - 0.26), va="bottom", fontsize=SMALL + 0.5)
        axes.set_ylim(len(labels) - 0.7, -0.8)
        return
    axes.set_yticks(range(len(labels)), labels)
    axes.tick_params(axis="y", labelcolor=INK, labelsize=SIZE)
    axes.set_ylim(len(labels) - 0.4, -0.6)


def name_ends(axes: Axes, ends: list[tuple[float, float, str, str]]) -> None:
    """Names at the ends of lines, pushed apart so that none covers another."""
    bottom, top = axes.get_ylim()
    gap = (top - bottom) * 0.065
    last = float("-inf")
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
