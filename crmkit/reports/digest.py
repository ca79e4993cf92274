"""What an executed notebook says of itself: for the index, its figures over time, and search."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from nbformat import NotebookNode

from crmkit.blocks import MIME

__all__ = ["Digest", "Figure", "Topic", "digest"]


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A key figure as the index shows it: formatted words, and the number behind them.

    `name` stays from run to run, so that figures of several runs make a series; `raw` is None where
    the value is not known.
    """

    label: str
    value: str
    change: str = ""
    arrow: str = ""
    verdict: str = "same"
    name: str = ""
    raw: float | None = None


@dataclass(frozen=True, kw_only=True)
class Topic:
    """Something a report tells, for search: `section` is the id of its section in the page."""

    words: str
    section: str = ""


@dataclass(frozen=True, kw_only=True)
class Digest:
    """What an executed notebook says of itself."""

    title: str = ""
    headline: str = ""
    figures: tuple[Figure, ...] = ()
    topics: tuple[Topic, ...] = ()
    quality: str = "good"
    fingerprint: str = ""
    versions: Mapping[str, str] = field(default_factory=dict)


def digest(notebook: NotebookNode) -> Digest:
    """What an executed notebook says of itself: title, headline, key figures, provenance."""
    blocks = _blocks(notebook)
    summary = blocks.get("summary", {})
    origin = blocks.get("provenance", {})
    return Digest(
        title=_title(notebook),
        headline=str(summary.get("headline", "")),
        figures=tuple(map(_figure, summary.get("figures", []))),
        topics=tuple(_topics(notebook)),
        quality=str(summary.get("quality", {}).get("level", "good")),
        fingerprint=str(origin.get("fingerprint", "")),
        versions={str(k): str(v) for k, v in origin.get("versions", {}).items()},
    )


_WORDS = tuple(each.name for each in fields(Figure) if each.name != "raw")


def _figure(shown: Mapping[str, Any]) -> Figure:
    raw = shown.get("raw")
    known = isinstance(raw, int | float) and math.isfinite(raw)
    words = {name: str(shown[name]) for name in _WORDS if name in shown}
    return Figure(**words, raw=float(raw) if known and raw is not None else None)


def _topics(notebook: NotebookNode) -> Iterator[Topic]:
    """What a reader may look for: headings, sentences, findings, titles of tables and figures."""
    section, place = "", 0
    for cell in notebook.cells:
        if cell.cell_type == "markdown" and cell.source.lstrip().startswith("## "):
            place += 1  # as the page numbers its sections
            section = f"s{place}"
            yield Topic(words=cell.source.strip().splitlines()[0].lstrip("# "), section=section)
        for block in _shown(cell):
            yield from (Topic(words=words, section=section) for words in _told(block) if words)


def _told(block: Mapping[str, Any]) -> list[str]:
    if block["kind"] == "summary":
        return [str(words) for words in (*block.get("findings", ()), *block.get("actions", ()))]
    named = {"sentence": "words", "table": "title", "figure": "title"}.get(block["kind"])
    return [str(block.get(named, ""))] if named else []


def _blocks(notebook: NotebookNode) -> dict[str, dict[str, Any]]:
    """The last block of each kind that the notebook shows."""
    found = {}
    for cell in notebook.cells:
        for block in _shown(cell):
            found[block["kind"]] = block
    return found


def _shown(cell: NotebookNode) -> Iterator[dict[str, Any]]:
    for output in cell.get("outputs", []):
        yield from output.get("data", {}).get(MIME, {}).get("blocks", [])


def _title(notebook: NotebookNode) -> str:
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            for line in cell.source.splitlines():
                if line.startswith("# "):
                    return str(line[2:].strip())
    return ""
