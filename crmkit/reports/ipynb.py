"""Notebook files, read and written."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode

from crmkit.errors import ReportError

__all__ = ["read_notebook", "write_notebook"]


def read_notebook(path: Path) -> NotebookNode:
    """A notebook in version 4 of the format.

    Raises: ReportError where the file is not a notebook.
    """
    try:
        return nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call, no-any-return]
    except (nbformat.reader.NotJSONError, nbformat.ValidationError, ValueError) as error:
        raise ReportError(f"{path.name!r} is not a notebook: {str(error)[:200]}") from None


def write_notebook(notebook: NotebookNode, path: Path) -> None:
    """Write a notebook."""
    nbformat.write(notebook, path)  # type: ignore[no-untyped-call]
