"""Where a reader can go from a report."""

from pathlib import Path

from crmkit import text
from crmkit.reports.manifest import Link, Manifest
from crmkit.reports.pages import action_lists
from crmkit.reports.shelf import Shelf

__all__ = ["links"]


def links(manifest: Manifest, output: Path, told: list[Manifest], shelf: Shelf) -> tuple[Link, ...]:
    """Where a reader can go from this report.

    Parameters: `manifest`, of the report; `output`, the folder with what its notebook wrote;
    `told`, all reports of this run; `shelf`, what is published already.
    """
    with text.reading(language=manifest.language):
        found = [Link(kind="index", label=text.say("All reports"), href=_index(manifest))]
        if "pdf" in manifest.formats:
            found.append(Link(kind="pdf", label=text.say("PDF"), href="report.pdf"))
        found += [
            Link(kind="actions", label=Path(name).name, href=name) for name in action_lists(output)
        ]
        label = text.say("Executed notebook")
        found.append(Link(kind="notebook", label=label, href="notebook.ipynb"))
        found += _other_languages(manifest, [*told, *shelf.reports])
        before = shelf.before(manifest)
        if before is not None:
            href = f"../../{before.period}/{before.language}/report.html"
            found.append(Link(kind="previous", label=text.say("Previous report"), href=href))
    return tuple(found)


def _index(manifest: Manifest) -> str:
    return f"../../../index.{manifest.language}.html"


def _other_languages(manifest: Manifest, known: list[Manifest]) -> list[Link]:
    spoken = {
        each.language
        for each in known
        if each.done and (each.slug, each.period) == (manifest.slug, manifest.period)
    }
    return [
        Link(kind="language", label=text.LANGUAGES[other], href=f"../{other}/report.html")
        for other in sorted(spoken - {manifest.language})
    ]
