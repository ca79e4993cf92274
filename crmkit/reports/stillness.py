"""Whether a book's store stayed as it was while reports were made from it."""

from pathlib import Path

from crmkit.errors import ReportError

__all__ = ["Stillness"]


class Stillness:
    """The files of a store as they were; an import that writes meanwhile mixes old and new rows."""

    def __init__(self, store: Path) -> None:
        self._store = store
        self._before = _stamps(store)

    def check(self) -> None:
        """Raises: ReportError where a file of the store was written since."""
        if _stamps(self._store) != self._before:
            raise ReportError(
                f"The store {self._store.name!r} was written while the reports were made, so they "
                "may mix old and new rows; they are not published. Run again."
            )


def _stamps(store: Path) -> dict[str, tuple[int, int, int]]:
    """Each file's inode, size and time: an import puts new files in the place of the old."""
    files = [store] if store.is_file() else sorted(store.glob("*.parquet"))
    found = {path.name: path.stat() for path in files}
    return {name: (s.st_ino, s.st_size, s.st_mtime_ns) for name, s in found.items()}
