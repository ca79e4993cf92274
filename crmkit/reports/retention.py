"""How long the site keeps old reports: so many periods of each notebook, the last good one always.

Reports are linked from mails, bookmarks and the reports after them. Where one is no longer kept, a
short page stays at its address and says so.
"""

import shutil
from html import escape
from pathlib import Path

from crmkit import text
from crmkit.reports.manifest import Manifest
from crmkit.reports.shelf import Shelf, recency
from crmkit.reports.term import term_kind, term_words

__all__ = ["expired", "forget"]

_PAGE = """<!doctype html>
<html lang="{lang}">
<head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><title>{title}</title></head>
<body><h1>{title}</h1><p>{words}</p><p><a href="../../../index.{language}.html">{all}</a></p></body>
</html>
"""


def expired(shelf: Shelf, keep: int) -> tuple[Manifest, ...]:
    """The reports and attempts older than the latest `keep` periods of their notebook.

    Days, weeks, months, quarters and years are counted apart, and each language for itself, so the
    last good report of each is never among them.

    Parameters: `keep`, at least 1; 0 keeps all.
    """
    if not keep:
        return ()
    return tuple(
        manifest
        for manifests in (shelf.reports, shelf.attempts)
        for manifest in manifests
        if _oldest_kept(manifest, shelf, keep) > recency(manifest)
    )


def _oldest_kept(manifest: Manifest, shelf: Shelf, keep: int) -> tuple[str, str]:
    alike = sorted(recency(each) for each in shelf.reports if _kind(each) == _kind(manifest))
    return alike[-keep] if len(alike) >= keep else ("", "")


def _kind(manifest: Manifest) -> tuple[str, str, str]:
    return manifest.slug, manifest.language, term_kind(manifest.period)


def forget(manifest: Manifest, site: Path) -> None:
    """Take a report out of a site in the making, and leave a page that says so.

    Parameters: `manifest`, of the report or attempt; `site`, the build's folder, whose files may be
    shared with the published one and so are removed, never written into.
    """
    folder = site / manifest.place
    if not manifest.done:
        shutil.rmtree(folder / "attempt", ignore_errors=True)
        if folder.exists() and not any(folder.iterdir()):
            folder.rmdir()
        return
    shutil.rmtree(folder)
    folder.mkdir()
    (folder / "report.html").write_text(_farewell(manifest), encoding="utf-8")


def _farewell(manifest: Manifest) -> str:
    with text.reading(language=manifest.language):
        title = f"{manifest.digest.title or manifest.slug} · {term_words(manifest.period)}"
        return _PAGE.format(
            lang="zh-CN" if manifest.language == "zh" else manifest.language,
            language=manifest.language,
            title=escape(title),
            words=escape(text.say("This report is no longer kept.")),
            all=escape(text.say("All reports")),
        )
