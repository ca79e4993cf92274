"""A notebook in the order of a report, and its page: safe, self-contained, complete."""

import json
import re
from html.parser import HTMLParser
from pathlib import Path

import nbformat.v4 as nf
import pytest

from crmkit import text
from crmkit.blocks import Definition, Document, Notice, Sentence
from crmkit.provenance import Provenance
from crmkit.reports import render
from crmkit.reports.shape import shape
from crmkit.result import KeyFigure
from crmkit.summary import Summary

HOSTILE = '<script>alert(1)</script>"\'&<img src=x onerror=alert(1)> #panic("x") $1$ \u202e'


def _cell(*blocks, tags=(), source="x = 1"):
    outputs = [
        nf.new_output("execute_result", data=Document((b,))._repr_mimebundle_(), execution_count=1)
        for b in blocks
    ]
    return nf.new_code_cell(source, metadata={"tags": list(tags)}, outputs=outputs)


def _summary(words: str = "Repeat purchases fell.") -> Summary:
    return Summary(
        headline=words,
        figures=(KeyFigure(name="rate", label=words, value=0.3, kind="rate"),),
        findings=(),
        targets={},
        quality_level="good",
        quality="ok",
        as_of="2011-12-09",
    )


def _notebook(words: str = "A sentence."):
    origin = Provenance(
        book=words, fingerprint="abc", rows={"orders": 1}, versions={"crmkit": "0"}, commit=""
    )
    notebook = nf.new_notebook(
        cells=[
            nf.new_markdown_cell("# Title\n\nFor whom."),
            nf.new_code_cell("as_of = 'x'", metadata={"tags": ["parameters"]}),
            nf.new_code_cell("as_of = 'y'", metadata={"tags": ["injected-parameters"]}),
            nf.new_markdown_cell("## 第一节\n\nWhy it **matters**."),
            _cell(Sentence(words), Definition(((words, words),)), Notice(words)),
            nf.new_markdown_cell("## Second"),
            _cell(origin),
            _cell(_summary(words), tags=["summary"]),
        ]
    )
    notebook.metadata["papermill"] = {"parameters": {"as_of": words, "actions": "/somewhere"}}
    return notebook


class _Outline(HTMLParser):
    """Tags with their attributes, in order."""

    def __init__(self, page: str):
        super().__init__()
        self.tags: list[tuple[str, dict]] = []
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))


def test_summary_first_origin_last_parameters_gone():
    page = render.html(_notebook())
    places = [page.index(w) for w in ('"ck-headline">', "<main", "<footer")]
    assert places == sorted(places)
    assert "as_of = " not in page
    assert "/somewhere" not in page
    assert "as_of=A sentence." in page


def test_headings_get_ascii_ids_and_are_listed():
    about = shape(_notebook()).metadata["crmkit"]
    assert about["contents"] == [{"id": "s1", "words": "第一节"}, {"id": "s2", "words": "Second"}]
    assert '<a href="#s1">第一节</a>' in render.html(_notebook())


def test_shaping_leaves_the_notebook_as_it_was():
    notebook = _notebook()
    before = json.dumps(notebook)
    shape(notebook)
    assert json.dumps(notebook) == before


def test_the_page_asks_nothing_of_anyone():
    outline = _Outline(render.html(_notebook())).tags
    policy = next(a["content"] for t, a in outline if a.get("http-equiv"))
    assert policy.startswith("default-src 'none'; style-src 'sha256-")
    assert "unsafe" not in policy
    assert not [a for _, a in outline if "style" in a]
    assert not [a for t, a in outline if a.get("src") or (t == "link" and a.get("href"))]
    assert sum(t == "script" for t, _ in outline) == 1
    assert all(not name.startswith("on") for _, a in outline for name in a)


def test_hostile_words_stay_words():
    page = render.html(_notebook(HOSTILE))
    assert "<script>alert" not in page
    assert "<img" not in page
    assert page.count("<script>") == 1


def test_the_script_is_small():
    from crmkit import places

    assert len((places.templates() / "report" / "page.js").read_bytes()) < 1024


def test_identical_notebooks_give_identical_bytes():
    assert render.html(_notebook()) == render.html(_notebook())
    assert render.pdf(_notebook()) == render.pdf(_notebook())


def test_the_pdf_says_what_the_page_says():
    pdfium = pytest.importorskip("pypdfium2")
    document = pdfium.PdfDocument(render.pdf(_notebook(HOSTILE)))
    words = "".join(page.get_textpage().get_text_bounded() for page in document)
    for expected in ("Title", "第一节", "Second", "Contents", "alert(1)", "#panic"):
        assert expected in words
    assert re.search(r"1 / \d", words)


def test_an_error_is_at_the_top_in_both():
    notebook = _notebook()
    failed = nf.new_output("error", ename="BookError", evalue="no <orders>", traceback=["tb"])
    notebook.cells[4].outputs = [failed]
    page = render.html(notebook)
    assert page.index("no &lt;orders&gt;") < page.index("<main")
    assert render.pdf(notebook)


def test_outputs_that_are_no_blocks_are_shown_too():
    notebook = _notebook()
    notebook.cells[4].outputs = [
        nf.new_output("stream", text="printed <here>"),
        nf.new_output("display_data", data={"text/plain": "plain <x>"}),
    ]
    page = render.html(notebook)
    assert "printed &lt;here&gt;" in page
    assert "plain &lt;x&gt;" in page
    assert render.pdf(notebook)


def test_the_language_is_that_of_the_results():
    text.set_reader(language="zh", currency="CNY")
    notebook = _notebook()
    text.set_reader()
    page = render.html(notebook)
    assert '<html lang="zh-CN">' in page
    assert "目录" in page


def test_nbconvert_makes_the_same_page_from_our_template(tmp_path: Path):
    """`jupyter nbconvert --to html --template report` needs nothing of our runner."""
    from nbconvert import HTMLExporter

    from crmkit import places

    exporter = HTMLExporter(
        template_name="report", extra_template_basedirs=[str(places.templates())]
    )
    page, _ = exporter.from_notebook_node(_notebook())
    for tag in ("<main", "ck-headline", "<footer", 'id="s1"'):
        assert tag in page


def test_without_typst_a_browser_or_weasyprint_makes_no_pdf(monkeypatch, caplog):
    monkeypatch.setattr(render, "find_spec", lambda name: None)
    monkeypatch.setattr(render.shutil, "which", lambda name: None)
    assert render.pdf(_notebook()) is None
    assert "install 'typst'" in caplog.text
