"""An executed notebook becomes the pages of a report."""

from pathlib import Path
from typing import Protocol

from nbformat import NotebookNode

from crmkit import text
from crmkit.actions import LIST
from crmkit.errors import ParameterError
from crmkit.reports.ipynb import read_notebook
from crmkit.reports.manifest import NAME, Link

__all__ = ["FORMATS", "Renderer", "action_lists", "checked_formats", "default_renderer", "pages"]

FORMATS = ("html", "pdf")


class Renderer(Protocol):
    """What makes pages: `crmkit.reports.render`, or another in tests."""

    def html(self, notebook: NotebookNode, *, links: tuple[tuple[str, str], ...]) -> str:
        """The page for a browser."""

    def pdf(self, notebook: NotebookNode) -> bytes | None:
        """The pages for paper; None where nothing here can make them."""


def default_renderer() -> Renderer:
    """Our own templates."""
    from crmkit.reports import render  # noqa: PLC0415 (brings nbconvert)

    return render


def checked_formats(formats: tuple[str, ...]) -> tuple[str, ...]:
    """The formats in their usual order; HTML is always made, for the index to lead to.

    Raises: ParameterError for one that is not known.
    """
    for name in formats:
        if name not in FORMATS:
            raise ParameterError(f"There is no format {name!r}. There are: {', '.join(FORMATS)}.")
    return tuple(name for name in FORMATS if name == "html" or name in formats)


def pages(
    executed: Path,
    *,
    formats: tuple[str, ...],
    links: tuple[Link, ...],
    language: str,
    currency: str,
    renderer: Renderer,
) -> dict[str, bytes]:
    """The pages of a report, by format; one that cannot be made here is left out."""
    notebook = read_notebook(executed)
    made: dict[str, bytes] = {}
    with text.reading(language=language, currency=currency):
        pdf = renderer.pdf(notebook) if "pdf" in formats else None
        if pdf is None:
            links = tuple(link for link in links if link.kind != "pdf")
        if "html" in formats:
            pairs = tuple((link.label, link.href) for link in links)
            made["html"] = renderer.html(notebook, links=pairs).encode()
        if pdf is not None:
            made["pdf"] = pdf
    return made


def action_lists(folder: Path) -> tuple[str, ...]:
    """The files a notebook wrote beside its report, relative to the report's folder."""
    ours = {"notebook.ipynb", "report.html", "report.pdf", NAME}
    found = (path.relative_to(folder) for path in sorted(folder.rglob("*")) if path.is_file())
    return tuple(
        path.as_posix()
        for path in found
        if path.as_posix() not in ours and path.parts[0] != "attempt" and path.suffix != LIST
    )
