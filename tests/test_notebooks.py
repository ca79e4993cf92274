"""The notebooks keep their shape, and run from top to bottom."""

import ast
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from crmkit import places
from crmkit.blocks import MIME
from crmkit.simulate import simulate

NOTEBOOKS = sorted(places.notebooks().glob("*.ipynb"))
BRANCHES = (
    ast.FunctionDef, ast.ClassDef, ast.For, ast.While, ast.If, ast.IfExp, ast.Try, ast.With,
    ast.ListComp, ast.DictComp, ast.SetComp, ast.GeneratorExp, ast.Lambda,
)  # fmt: skip


def _read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def _code(path: Path) -> list:
    return [cell for cell in _read(path).cells if cell.cell_type == "code"]


def _tags(cell) -> list[str]:
    return cell.metadata.get("tags", [])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
class TestShape:
    def test_it_is_valid_and_stripped(self, path):
        notebook = _read(path)
        nbformat.validate(notebook)
        for cell in _code(path):
            assert cell.outputs == []
            assert cell.execution_count is None
        ids = [cell["id"] for cell in notebook.cells]
        assert len(ids) == len(set(ids))

    def test_code_cells_are_short_and_without_logic(self, path):
        for cell in _code(path):
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= (10 if "parameters" in _tags(cell) else 8), cell.source
            found = [n for n in ast.walk(ast.parse(cell.source)) if isinstance(n, BRANCHES)]
            assert not found, cell.source

    def test_parameters_are_literals_with_a_comment(self, path):
        (cell,) = [c for c in _code(path) if "parameters" in _tags(c)]
        names = []
        for line in cell.source.splitlines():
            assignment, comment = line.split("  # ")
            (node,) = ast.parse(assignment).body
            ast.literal_eval(node.value)
            names.append(node.targets[0].id)
            assert comment.strip()
        assert names[:4] == ["source", "as_of", "timezone", "language"]

    def test_it_begins_with_its_title_and_ends_with_its_summary(self, path):
        cells = _read(path).cells
        assert cells[0].source.startswith("# ")
        assert "summary" in _tags(cells[-1])
        assert any("setup" in _tags(cell) for cell in cells)

    def test_prose_states_no_numbers(self, path):
        for cell in _read(path).cells:
            if cell.cell_type == "markdown":
                assert not any(c.isdigit() for c in cell.source), cell.source


@pytest.fixture(scope="module")
def book(tmp_path_factory) -> Path:
    """The settings of a small simulated firm."""
    folder = tmp_path_factory.mktemp("firm")
    simulate(preset="small", out=folder)
    return folder / "crmkit.toml"


@pytest.mark.notebook
@pytest.mark.parametrize("path", NOTEBOOKS[::3], ids=lambda p: p.stem)
def test_papermill_runs_it_without_our_runner(path, book, tmp_path):
    """A third of them: our runner runs all in test_privacy and in tests/hostile."""
    from crmkit import connect

    last = connect(book).last_day()
    out = tmp_path / "out.ipynb"
    command = [sys.executable, "-m", "papermill", str(path), str(out), "--no-progress-bar"]
    for name, value in (("source", book), ("as_of", last)):
        command += ["-p", name, str(value)]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path, timeout=240)
    shown = [o for c in _read(out).cells for o in c.get("outputs", [])]
    assert not [o for o in shown if o.output_type in ("error", "stream")]
    blocks = [b for o in shown for b in o.get("data", {}).get(MIME, {}).get("blocks", [])]
    assert {"summary", "provenance", "figure", "table"} <= {b["kind"] for b in blocks}


@pytest.mark.notebook
def test_nbconvert_makes_a_page_of_what_papermill_ran(book, tmp_path):
    from crmkit import connect

    last = str(connect(book).last_day())
    out = tmp_path / "out.ipynb"
    run = [sys.executable, "-m", "papermill", str(NOTEBOOKS[0]), str(out), "--no-progress-bar"]
    run += ["-p", "source", str(book), "-p", "as_of", last]
    subprocess.run(run, check=True, capture_output=True, cwd=tmp_path, timeout=240)
    convert = [sys.executable, "-m", "nbconvert", "--to", "html", "--template", "report"]
    convert += [f"--TemplateExporter.extra_template_basedirs={places.templates()}", str(out)]
    subprocess.run(convert, check=True, capture_output=True, cwd=tmp_path, timeout=120)
    page = (tmp_path / "out.html").read_text(encoding="utf-8")
    assert 'class="ck-headline"' in page
    assert page.count("<svg") > 4
