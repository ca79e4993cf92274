"""Errors that a person can act on: what was given, where, and what would do."""

from collections.abc import Iterable
from difflib import get_close_matches

__all__ = [
    "BookError",
    "CrmkitError",
    "InputError",
    "ParameterError",
    "ReportError",
    "SettingsError",
    "Skip",
    "nearest",
]


class CrmkitError(Exception):
    """Anything crmkit refuses; the message says what was given, where, and what would do."""


class SettingsError(CrmkitError):
    """A crmkit.toml that cannot be used."""


class InputError(CrmkitError):
    """A file, table or column of the firm's exports that cannot be read."""


class BookError(CrmkitError):
    """A book that lacks a table, or whose data is too old."""


class ParameterError(CrmkitError):
    """An argument or a notebook parameter that is unknown, ill-typed or impossible."""


class ReportError(CrmkitError):
    """A report that could not be made."""


class Skip(CrmkitError):  # noqa: N818 (it is no error)
    """A notebook that this book has no tables for; it is left out, not failed."""


def nearest(name: str, valid: Iterable[str]) -> str | None:
    """The valid name most like the one given, if any is like it.

    >>> nearest("custmer_id", ["customer_id", "order_id"])
    'customer_id'
    >>> nearest("xyz", ["customer_id"]) is None
    True
    """
    matches = get_close_matches(str(name), [str(v) for v in valid], n=1)
    return matches[0] if matches else None
