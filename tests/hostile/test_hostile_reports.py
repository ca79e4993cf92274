"""Hostile words on their way through notebooks into pages, PDF, site, CSV and Excel."""

import csv
import json
import re
import xml.etree.ElementTree as ET
import zipfile
from pathlib import Path

import openpyxl
import pandas as pd
import pypdfium2
import pytest
from browser import BROWSER, visit
from corpus import CORPUS, core
from hostile_firm import write_firm
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from crmkit.errors import ParameterError
from crmkit.imports import import_tables
from crmkit.printable import printable
from crmkit.reports.ipynb import write_notebook
from crmkit.reports.report import Published, make_report
from crmkit.settings import read_settings

pytestmark = pytest.mark.notebook
PARAMETERS = """source = "crmkit.toml"  # the book
as_of = "2025-06-24"  # the last day that counts
timezone = ""  # of the book
language = "en"  # of the reader"""
EVERYTHING = """import crmkit as ck
from crmkit.blocks import Column, Definition, Document, Notice, Sentence, Table
from crmkit.draw import bars
book = ck.connect(source, timezone=timezone, language=language)
words = book.customers.order_by("customer_id").execute()
names = words.customer_id.tolist()
columns = (Column("customer_id", names[0]), Column("city", names[1]), Column("email", names[2]))
Document((Table("t", names[3], words, columns, note=names[4], limit=500),
          *map(Sentence, names), *map(Notice, names), Definition(tuple(zip(names, names)))))"""
PICTURES = """import pandas as pd
rows = pd.DataFrame(dict(name=names, value=range(len(names))))
[display(bars(rows[i : i + 16], label="name", value="value", name=f"b{i}", title=names[i],
      subtitle=names[i + 1], alt=" ".join(names[i : i + 16])))
 for i in range(0, len(names) - 1, 16)]
None"""
LISTED = """people = words.assign(name=words.customer_id)
listed = ck.ActionList("people", names[5], people, (*columns, Column("name", "=Name")))
_ = ck.write_actions(listed, "actions")
listed"""


@pytest.fixture(scope="module")
def firm(tmp_path_factory) -> Path:
    settings = write_firm(tmp_path_factory.mktemp("firm"))
    import_tables(read_settings(settings))
    return settings


@pytest.fixture(scope="module")
def everything(firm: Path) -> Published:
    """The site of a notebook that shows every input in every kind of block."""
    notebook = new_notebook(cells=[
        new_markdown_cell("# Everything"),
        new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
        *map(new_code_cell, (EVERYTHING, PICTURES, LISTED)),
    ])  # fmt: skip
    for place, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{place}"
    (firm.parent / "books").mkdir()
    write_notebook(notebook, firm.parent / "books" / "01_everything.ipynb")
    return make_report(firm, folder=firm.parent / "books", out=firm.parent / "out")


@pytest.fixture(scope="module")
def ours(firm: Path) -> Published:
    """The site of the project's own notebooks."""
    return make_report(firm, languages=["en"], out=firm.parent / "ours")


def _folder(published: Published) -> Path:
    (report,) = published.reports
    assert report.status == "done", report.error
    return next(published.site.glob("everything/*/en"))


def _spoken(words: str) -> str:
    return "".join(printable(core(words)).split())


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")
def test_a_browser_runs_nothing_and_asks_for_nothing(everything):
    seen = visit(_folder(everything) / "report.html")
    _is_quiet(seen)
    shown = _spoken(seen.page["text"])
    lost = [each for each in CORPUS if _spoken(each.words) not in shown]
    assert not lost


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")
@pytest.mark.parametrize("width", [1280, 390])
def test_our_reports_and_the_site_stay_whole(ours, width):
    assert not ours.failed, [(each.slug, each.error) for each in ours.failed]
    pages = [ours.index, *sorted(ours.site.glob("*/*/*/report.html"))]
    assert len(pages) > 3
    for page in pages:
        seen = visit(page, width)
        _is_quiet(seen)
        assert seen.page["overflow"] <= 0, page


@pytest.mark.skipif(BROWSER is None, reason="there is no Chromium here")
def test_search_shows_what_fits_and_hides_the_rest(ours):
    typing = """{const box = document.querySelector('input[type=search]');
    box.value = 'CUSTOMERS  bought'; box.dispatchEvent(new Event('input'))}"""
    seen = visit(ours.index, do=typing)
    _is_quiet(seen)
    shown = seen.page["words"].split("What the reports tell")[1].strip().splitlines()
    found = [line.lower() for line in shown if line.strip()]
    (told,) = re.findall(r"Found: (\d+)", seen.page["words"])
    assert len(found) - 1 == int(told) > 0  # the footer is the last line
    assert all("customers" in line and "bought" in line for line in found[:-1])


def _is_quiet(seen) -> None:
    assert (seen.dialogs, seen.console, seen.requests) == ([], [], [])
    assert "PWNED" not in seen.page["title"].split("document.title='PWNED'")[0]
    assert (seen.page["scripts"] <= 1, seen.page["frames"], seen.page["handlers"]) == (True, 0, 0)
    assert not [link for link in seen.page["links"] if re.match(r"(?i)\s*(\w+:|//)", link)]


def test_the_pdf_says_the_words_and_runs_none(everything):
    pdf = pypdfium2.PdfDocument(_folder(everything) / "report.pdf")
    words = "".join(page.get_textpage().get_text_range() for page in pdf)
    marks = {each.mark for each in CORPUS}
    assert {mark for mark in marks if mark in re.sub(r"\s|\u200b|\ufffe|\x02", "", words)} == marks
    assert "root:x:0:0" not in words
    content = (_folder(everything) / "report.pdf").read_bytes()
    for key in (b"/JavaScript", b"/Launch", b"/URI", b"/EmbeddedFile"):
        assert key not in content


def test_spreadsheets_hold_words_and_no_formulas(everything):
    folder = _folder(everything) / "actions"
    book = openpyxl.load_workbook(folder / "people.xlsx")
    cells = [cell for row in book.active.iter_rows() for cell in row if cell.value is not None]
    assert {cell.data_type for cell in cells} <= {"s", "n"}
    with zipfile.ZipFile(folder / "people.xlsx") as parts:
        for name in parts.namelist():
            tree = ET.fromstring(parts.read(name))
            assert not [e for e in tree.iter() if e.tag.rpartition("}")[2] == "f"], name
    csv.field_size_limit(2**24)
    with (folder / "people.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.reader(file))
    assert not [cell for row in rows for cell in row if cell[:1] in tuple("=+-@\t\r\n") and cell]
    stored = "".join("".join(row) for row in rows)
    assert not [each for each in CORPUS if each.mark not in stored]
    assert pd.read_excel(folder / "people.xlsx").shape[0] == len(rows) - 1


def test_what_is_kept_as_plain_data_is_whole(everything):
    folder = _folder(everything)
    for name in ("manifest.json", "notebook.ipynb"):
        json.loads((folder / name).read_text(encoding="utf-8"))
    assert (folder / "actions").stat().st_mode & 0o077 == 0 or all(
        path.stat().st_mode & 0o077 == 0 for path in (folder / "actions").iterdir()
    )


@pytest.mark.parametrize("value", [
    '2025-06-24"; import os; os.system("touch pwned"); "', "__import__('os')", "{{ 7 * 7 }}",
    "<script>alert(1)</script>", "2025-06-24\nprint(1)",
])  # fmt: skip
def test_parameters_that_are_code_are_refused_or_stay_words(firm, value):
    with pytest.raises(ParameterError):
        make_report(firm, as_of=value, out=firm.parent / "refused")
    assert not (firm.parent / "pwned").exists()
