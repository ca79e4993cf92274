"""The first page of the site: the latest report of each notebook, earlier ones, and search."""

import base64
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

import jinja2

from crmkit import places, text
from crmkit.reports.cards import Card, Entry, cards, moment
from crmkit.reports.shelf import Shelf, recency
from crmkit.settings import BookSettings

__all__ = ["index_pages"]


@dataclass(frozen=True, kw_only=True)
class Hit:
    """Something that search can find: where it stands, and of what report it is."""

    words: str
    href: str
    report: str
    lang: str


def index_pages(shelf: Shelf, book: BookSettings) -> dict[str, str]:
    """The first page in each language; `index.html` is the one in the book's language.

    Parameters: `shelf`, what the site has; `book`, its name, language and timezone.
    Returns: pages by file name.
    """
    pages = {f"index.{language}.html": _page(shelf, book, language) for language in text.LANGUAGES}
    return {"index.html": pages[f"index.{book.language}.html"], **pages, **_latest(shelf)}


def _latest(shelf: Shelf) -> dict[str, str]:
    """For bookmarks: `<slug>/latest.<language>.html` leads to the latest report of a notebook."""
    found = {}
    for report in sorted(shelf.reports, key=recency):
        there = f"{report.period}/{report.language}/report.html"
        page = (
            _environment()
            .get_template("latest.html.j2")
            .render(
                there=there,
                title=report.digest.title or report.slug,
                lang="zh-CN" if report.language == "zh" else report.language,
            )
        )
        found[f"{report.slug}/latest.{report.language}.html"] = page
    return found


def _page(shelf: Shelf, book: BookSettings, language: str) -> str:
    with text.reading(language=language):
        folder = places.templates() / "site"
        style, script = (
            (folder / name).read_text(encoding="utf-8").strip()
            for name in ("index.css", "index.js")
        )
        shown = cards(shelf, language, book.timezone)
        return (
            _environment()
            .get_template("index.html.j2")
            .render(
                book=book.name,
                cards=shown,
                stale=[card for card in shown if card.stale],
                hits=list(_hits(shown)),
                made=_made(shelf, book.timezone),
                language=language,
                lang="zh-CN" if language == "zh" else language,
                languages=text.LANGUAGES,
                style=style,
                style_hash=_csp_hash(style),
                script=script,
                script_hash=_csp_hash(script),
                label=_labels(),
            )
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
        "stale_why": text.say("A newer run failed; the figures are those of the last good report."),
        "search": text.say("Search the reports"),
        "contents": text.say("What the reports tell"),
        "found": text.say("Found: {n}", n="{n}"),
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


def _csp_hash(words: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(words.encode()).digest()).decode()


def _made(shelf: Shelf, timezone: str) -> str:
    """When the latest run ran: a page that nobody makes anew shows its age."""
    ran = [each.ran_at for each in (*shelf.reports, *shelf.attempts)]
    return text.say("Page of {moment}", moment=moment(max(ran), timezone)) if ran else ""


def _hits(shown: Iterable[Card]) -> Iterator[Hit]:
    """All that the latest reports tell, and the finding of each earlier one; each said once."""
    for card in shown:
        if card.latest is None:
            continue
        yield from {hit.words: hit for hit in _topics(card.latest, card.title)}.values()
        for _, entries in card.history[1:]:
            entry = entries[0]
            if entry.manifest.digest.headline:
                yield _hit(entry, card.title, entry.manifest.digest.headline, "")


def _topics(entry: Entry, title: str) -> Iterator[Hit]:
    yield _hit(entry, title, title, "")
    for topic in entry.manifest.digest.topics:
        yield _hit(entry, title, topic.words, topic.section)


def _hit(entry: Entry, title: str, words: str, section: str) -> Hit:
    anchor = f"#{section}" if section else ""
    return Hit(
        words=words,
        href=f"{entry.where}report.html{anchor}",
        report=f"{title} · {entry.period}",
        lang=entry.lang,
    )
