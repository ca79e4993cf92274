"""The blocks a report is made of: sentences, tables, figures, definition cards, notices.

A block shows itself twice: as HTML in JupyterLab and the web report, and as plain data
(`application/vnd.crmkit+json`), from which the PDF is set. Every value is escaped once, where it
becomes HTML.
"""

from dataclasses import asdict, dataclass, field
from functools import cache
from typing import Any, Literal

import jinja2
import numpy as np
import pandas as pd

from crmkit import places, svg, text
from crmkit.printable import cut, printable

__all__ = [
    "MIME",
    "Block",
    "Column",
    "Definition",
    "Document",
    "Figure",
    "Notice",
    "Sentence",
    "Table",
]

MIME = "application/vnd.crmkit+json"
LONGEST = 1000
"""Letters of a text that a report shows; files hold the rest."""
Kind = Literal["text", "count", "number", "rate", "money", "day"]
Json = dict[str, object]


class Block:
    """Something a report shows; subclasses say what they are in `json`."""

    def json(self) -> Json:
        """The block as plain data."""
        raise NotImplementedError

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Json:
        return Document(blocks=(self,))._repr_mimebundle_()


@dataclass(frozen=True)
class Document:
    """Several blocks shown together."""

    blocks: tuple[Block, ...]

    def json(self) -> Json:
        """The blocks as plain data, with the language they are written in."""
        return {
            "language": text.reader().language,
            "blocks": [_fit(block.json()) for block in self.blocks],
        }

    def html(self, *, styled: bool = True) -> str:
        """The blocks as HTML; `styled` brings the few rules that JupyterLab needs."""
        return _template().render(document=self.json(), styled=styled).strip()

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> Json:
        return {"text/plain": str(self), "text/html": self.html(), MIME: self.json()}

    def __str__(self) -> str:
        return "\n".join(str(block) for block in self.blocks)


_DRAWN = ("wide", "narrow")


def _fit(value: Any) -> Any:
    """A block's data with all words fit to be shown; drawings have been made so already."""
    if isinstance(value, str):
        return cut(printable(value), LONGEST)
    if isinstance(value, list | tuple):
        return [_fit(each) for each in value]
    if isinstance(value, dict):
        return {name: each if name in _DRAWN else _fit(each) for name, each in value.items()}
    return value


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(places.templates() / "html"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["themed"] = svg.themed
    return environment.get_template("blocks.html.j2")


@dataclass(frozen=True)
class Sentence(Block):
    """A finding in words, its numbers in it."""

    words: str

    def json(self) -> Json:
        """The sentence as plain data."""
        return {"kind": "sentence", "words": self.words}

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Notice(Block):
    """Something the reader must know: an absence, a doubt, an error."""

    words: str
    level: Literal["note", "warning", "error"] = "note"

    def json(self) -> Json:
        """The notice as plain data."""
        return {"kind": "notice", "level": self.level, "words": self.words}

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Definition(Block):
    """The card of the decisions behind a number: what, and how it was decided."""

    items: tuple[tuple[str, str], ...]

    def json(self) -> Json:
        """The card as plain data."""
        return {
            "kind": "definition",
            "title": text.say("How this is defined"),
            "items": [list(item) for item in self.items],
        }

    def __str__(self) -> str:
        return "\n".join(f"{what}: {how}" for what, how in self.items)


@dataclass(frozen=True)
class Column:
    """How a column of a frame is shown.

    `name` is the frame's column; `label` the heading with its unit; `kind` decides the format;
    `low` and `high` name columns of an interval, shown small; `n` names a column of cases, and
    values on fewer than 30 are faded; `partial` names a column that is true where a period is not
    over; `shade` colours cells by value, as in a heat map; `folded` columns are shown on demand.
    """

    name: str
    label: str
    kind: Kind = "text"
    digits: int | None = None
    low: str | None = None
    high: str | None = None
    n: str | None = None
    partial: str | None = None
    shade: bool = False
    folded: bool = False


@dataclass(frozen=True)
class Table(Block):
    """A frame and how it is shown; the frame itself stays at hand as `frame`."""

    name: str
    caption: str
    frame: pd.DataFrame = field(repr=False)
    columns: tuple[Column, ...]
    note: str = ""
    total: bool = False
    limit: int = 50

    def json(self) -> Json:
        """The table as plain data: formatted cells, with what sorts and shades them."""
        shown = self.frame.head(self.limit)
        if self.total and len(self.frame) > self.limit:
            shown = pd.concat([self.frame.head(self.limit - 1), self.frame.tail(1)])
        notes = [self.note] if self.note else []
        if len(shown) < len(self.frame):
            notes.append(
                text.say(
                    "The first {shown} of {all} rows.",
                    shown=text.number(len(shown)),
                    all=text.number(len(self.frame)),
                )
            )
        shaded = [column.name for column in self.columns if column.shade]
        darkest = float(self.frame[shaded].max().max()) if shaded and len(self.frame) else 0.0
        cells = [_cells(shown, column, darkest) for column in self.columns]
        return {
            "kind": "table",
            "name": self.name,
            "caption": self.caption,
            "notes": notes,
            "total": self.total and len(shown) > 0,
            "more": text.say("All columns"),
            "columns": [
                {
                    "label": column.label,
                    "numeric": column.kind not in ("text", "day"),
                    "folded": column.folded,
                }
                for column in self.columns
            ],
            "rows": [list(row) for row in zip(*cells, strict=True)],
        }

    def __str__(self) -> str:
        return f"{self.caption}\n{self.frame.to_string(max_rows=20)}"


def _cells(frame: pd.DataFrame, column: Column, darkest: float) -> list[Json]:
    cells = []
    for place, value in enumerate(frame[column.name].tolist()):
        cell: Json = {"words": _words(value, column)}
        if column.kind not in ("text", "day") and not pd.isna(value):
            cell["sort"] = float(value)
        if column.low and column.high:
            cell["small"] = text.span(
                frame[column.low].iloc[place],
                frame[column.high].iloc[place],
                digits=_digits(column),
                rate=column.kind == "rate",
            )
        if column.n and frame[column.n].iloc[place] < 30:
            cell["weak"] = True
        if column.partial and bool(frame[column.partial].iloc[place]):
            cell["partial"] = True
        if column.shade and not pd.isna(value):
            cell["shade"] = round(float(value) / darkest, 3) if darkest > 0 else 0.0
        cells.append(cell)
    return cells


def _digits(column: Column) -> int:
    return column.digits if column.digits is not None else {"rate": 1}.get(column.kind, 0)


def _words(value: object, column: Column) -> str:
    if value is None or (not isinstance(value, str | list | np.ndarray) and pd.isna(value)):  # type: ignore[call-overload]
        return ""
    if column.kind == "rate":
        return text.percent(float(value), _digits(column))  # type: ignore[arg-type]
    if column.kind == "money":
        return text.money(float(value), short=column.digits == 0)  # type: ignore[arg-type]
    if column.kind in ("count", "number"):
        return text.number(float(value), _digits(column))  # type: ignore[arg-type]
    if column.kind == "day":
        return text.day(value)  # type: ignore[arg-type]
    return str(value)


@dataclass(frozen=True)
class Figure(Block):
    """A chart drawn twice, for a wide and a narrow page, with the words that go with it.

    `title` states the finding, `subtitle` what is plotted with its unit and period, `alt` says the
    finding and the main numbers to those who cannot see it.
    """

    name: str
    title: str
    subtitle: str
    alt: str
    wide: str = field(repr=False)
    narrow: str = field(repr=False)

    def json(self) -> Json:
        """The figure as plain data."""
        return {"kind": "figure", **asdict(self)}

    def __str__(self) -> str:
        return f"{self.title}\n{self.alt}"
