"""A small firm with fake notebooks: plain Python cells, and a renderer that says little."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from crmkit.reports.ipynb import write_notebook

SETTINGS = """
[book]
name = "Fake & <Sons>"
timezone = "Asia/Shanghai"
currency = "CNY"
language = "en"
"""

PARAMETERS = """source = "crmkit.toml"  # the book
as_of = "2011-12-09"  # the last day that counts
language = "en"  # of the reader
bins = 5  # how many groups
"""

SHOW = """import json
from pathlib import Path
from IPython.display import display
data = Path("data.txt").read_text()
figure = dict(label="Customers", value=str(bins), change="+2 on 3", arrow="▲", verdict="good")
summary = dict(kind="summary", headline=f"{bins} groups until {as_of}", figures=[figure],
               quality=dict(level="good", words="fine"))
origin = dict(kind="provenance", fingerprint=data, versions=dict(numpy="2.0"))
blocks = dict(language=language, blocks=[summary, origin])
display({"application/vnd.crmkit+json": blocks, "text/plain": "x"}, raw=True)"""

ACTIONS = """import os
folder = Path(os.environ["CRMKIT_OUTPUT"], "actions")
folder.mkdir(exist_ok=True)
_ = Path(folder, "call them.csv").write_text("customer_id\\n1\\n")"""


class FakeRenderer:
    """Pages that show everything they were given."""

    def html(self, notebook: NotebookNode, *, links: tuple[tuple[str, str], ...]) -> str:
        cells = [[cell.source, cell.get("outputs")] for cell in notebook.cells]
        return json.dumps([cells, links], ensure_ascii=False, indent=0)

    def pdf(self, notebook: NotebookNode) -> bytes | None:
        return b"%PDF " + str(len(notebook.cells)).encode()


def _fake_notebook(path: Path, *cells: str, title: str = "A fake report") -> Path:
    """A notebook file with a title, a cell of parameters, and these code cells."""
    notebook = new_notebook(
        cells=[
            new_markdown_cell(f"# {title}"),
            new_code_cell(PARAMETERS, metadata={"tags": ["parameters"]}),
            *(new_code_cell(cell) for cell in cells),
        ]
    )
    for place, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{place}"
    write_notebook(notebook, path)
    return path


Write = Callable[..., Path]


@pytest.fixture(scope="session")
def fake_notebook() -> Write:
    """Writes a notebook with these code cells."""
    return _fake_notebook


@pytest.fixture(scope="session")
def show() -> str:
    """A cell that shows a summary and a provenance."""
    return SHOW


@pytest.fixture(scope="session")
def renderer() -> FakeRenderer:
    """Makes fake pages."""
    return FakeRenderer()


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with settings, data, and a folder of three notebooks."""
    folder = tmp_path_factory.mktemp("firm")
    (folder / "crmkit.toml").write_text(SETTINGS)
    (folder / "data.txt").write_text("abc")
    (folder / "books").mkdir()
    _fake_notebook(folder / "books" / "01_good.ipynb", SHOW, ACTIONS, title="All reports")
    _fake_notebook(folder / "books" / "02_bad.ipynb", SHOW, ACTIONS, "1 / 0", "'after'")
    left_out = "from crmkit.errors import Skip\nraise Skip('There is no table 订单.')"
    _fake_notebook(folder / "books" / "03_left_out.ipynb", left_out)
    return folder
