"""The first screen of a report: one sentence, key figures, what changed and what to do."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeVar

from crmkit import periods, text
from crmkit.blocks import Block, Figure, Json, Notice
from crmkit.book import Book
from crmkit.result import Finding, KeyFigure, Result

__all__ = ["Summary", "summary"]

Item = TypeVar("Item")
_FIGURES, _FINDINGS = 5, 3
_ARROWS = {1: "▲", -1: "▼", 0: "■"}


@dataclass(frozen=True, kw_only=True)
class Summary(Block):
    """What a manager should know in ten seconds."""

    headline: str
    figures: tuple[KeyFigure, ...]
    findings: tuple[Finding, ...]
    targets: dict[str, float]
    quality_level: str
    quality: str
    as_of: str
    chart: Figure | None = None

    def json(self) -> Json:
        """The summary as plain data, in the reader's words."""
        return {
            "kind": "summary",
            "as_of": self.as_of,
            "headline": self.headline,
            "chart": self.chart.json() if self.chart else None,
            "figures": [_shown(key, self.targets.get(key.name)) for key in self.figures],
            "findings_title": text.say("What we found"),
            "findings": [finding.words for finding in self.findings],
            "actions_title": text.say("What to do"),
            "actions": list(dict.fromkeys(f.action for f in self.findings if f.action)),
            "quality": {"level": self.quality_level, "words": self.quality},
        }

    def __str__(self) -> str:
        return "\n".join([self.headline, *(f"- {finding.words}" for finding in self.findings)])


def summary(
    *results: Result, book: Book, as_of: periods.Day, chart: Figure | Notice | None = None
) -> Summary:
    """The summary of a notebook, from the results it shows.

    The headline is that of the first result that is not empty. Up to five key figures and three
    findings are taken from the results in turn, each result's best first, so that no result fills
    the page alone; the findings then stand in order of their weight, each with its action.

    Parameters: `results`, the most important first; `book`, for targets and the state of the data;
    `as_of`, the day of the report; `chart`, the one that shows the headline.
    """
    told = [result for result in results if not result.empty]
    health = book.check(as_of=as_of)
    findings = _findings(told)
    return Summary(
        headline=(told or list(results))[0].headline if results else text.say("Nothing to report."),
        figures=_figures(told),
        findings=findings,
        targets=dict(book.targets),
        quality_level=health.level,
        quality=health.words,
        as_of=periods.day(as_of).isoformat(),
        chart=chart if isinstance(chart, Figure) else None,
    )


def _in_turn(several: Iterable[Sequence[Item]]) -> list[Item]:
    """The first of each, then the second of each, and so on."""
    return [item for rank in zip_longest(*several) for item in rank if item is not None]


def _figures(results: Sequence[Result]) -> tuple[KeyFigure, ...]:
    """Key figures in turn, each name once: the one that knows its value before, if any does."""
    chosen: dict[str, KeyFigure] = {}
    for figure in _in_turn([result.key_figures() for result in results]):
        if figure.name not in chosen or chosen[figure.name].previous is None:
            chosen[figure.name] = figure
    return tuple(chosen.values())[:_FIGURES]


def _findings(results: Sequence[Result]) -> tuple[Finding, ...]:
    """Findings in turn, each said once, those of most weight on top."""
    ranked = [sorted(result.findings(), key=_heaviest) for result in results]
    chosen = {finding.words: finding for finding in _in_turn(ranked)}
    return tuple(sorted(list(chosen.values())[:_FINDINGS], key=_heaviest))


def _heaviest(finding: Finding) -> float:
    return -finding.weight


def _shown(key: KeyFigure, target: float | None) -> Json:
    return {
        "name": key.name,
        "label": key.label,
        "value": _words(key.value, key.kind),
        "raw": key.value,
        "interval": _interval(key),
        "spark": _spark([*key.history]),
        "target": _against(key, target),
        **_change(key),
    }


def _unknown(value: float | None) -> bool:
    return value is None or math.isnan(value)


def _words(value: float | None, kind: str) -> str:
    if value is None or math.isnan(value):
        return "–"
    if kind == "rate":
        return text.percent(value)
    if kind == "money":
        return text.money(value, short=True)
    if kind == "count":
        return text.number(value) if abs(value) < 1_000_000 else text.compact(value)
    return text.number(value, 1)


def _interval(key: KeyFigure) -> str:
    if key.kind == "rate" or _unknown(key.low) or _unknown(key.high):
        return text.span(key.low, key.high)
    return f"{_words(key.low, key.kind)}–{_words(key.high, key.kind)}"


def _change(key: KeyFigure) -> Json:
    """The change on the period before in words, its arrow, and whether it is good news."""
    now, before = key.value, key.previous
    if now is None or before is None or _unknown(now) or _unknown(before):
        return {"change": "", "arrow": "", "verdict": "same"}
    difference = now - before
    words = text.points(difference) if key.kind == "rate" else _relative(difference, before)
    sign = (difference > 0) - (difference < 0)
    if not any(digit in words for digit in "123456789"):
        sign = 0  # too small to be seen in the figures shown
    verdict = "same" if sign == 0 or key.better == "neither" else "good"
    if verdict == "good" and (sign > 0) != (key.better == "up"):
        verdict = "bad"
    return {
        "change": text.say("{change} on {before}", change=words, before=_words(before, key.kind)),
        "arrow": _ARROWS[sign],
        "verdict": verdict,
    }


def _relative(difference: float, before: float) -> str:
    return text.change(difference / abs(before)) if before else text.number(difference)


def _against(key: KeyFigure, target: float | None) -> str:
    if target is None or key.value is None or _unknown(key.value):
        return ""
    reached = key.value <= target if key.better == "down" else key.value >= target
    words = _words(target, key.kind)
    if reached:
        return text.say("Target {target}: reached", target=words)
    return text.say("Target {target}: missed", target=words)


def _spark(values: Sequence[float]) -> str:
    """The points of a sparkline in a box of 96 by 24."""
    known = [value for value in values if not _unknown(value)]
    if len(known) < 3:
        return ""
    low, high = min(known), max(known)
    reach = (high - low) or 1.0
    step = 92 / (len(known) - 1)
    return " ".join(
        f"{2 + place * step:.1f},{22 - 20 * (value - low) / reach:.1f}"
        for place, value in enumerate(known)
    )
