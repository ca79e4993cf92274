"""An executed notebook put in the order of a report: summary first, method and origin last."""

import base64
import datetime as dt
import hashlib
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

import mistune
from nbconvert.preprocessors import Preprocessor
from nbformat import NotebookNode

from crmkit import places, text
from crmkit.blocks import MIME

__all__ = ["Shape", "shape"]

_MARKDOWN = mistune.create_markdown(escape=True, plugins=["table"])
_HIDDEN = {"parameters", "injected-parameters"}


def shape(notebook: NotebookNode, *, links: tuple[tuple[str, str], ...] = ()) -> NotebookNode:
    """A copy of the notebook with its cells in reading order and `metadata.crmkit` for the page.

    Parameters: `links`, pairs of (words, address) shown under the title.
    Returns: a notebook whose metadata.crmkit has language, title, lede, facts, links, contents,
    errors, summary, provenance and parameters; each heading cell has metadata.crmkit.id.
    """
    page = deepcopy(notebook)
    cells = [cell for cell in page.cells if not _HIDDEN & set(_tags(cell))]
    language = _language(cells)
    title, lede, cells = _titled(cells)
    for cell in cells:
        _unstyled(cell)
    summary, summary_html = _taken(cells, "summary")
    with text.reading(language=language):
        page.metadata["crmkit"] = {
            "language": language,
            "lang": {"zh": "zh-CN"}.get(language, language),
            "title": title,
            "lede": html_of(lede),
            "lede_markdown": lede,
            "links": [list(link) for link in links],
            "errors": [_error(output) for cell in cells for output in _errors(cell)],
            "parameters": _parameters(notebook),
            "provenance": _taken(cells, "provenance")[0],
            "summary": summary,
            "summary_html": summary_html,
            "words": _page_words(),
            **_guard(),
        }
        page.metadata["crmkit"]["facts"] = _facts(page.metadata["crmkit"])
        page.metadata["crmkit"]["contents"] = list(_contents(cells))
    page.cells = cells
    return page


class Shape(Preprocessor):
    """`shape` for nbconvert, so that its own command line makes the same page from our template."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Shape the notebook unless that was done already."""
        return (nb if "crmkit" in nb.metadata else shape(nb)), resources


def _tags(cell: NotebookNode) -> list[str]:
    return list(cell.metadata.get("tags", []))


def blocks(cell: NotebookNode) -> Iterator[dict[str, Any]]:
    """The blocks that a code cell shows."""
    for output in cell.get("outputs", []):
        yield from output.get("data", {}).get(MIME, {}).get("blocks", [])


def _language(cells: list[NotebookNode]) -> str:
    for cell in cells:
        for output in cell.get("outputs", []):
            found = output.get("data", {}).get(MIME, {}).get("language")
            if found in text.LANGUAGES:
                return str(found)
    return "en"


def _titled(cells: list[NotebookNode]) -> tuple[str, str, list[NotebookNode]]:
    """The title and the words under it, from the first cell."""
    if not cells or cells[0].cell_type != "markdown":
        return "", "", cells
    first, _, rest = cells[0].source.strip().partition("\n")
    return first.lstrip("# ").strip(), rest.strip(), cells[1:]


def _errors(cell: NotebookNode) -> list[NotebookNode]:
    return [o for o in cell.get("outputs", []) if o.output_type == "error"]


def _error(output: NotebookNode) -> dict[str, str]:
    return {"name": output.ename, "words": output.evalue}


def _unstyled(cell: NotebookNode) -> None:
    """Drop what is not for the page: our rules for JupyterLab, and what libraries warn of."""
    if "outputs" in cell:
        cell.outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    for output in cell.get("outputs", []):
        data = output.get("data", {})
        if MIME in data:
            data["text/html"] = data["text/html"].split("</style>", 1)[-1].strip()


def _taken(cells: list[NotebookNode], kind: str) -> tuple[dict[str, Any] | None, str]:
    """The block of a kind and its HTML, taken out of the cell that shows it."""
    found, page = None, ""
    for cell in cells:
        for output in cell.get("outputs", []):
            shown = output.get("data", {}).get(MIME)
            if shown and any(block["kind"] == kind for block in shown["blocks"]):
                found = next(block for block in shown["blocks"] if block["kind"] == kind)
                page = output["data"]["text/html"]
                output["data"] = {}
        if "outputs" in cell:
            cell.outputs = [o for o in cell.outputs if o.get("data") != {}]
    return found, page


def _parameters(notebook: NotebookNode) -> list[list[str]]:
    """The parameters the notebook ran with; folders of the machine are no part of a report."""
    used = notebook.metadata.get("papermill", {}).get("parameters", {})
    return [[name, str(value)] for name, value in sorted(used.items()) if name != "actions"]


def _facts(page: dict[str, Any]) -> list[str]:
    """The line under the title: the day of the report and the firm."""
    facts = []
    if page["summary"]:
        day = text.day(dt.date.fromisoformat(page["summary"]["as_of"]))
        facts.append(text.say("As of {day}", day=day))
    if page["provenance"]:
        facts.append(str(page["provenance"]["items"][0][1]))
    return facts


def _contents(cells: list[NotebookNode]) -> Iterator[dict[str, str]]:
    """Give every section an ASCII id and list it."""
    place = 0
    for cell in cells:
        if cell.cell_type != "markdown":
            continue
        first, _, rest = cell.source.strip().partition("\n")
        if first.startswith("## "):
            place += 1
            words = first.lstrip("# ").strip()
            cell.metadata["crmkit"] = {
                "id": f"s{place}",
                "heading": words,
                "html": html_of(rest),
                "markdown": rest,
            }
            yield {"id": f"s{place}", "words": words}
        else:
            cell.metadata["crmkit"] = {"html": html_of(cell.source), "markdown": cell.source}


def html_of(markdown: str) -> str:
    """Markdown as HTML; raw HTML in it is shown as it is written, never run."""
    return str(_MARKDOWN(markdown)) if markdown.strip() else ""


def _page_words() -> dict[str, str]:
    return {
        "contents": text.say("Contents"),
        "code": text.say("Code"),
        "failed": text.say("This report is not complete"),
        "parameters": text.say("Parameters"),
        "skip": text.say("Skip to the content"),
    }


def _guard() -> dict[str, str]:
    """Style and script of the page, and the content security policy that allows only these."""
    folder = places.templates() / "report"
    style = (folder / "page.css").read_text(encoding="utf-8").strip()
    script = (folder / "page.js").read_text(encoding="utf-8").strip()
    policy = (
        f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; "
        "img-src data:; base-uri 'none'; form-action 'none'"
    )
    return {"style": style, "script": script, "policy": policy}


def _hash(words: str) -> str:
    digest = hashlib.sha256(words.encode()).digest()
    return f"sha256-{base64.b64encode(digest).decode()}"
