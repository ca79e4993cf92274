"""One executed notebook as a web page and as a PDF."""

import base64
import json
import logging
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import mistune
from nbconvert.exporters import TemplateExporter
from nbformat import NotebookNode

from crmkit import places, text
from crmkit.blocks import MIME
from crmkit.errors import ReportError
from crmkit.reports.shape import shape

__all__ = ["html", "pdf"]

_LOG = logging.getLogger(__name__)
_TREE = mistune.create_markdown(renderer=None, plugins=["table"])
_BROWSERS = ("chromium", "chromium-browser", "google-chrome", "chrome")
Links = tuple[tuple[str, str], ...]


def html(notebook: NotebookNode, *, links: Links = ()) -> str:
    """The notebook as one self-contained page, made by our nbconvert template.

    Parameters: `notebook`, executed; `links`, pairs of (words, address) shown under the title.
    Returns: the page. Identical notebooks give identical pages.
    """
    exporter = TemplateExporter(  # type: ignore[no-untyped-call]
        template_name="report",
        extra_template_basedirs=[str(places.templates())],
        template_extension=".html.j2",
        template_file="index.html.j2",
    )
    page, _ = exporter.from_notebook_node(shape(notebook, links=links))
    return "\n".join(line.rstrip() for line in page.splitlines() if line.strip()) + "\n"


def pdf(notebook: NotebookNode) -> bytes | None:
    """The notebook as a PDF: by Typst, else WeasyPrint, else a Chromium on the machine.

    Returns: the file's bytes, identical for identical notebooks where Typst made it; None, with a
    warning in the log, where nothing on this machine can make a PDF.
    """
    if find_spec("typst"):
        return _by_typst(notebook)
    if find_spec("weasyprint"):
        import weasyprint  # noqa: PLC0415

        return bytes(weasyprint.HTML(string=html(notebook)).write_pdf())
    for browser in filter(None, map(shutil.which, _BROWSERS)):
        return _by_browser(html(notebook), browser)
    _LOG.warning("No PDF was made: install 'typst' or 'weasyprint', or put Chromium on the PATH.")
    return None


def _by_browser(page: str, browser: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "report.html"), Path(folder, "report.pdf")
        source.write_text(page, encoding="utf-8")
        command = [browser, "--headless", "--disable-gpu", "--no-pdf-header-footer"]
        command += [f"--user-data-dir={folder}/profile", f"--print-to-pdf={target}"]
        done = subprocess.run([*command, source.as_uri()], capture_output=True, check=False)
        if not target.exists():
            raise ReportError(f"{Path(browser).name} made no PDF: {done.stderr.decode()[-500:]}")
        return target.read_bytes()


def _by_typst(notebook: NotebookNode) -> bytes:
    import typst  # noqa: PLC0415

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data = _data(shape(notebook), folder)
        (folder / "report.json").write_text(json.dumps(data, ensure_ascii=False), encoding="utf-8")
        shutil.copy(places.templates() / "print" / "report.typ", folder)
        try:
            made = typst.compile(
                str(folder / "report.typ"),
                root=str(folder),
                font_paths=_font_folders(),
                ignore_system_fonts=True,
            )
        except RuntimeError as error:
            raise ReportError(f"Typst could not set the PDF: {error}") from error
        return bytes(made)


def _font_folders() -> list[str]:
    spec = find_spec("zhplot")
    return [str(Path(spec.origin).parent / "fonts")] if spec and spec.origin else []


def _data(page: NotebookNode, folder: Path) -> dict[str, Any]:
    """What report.typ sets: the shaped notebook as plain data, its pictures beside it."""
    about = page.metadata["crmkit"]
    with text.reading(language=about["language"]):
        words = {**about["words"], "partial": text.say("the period is not over yet")}
    lede = page.metadata["crmkit"]["lede_markdown"]
    return {
        "title": about["title"],
        "firm": about["provenance"]["items"][0][1] if about["provenance"] else "",
        "facts": about["facts"],
        "lang": about["lang"],
        "region": "CN" if about["language"] == "zh" else "GB",
        "fonts": ["Noto Sans SC", "Libertinus Serif"],
        "errors": about["errors"],
        "summary": about["summary"],
        "sections": about["contents"],
        "lede": _TREE(lede),
        "items": [item for cell in page.cells for item in _items(cell, folder)],
        "provenance": about["provenance"],
        "parameters": about["parameters"],
        "words": words,
    }


def _items(cell: NotebookNode, folder: Path) -> Iterator[dict[str, Any]]:
    if cell.cell_type == "markdown":
        own = cell.metadata["crmkit"]
        if "heading" in own:
            yield {"kind": "heading", "words": own["heading"]}
        yield {"kind": "markdown", "nodes": _TREE(own["markdown"])}
    for output in cell.get("outputs", []):
        yield from _shown(output, folder)


def _shown(output: NotebookNode, folder: Path) -> Iterator[dict[str, Any]]:
    data = output.get("data", {})
    if MIME in data:
        yield from data[MIME]["blocks"]
    elif "image/png" in data:
        path = folder / f"picture{len(list(folder.glob('picture*')))}.png"
        path.write_bytes(base64.b64decode(data["image/png"]))
        yield {"kind": "picture", "path": path.name}
    elif "text/plain" in data:
        yield {"kind": "plain", "words": data["text/plain"]}
    elif output.output_type == "stream":
        yield {"kind": "plain", "words": output.text}
