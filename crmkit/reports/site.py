"""The first page of the site: the latest report of each notebook, and all earlier ones."""

import base64
import datetime as dt
import hashlib
import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import jinja2

from crmkit import periods, places, text
from crmkit.errors import ReportError
from crmkit.reports.manifest import NAME, Figure, Manifest, read_manifest
from crmkit.reports.term import term_words
from crmkit.settings import BookSettings

__all__ = ["Shelf", "index_pages", "read_shelf"]

_LOG = logging.getLogger(__name__)
_SHOWN_FIGURES = 3


@dataclass(frozen=True)
class Shelf:
    """What a site has: its reports, and the attempts since that gave none."""

    reports: tuple[Manifest, ...] = ()
    attempts: tuple[Manifest, ...] = ()

    def before(self, manifest: Manifest) -> Manifest | None:
        """The report of the same notebook and language for the latest earlier day."""
        earlier = [
            each
            for each in self.reports
            if (each.slug, each.language) == (manifest.slug, manifest.language)
            and each.as_of < manifest.as_of
        ]
        return max(earlier, key=_recency) if earlier else None


def _recency(manifest: Manifest) -> tuple[str, str]:
    return manifest.as_of, manifest.period


def read_shelf(site: Path) -> Shelf:
    """What a site, published or in the making, has.

    A manifest that cannot be read is passed over with a warning: one odd folder must not keep new
    reports from being published.
    """
    found = sorted(site.glob(f"*/*/*/{NAME}"))
    tried = sorted(site.glob(f"*/*/*/attempt/{NAME}"))
    return Shelf(tuple(_readable(found)), tuple(_readable(tried)))


def _readable(paths: Iterable[Path]) -> Iterator[Manifest]:
    for path in paths:
        try:
            yield read_manifest(path.parent)
        except ReportError as error:
            _LOG.warning("%s", error)


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


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """An attempt that gave no report, in words."""

    words: str
    why: str
    level: str
    where: str


@dataclass(frozen=True, kw_only=True)
class Card:
    """The reports of one notebook: the latest, what went wrong since, all by period."""

    slug: str
    title: str
    latest: Entry | None
    others: tuple[Entry, ...]
    ran: str
    troubles: tuple[Trouble, ...]
    history: tuple[tuple[str, tuple[Entry, ...]], ...]


def index_pages(shelf: Shelf, book: BookSettings) -> dict[str, str]:
    """The first page in each language; `index.html` is the one in the book's language.

    Parameters: `shelf`, what the site has; `book`, its name, language and timezone.
    Returns: pages by file name.
    """
    pages = {f"index.{language}.html": _page(shelf, book, language) for language in text.LANGUAGES}
    return {"index.html": pages[f"index.{book.language}.html"], **pages}


def _page(shelf: Shelf, book: BookSettings, language: str) -> str:
    with text.reading(language=language):
        environment = _environment()
        style = (places.templates() / "site" / "index.css").read_text(encoding="utf-8")
        return environment.get_template("index.html.j2").render(
            book=book.name,
            cards=_cards(shelf, language, book.timezone),
            language=language,
            lang="zh-CN" if language == "zh" else language,
            languages=text.LANGUAGES,
            style=style,
            style_hash=_csp_hash(style),
            label=_labels(),
        )


def _labels() -> dict[str, str]:
    """The words of the page itself."""
    return {
        "reports": text.say("Reports"),
        "open": text.say("Open the report"),
        "pdf": text.say("PDF"),
        "notebook": text.say("Executed notebook"),
        "actions": text.say("Action lists"),
        "history": text.say("All periods"),
        "period": text.say("Period"),
        "finding": text.say("Finding"),
        "files": text.say("Files"),
        "as_of": text.say("Data to"),
        "ran": text.say("Run on"),
        "none": text.say("No report has been published yet."),
        "nothing": text.say("This report has not been published yet."),
        "kept": text.say("Shown is the last good report."),
        "log": text.say("What happened"),
        "doubt": text.say("Data to be checked"),
        "language": text.say("Language"),
        "skip": text.say("Skip to the reports"),
    }


@cache
def _environment() -> jinja2.Environment:
    return jinja2.Environment(
        loader=jinja2.FileSystemLoader(places.templates() / "site"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )


def _csp_hash(style: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()


def _cards(shelf: Shelf, language: str, timezone: str) -> list[Card]:
    every = (*shelf.reports, *shelf.attempts)
    slugs = dict.fromkeys(
        each.slug for each in sorted(every, key=lambda each: Path(each.notebook).name)
    )
    return [_card(slug, shelf, language, timezone) for slug in slugs]


def _card(slug: str, shelf: Shelf, language: str, timezone: str) -> Card:
    reports = [each for each in shelf.reports if each.slug == slug]
    attempts = [each for each in shelf.attempts if each.slug == slug]
    history = _history(reports, language)
    newest = history[0][1] if history else ()
    latest = newest[0] if newest else None
    told = latest.manifest if latest else next(iter(_preferred(attempts, language)))
    return Card(
        slug=slug,
        title=told.digest.title or slug.replace("_", " ").capitalize(),
        latest=latest,
        others=newest[1:],
        ran=_moment(told.ran_at, timezone),
        troubles=_troubles(attempts, language),
        history=history,
    )


def _preferred(manifests: Iterable[Manifest], language: str) -> list[Manifest]:
    """Those in the reader's language first."""
    return sorted(manifests, key=lambda each: (each.language != language, each.language))


def _history(reports: list[Manifest], language: str) -> tuple[tuple[str, tuple[Entry, ...]], ...]:
    """The entries of each period, the latest period first, the reader's language first."""
    terms = dict.fromkeys(each.period for each in sorted(reports, key=_recency, reverse=True))
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
        "killed": text.say("The run for {period} was cut off.", period=when),
    }.get(manifest.status, text.say("The run for {period} failed.", period=when))
    named = manifest.error_name and manifest.status == "failed"
    return Trouble(
        words=words,
        why=f"{manifest.error_name}: {manifest.error}" if named else manifest.error,
        level="note" if manifest.status == "skipped" else "error",
        where=f"{manifest.place.as_posix()}/attempt/",
    )


def _moment(instant: str, timezone: str) -> str:
    """When it ran, in the book's timezone."""
    local = dt.datetime.fromisoformat(instant).astimezone(periods.zone(timezone))
    return f"{text.day(local.date())} {local:%H:%M}"
