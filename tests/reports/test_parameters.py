"""Parameters are refused before a kernel starts."""

from pathlib import Path

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from crmkit.errors import ParameterError, ReportError
from crmkit.reports.ipynb import write_notebook
from crmkit.reports.parameters import Parameter, checked, read_parameters

CELL = '''"""What may be asked."""
source = "crmkit.toml"  # the book
as_of: str | None = None  # the last day
bins = 5  # how many groups
rate = 0.1
fresh = True  # refuse # stale data
cells = [30, 90,
         180]  # days
minus = -1
anything = None
'''


def notebook(folder: Path, source: str, tags: tuple[str, ...] = ("parameters",)) -> Path:
    path = folder / "fake.ipynb"
    cell = new_code_cell(source, metadata={"tags": list(tags)})
    write_notebook(new_notebook(cells=[new_code_cell("import os"), cell]), path)
    return path


@pytest.fixture
def known(tmp_path: Path) -> tuple[Parameter, ...]:
    return read_parameters(notebook(tmp_path, CELL))


def test_names_defaults_types_and_comments_are_read(known: tuple[Parameter, ...]) -> None:
    assert [(p.name, p.default, p.type, p.comment) for p in known] == [
        ("source", "crmkit.toml", str, "the book"),
        ("as_of", None, str, "the last day"),
        ("bins", 5, int, "how many groups"),
        ("rate", 0.1, float, ""),
        ("fresh", True, bool, "refuse # stale data"),
        ("cells", [30, 90, 180], list, "days"),
        ("minus", -1, int, ""),
        ("anything", None, None, ""),
    ]


def test_without_the_tag_there_are_none(tmp_path: Path) -> None:
    assert read_parameters(notebook(tmp_path, CELL, tags=())) == ()


@pytest.mark.parametrize(
    "line", ["bins = len('ab')", "import os", "a = b = 1", "x.y = 1", "x += 1"]
)
def test_a_line_that_is_not_a_literal_is_refused(tmp_path: Path, line: str) -> None:
    with pytest.raises(ParameterError, match=r"Line 1 of the parameters cell of fake\.ipynb"):
        read_parameters(notebook(tmp_path, line))


def test_a_cell_that_is_not_python_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ParameterError, match="not Python"):
        read_parameters(notebook(tmp_path, "bins = = 5"))


def test_a_file_that_is_no_notebook_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.ipynb").write_text("hello")
    with pytest.raises(ReportError, match="not a notebook"):
        read_parameters(tmp_path / "x.ipynb")


@pytest.mark.parametrize(
    ("name", "words", "value"),
    [
        ("bins", "4", 4),
        ("minus", "-3", -3),
        ("rate", "0.25", 0.25),
        ("rate", "1", 1.0),
        ("fresh", "no", False),
        ("fresh", "True", True),
        ("source", "12", "12"),
        ("as_of", "2011-11-30", "2011-11-30"),
        ("as_of", None, None),
        ("cells", "10, 20", [10, 20]),
        ("cells", "[1, 2]", [1, 2]),
        ("cells", "", []),
        ("anything", "3", 3),
        ("anything", "2011-12-10", "2011-12-10"),
        ("anything", "none", None),
        ("bins", 7, 7),
        ("rate", 2, 2.0),
    ],
)
def test_words_take_the_type_of_the_default(
    known: tuple[Parameter, ...], name: str, words: object, value: object
) -> None:
    found = checked(known, {name: words})[name]
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("bins", "4.5"),
        ("bins", "many"),
        ("bins", True),
        ("bins", None),
        ("rate", "a tenth"),
        ("fresh", "perhaps"),
        ("fresh", 1),
        ("source", 5),
        ("cells", "10,x"),
        ("cells", "[1"),
        ("cells", 3),
    ],
)
def test_another_type_is_refused(known: tuple[Parameter, ...], name: str, given: object) -> None:
    with pytest.raises(ParameterError, match=f"{name!r} takes .*such as.*was given"):
        checked(known, {name: given})


def test_an_unknown_name_is_refused_with_the_nearest_and_all(
    known: tuple[Parameter, ...],
) -> None:
    with pytest.raises(ParameterError, match=r"Did you mean 'bins'\? There are: anything, as_of"):
        checked(known, {"binz": "4"})
