"""Where rows come from: each file, sheet or query becomes one DuckDB relation of text columns.

Every cell is read as text, whatever it looks like, and only its canonical column says what it
means; so no guess of a type ever decides what a number was.
"""

import glob
from collections.abc import Callable, Iterator
from pathlib import Path

from crmkit.errors import InputError, nearest
from crmkit.imports import readers
from crmkit.imports.readers import Source
from crmkit.settings import Settings, TableSettings

__all__ = ["Advance", "open_files", "open_sources"]

Advance = Callable[[str, int, int], None]


def open_sources(settings: Settings, table: str, work: Path, advance: Advance) -> Iterator[Source]:
    """Each source of a table in turn, in the order of `from` and of names in a glob.

    Parameters: `work`, a folder for copies; `advance`, told (name, bytes done, bytes in all).
    Raises: InputError for what is missing, empty or cannot be read.
    """
    yield from open_files(settings, settings.tables[table], f"tables.{table}.from", work, advance)


def open_files(
    settings: Settings, given: TableSettings, where: str, work: Path, advance: Advance
) -> Iterator[Source]:
    """Each source that a setting `where` names, as `open_sources` opens those of a table."""
    copies = where.removeprefix("tables.").removesuffix(".from")
    if given.url is not None:
        for number, wanted in enumerate(given.from_):
            yield readers.query(settings, given, wanted, work / f"{copies}-{number}")
        return
    files = _files(settings, given, where)
    total, done = sum(path.stat().st_size for path in files), 0

    for number, path in enumerate(files):
        name = _shown(path, settings)

        def step(size: int, name: str = name) -> None:
            nonlocal done
            done += size
            advance(name, min(done, total), total)

        copy = work / f"{copies}-{number}"
        yield _opened(path, name, given, copy, step)


def _files(settings: Settings, given: TableSettings, where: str) -> list[Path]:
    found: list[Path] = []
    for pattern in given.from_:
        matches = sorted(
            Path(match)
            for match in glob.glob(str(settings.raw / pattern), recursive=True)  # noqa: PTH207
            if Path(match).is_file()
        )
        if not matches:
            raise InputError(_not_there(settings, where, pattern))
        found += [match for match in matches if match not in found]
    return found


def _not_there(settings: Settings, where: str, pattern: str) -> str:
    wanted = settings.raw / pattern
    folder = wanted.parent
    words = f"{where}: no file matches {pattern!r} in {settings.raw}."
    if not folder.is_dir():
        return f"{words} There is no folder {folder}."
    names = sorted(path.name for path in folder.iterdir() if path.is_file())
    if not names:
        return f"{words} The folder {folder} is empty."
    guess = nearest(wanted.name, names)
    hint = f" Did you mean {guess!r}?" if guess else ""
    more = f" and {len(names) - 10} more" if len(names) > 10 else ""
    return f"{words}{hint} There are: {', '.join(names[:10])}{more}."


def _shown(path: Path, settings: Settings) -> str:
    """The name people know a file by, without the folders of this machine."""
    for folder in (settings.raw, settings.folder):
        if path.is_relative_to(folder):
            return path.relative_to(folder).as_posix()
    return path.name


def _opened(
    path: Path, name: str, given: TableSettings, copy: Path, step: Callable[[int], None]
) -> Source:
    kind = given.format_of(path.name)
    if kind == "csv":
        return readers.delimited(path, name, given, copy, step)
    if kind in ("duckdb", "database"):
        raise InputError(
            f"{name} is of format {kind!r}: set url to the database, "
            "and from to one of its tables or a query."
        )
    step(path.stat().st_size)
    if kind == "excel":
        return readers.sheet(path, name, given, copy)
    return readers.parquet(path, name)
