"""Writing to a disk: one at a time, and with words for what goes wrong."""

import errno
import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from crmkit.errors import CrmkitError

__all__ = ["alone", "writing"]

_FULL = (errno.ENOSPC, errno.EDQUOT)
_FORBIDDEN = (errno.EACCES, errno.EPERM, errno.EROFS)
_SIGNS = {
    "No space left": errno.ENOSPC,
    "disk is full": errno.ENOSPC,
    "readonly database": errno.EROFS,
    "Permission denied": errno.EACCES,
    "Read-only file system": errno.EROFS,
}


@contextmanager
def alone(lock: Path, busy: CrmkitError) -> Iterator[None]:
    """Hold a lock that ends with the process, however that ends.

    Parameters: `lock`, a file made for it; `busy`, raised where another process holds it.
    """
    lock.parent.mkdir(parents=True, exist_ok=True)
    with lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise busy from None
        yield


@contextmanager
def writing(folder: Path, error: type[CrmkitError]) -> Iterator[None]:
    """Tell in words why a folder cannot be written to.

    Parameters: `folder`, where the work is done; `error`, what is raised for a full disk, missing
    rights and other troubles of the disk. Errors of crmkit pass.

    >>> from crmkit.errors import ReportError
    >>> with writing(Path("reports"), ReportError):
    ...     raise OSError(errno.ENOSPC, "No space left on device", "x.html")
    Traceback (most recent call last):
    crmkit.errors.ReportError: The disk of 'reports' is full (x.html). Free space and run again; \
what was there before is unchanged.
    """
    try:
        yield
    except OSError as fault:
        raise error(_words(folder, fault)) from fault
    except (duckdb.IOException, sqlite3.OperationalError) as fault:
        raise error(_words(folder, _as_of_the_system(str(fault)))) from fault


def _as_of_the_system(words: str) -> OSError:
    """What an engine says of a disk, as the system would have said it."""
    for sign, number in _SIGNS.items():
        if sign in words:
            return OSError(number, words)
    return OSError(errno.EIO, words.splitlines()[0])


def _words(folder: Path, fault: OSError) -> str:
    named = f" ({Path(str(fault.filename)).name})" if fault.filename else ""
    if fault.errno in _FULL:
        return (
            f"The disk of {folder.name!r} is full{named}. Free space and run again; "
            "what was there before is unchanged."
        )
    if fault.errno in _FORBIDDEN:
        return (
            f"{str(folder)!r} may not be written to{named}. Change its rights, or name another "
            "folder; what was there before is unchanged."
        )
    return (
        f"{str(folder)!r} could not be written{named}: {fault.strerror or fault}. "
        "What was there before is unchanged."
    )
