"""Who may import whom: the bones of the house (DESIGN section 2)."""

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "crmkit"
SHARED = {
    "actions", "activity", "blocks", "btyd", "contacts", "credit", "dials", "errors",
    "kaplan_meier", "periods", "persons", "places", "printable", "purchases", "queues", "records",
    "result", "schema", "scoring", "segmentation", "sessions", "sheets", "shrinkage", "snapshots",
    "spreadsheet", "stats", "steps", "svg", "text", "working_hours",
    "working_time",
}  # fmt: skip
ALLOWED = {
    "analyses": SHARED | {"draw"},
    "draw": {"blocks", "printable", "records", "svg", "text"},
    "simulate": {"errors", "periods", "schema"},
    "imports": {
        "disk",
        "errors",
        "periods",
        "places",
        "schema",
        "settings",
        "text",
        "blocks",
        "vendors",
    },
    "reports": {
        "actions",
        "blocks",
        "book",
        "disk",
        "errors",
        "periods",
        "places",
        "settings",
        "text",
    }
    | {"setting_schedule"},
    "steps": {"activity", "errors", "persons"},
    "btyd": {"errors", "stats"},
    "queues": {"errors"},
    "credit": set(),
}


def _modules(folder: str) -> list[Path]:
    return sorted((PACKAGE / folder).rglob("*.py"))


def _imports(path: Path) -> set[str]:
    """The parts of crmkit that a module imports, by their first name."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module == "crmkit":
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("crmkit."):
            found.add(str(node.module).split(".")[1])
        elif isinstance(node, ast.Import):
            found |= {a.name.split(".")[1] for a in node.names if a.name.startswith("crmkit.")}
    return found


@pytest.mark.parametrize("folder", ALLOWED)
def test_a_part_imports_only_what_it_may(folder):
    wrong = {
        str(path.relative_to(PACKAGE)): _imports(path) - ALLOWED[folder] - {folder}
        for path in _modules(folder)
    }
    assert not {path: names for path, names in wrong.items() if names}


def test_analyses_never_import_each_other():
    for path in _modules("analyses"):
        question = path.relative_to(PACKAGE / "analyses").parts[0].removesuffix(".py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "crmkit.analyses."
            ):
                assert str(node.module).split(".")[2] == question, (path, node.module)


def test_charts_are_imported_only_where_they_are_drawn():
    """Importing an analysis must not load matplotlib."""
    for path in _modules("analyses"):
        tree = ast.parse(path.read_text(encoding="utf-8"))
        outside = [
            node
            for node in tree.body
            if isinstance(node, ast.Import | ast.ImportFrom)
            and re.search(r"\bdraw\b", ast.unparse(node))
        ]
        assert not outside, path


def test_only_draw_imports_matplotlib_and_seaborn():
    for path in PACKAGE.rglob("*.py"):
        if path.is_relative_to(PACKAGE / "draw"):
            continue
        words = path.read_text(encoding="utf-8")
        assert "import matplotlib" not in words, path
        assert "import seaborn" not in words, path


def test_nothing_imports_the_command_line():
    for path in PACKAGE.rglob("*.py"):
        if path.name not in ("cli.py", "__main__.py"):
            assert "cli" not in _imports(path), path


def test_nothing_but_the_runner_reads_the_clock():
    """An analysis takes as_of; only what runs and publishes may ask what time it is."""
    for folder in ("analyses", "btyd", "draw", "simulate"):
        for path in _modules(folder):
            words = path.read_text(encoding="utf-8")
            for call in ("datetime.now", "date.today", "utcnow", "time.time("):
                assert call not in words, (path, call)
