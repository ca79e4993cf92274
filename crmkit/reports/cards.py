"""The reports of each notebook as the first page shows them."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from crmkit import periods, text
from crmkit.reports.digest import Figure
from crmkit.reports.manifest import Manifest
from crmkit.reports.shelf import Shelf, recency
from crmkit.reports.sparkline import Sparkline, same_kind, sparkline
from crmkit.reports.term import term_words

__all__ = ["Card", "Entry", "Trouble", "cards", "moment"]

_SHOWN_FIGURES = 3


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One report as the page shows it: its links lead into its folder."""

    manifest: Manifest
    where: str
    period: str
    as_of: str
    language: str
    lang: str
    pdf: bool
    figures: tuple[Figure, ...]
    actions: tuple[tuple[str, str], ...]

    def value(self, figure: Figure) -> str:
        """What this report says of a figure; nothing where it has none of the name."""
        found = (f.value for f in self.manifest.digest.figures if f.name == figure.name)
        return next(found, "") if figure.name else ""


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """An attempt that gave no report, in words."""

    words: str
    why: str
    level: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """The reports of one notebook: the latest, what went wrong since, all by period.

    `stale` says since when newer runs have failed; empty where none has.
    """

    slug: str
    title: str
    latest: Entry | None
    others: tuple[Entry, ...]
    ran: str
    stale: str
    troubles: tuple[Trouble, ...]
    lines: tuple[Sparkline | None, ...]
    history: tuple[tuple[str, tuple[Entry, ...]], ...]


def cards(shelf: Shelf, language: str, timezone: str) -> list[Card]:
    """A card for each notebook, in the order of the notebooks."""
    every = (*shelf.reports, *shelf.attempts)
    slugs = dict.fromkeys(
        each.slug for each in sorted(every, key=lambda each: Path(each.notebook).name)
    )
    return [_card(slug, shelf, language, timezone) for slug in slugs]


def moment(instant: str, timezone: str) -> str:
    """An instant in the book's timezone, in words."""
    local = dt.datetime.fromisoformat(instant).astimezone(periods.zone(timezone))
    return f"{text.day(local.date())} {local:%H:%M}"


def _card(slug: str, shelf: Shelf, language: str, timezone: str) -> Card:
    reports = [each for each in shelf.reports if each.slug == slug]
    attempts = [each for each in shelf.attempts if each.slug == slug]
    history = _history(reports, language)
    newest = history[0][1] if history else ()
    latest = newest[0] if newest else None
    newer = _since(attempts, latest)
    told = latest.manifest if latest else next(iter(_preferred(attempts, language)))
    return Card(
        slug=slug,
        title=told.digest.title or slug.replace("_", " ").capitalize(),
        latest=latest,
        others=newest[1:],
        ran=moment(told.ran_at, timezone),
        stale=_stale(newer, timezone) if latest else "",
        troubles=_troubles(newer, language),
        lines=_lines(latest, history) if latest else (),
        history=history,
    )


def _since(attempts: list[Manifest], latest: Entry | None) -> list[Manifest]:
    """The attempts at the latest report's day or a later one; what failed before it is history."""
    return [each for each in attempts if not latest or each.as_of >= latest.manifest.as_of]


def _stale(newer: list[Manifest], timezone: str) -> str:
    """The day when a report newer than the one shown first failed."""
    failed = [each.since or each.ran_at for each in newer if each.status != "skipped"]
    if not failed:
        return ""
    local = dt.datetime.fromisoformat(min(failed)).astimezone(periods.zone(timezone))
    return text.say("Stale since {day}", day=text.day(local.date()))


def _lines(
    latest: Entry, history: tuple[tuple[str, tuple[Entry, ...]], ...]
) -> tuple[Sparkline | None, ...]:
    """The figures of the latest report over its runs, each in the reader's language if it is."""
    runs = [entries[0].manifest for _, entries in reversed(history)]
    alike = same_kind(runs, latest.manifest)
    return tuple(sparkline(figure, alike) for figure in latest.figures)


def _preferred(manifests: Iterable[Manifest], language: str) -> list[Manifest]:
    """Those in the reader's language first."""
    return sorted(manifests, key=lambda each: (each.language != language, each.language))


def _history(reports: list[Manifest], language: str) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
    """The entries of each period, the latest period first, the reader's language first."""
    terms = dict.fromkeys(each.period for each in sorted(reports, key=recency, reverse=True))
    return tuple(
        (
            term_words(term),
            tuple(_entry(each) for each in _preferred(reports, language) if each.period == term),
        )
        for term in terms
    )


def _entry(manifest: Manifest) -> Entry:
    return Entry(
        manifest=manifest,
        where=f"{manifest.place.as_posix()}/",
        period=term_words(manifest.period),
        as_of=text.day(manifest.as_of),
        language=text.LANGUAGES[manifest.language],
        lang="zh-CN" if manifest.language == "zh" else manifest.language,
        figures=manifest.digest.figures[:_SHOWN_FIGURES],
        pdf="pdf" in manifest.formats,
        actions=tuple((link.label, link.href) for link in manifest.links if link.kind == "actions"),
    )


def _troubles(attempts: list[Manifest], language: str) -> tuple[Trouble, ...]:
    """What went wrong, the latest period first; the same in two languages is said once."""
    found: dict[tuple[str, str, str], Trouble] = {}
    for each in sorted(_preferred(attempts, language), key=lambda each: each.as_of, reverse=True):
        found.setdefault((each.period, each.status, each.error_name), _trouble(each))
    return tuple(found.values())


def _trouble(manifest: Manifest) -> Trouble:
    when = term_words(manifest.period)
    words = {
        "skipped": text.say("Left out for {period}.", period=when),
        "timed out": text.say("The run for {period} took too long and was ended.", period=when),
        "out of memory": text.say(
            "The run for {period} took too much memory and was ended.", period=when
        ),
        "killed": text.say("The run for {period} was cut off.", period=when),
    }.get(manifest.status, text.say("The run for {period} failed.", period=when))
    named = manifest.error_name and manifest.status == "failed"
    return Trouble(
        words=words,
        why=f"{manifest.error_name}: {manifest.error}" if named else manifest.error,
        level="note" if manifest.status == "skipped" else "error",
        where=f"{manifest.place.as_posix()}/attempt/",
    )
