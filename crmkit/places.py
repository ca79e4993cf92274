"""Where the notebooks and templates lie: beside the package, or inside it when installed."""

from pathlib import Path

__all__ = ["notebooks", "templates"]

_PACKAGE = Path(__file__).resolve().parent


def _folder(name: str) -> Path:
    checkout = _PACKAGE.parent / name
    if (_PACKAGE.parent / "pyproject.toml").exists() and checkout.is_dir():
        return checkout
    return _PACKAGE / "bundled" / name


def notebooks() -> Path:
    """The folder of the notebooks."""
    return _folder("notebooks")


def templates() -> Path:
    """The folder of the report templates and message catalogues."""
    return _folder("templates")
