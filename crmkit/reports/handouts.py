"""Action lists for those who work on them: with the personal columns that their role may see.

The site's lists name customers by their ids alone. A role that crmkit.toml gives lists gets them in
a folder of its own outside the site, readable by its owner only, with names and telephone numbers
beside the ids. Only the latest list of each report is kept: an old one is not to be worked on.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import ibis
import pandas as pd

from crmkit import text
from crmkit.actions import LIST, ActionList, read_actions, write_actions
from crmkit.blocks import Column
from crmkit.book import Book, connect
from crmkit.reports.manifest import Manifest
from crmkit.reports.notebooks import find_notebooks, slug
from crmkit.settings import Settings

__all__ = ["Receivers", "hand_out", "receivers", "sealed"]

Receivers = Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class _Key:
    """A column of a list that leads to persons: in which table, and by which column."""

    table: str
    column: str


_KEYS: Mapping[str, _Key] = {
    "customer_id": _Key("customers", "customer_id"),
    "agent_id": _Key("agents", "agent_id"),
}


def receivers(settings: Settings, folder: Path | None = None) -> Receivers:
    """The roles that get the lists of each report, by its slug.

    Parameters: `folder`, where notebooks are looked for.
    Raises: ParameterError for a report that is not there, before anything runs.
    """
    found: dict[str, list[str]] = {}
    for name, role in settings.roles.items():
        for path in find_notebooks(role.lists, folder=folder):
            found.setdefault(slug(path), []).append(name)
    return found


def hand_out(
    manifest: Manifest, output: Path, settings: Settings, folder: Path, names: Sequence[str]
) -> None:
    """Write a report's action lists for the roles that get them.

    Parameters: `manifest`, of a report that is done; `output`, what its notebook wrote; `folder`,
    that of all roles; `names`, of the roles.
    """
    lists = [read_actions(path) for path in sorted(output.rglob(f".*{LIST}"))]
    if not lists or not names:
        return
    book = connect(settings.file)
    for name in names:
        place = folder / name / manifest.slug / manifest.period / manifest.language
        _private(folder, place)
        with text.reading(language=manifest.language, currency=settings.book.currency):
            for each in lists:
                write_actions(_named(each, book, settings.roles[name].sees), place)
        _forget_others(place)


def sealed(output: Path) -> None:
    """Take away what was kept for `hand_out`; it is not for the site."""
    for path in output.rglob(f".*{LIST}"):
        path.unlink()


def _private(folder: Path, place: Path) -> None:
    """Make a folder and those above it, up to that of all roles, for their owner only."""
    above = [p for p in reversed(place.parents) if p == folder or folder in p.parents]
    for path in (*above, place):
        path.mkdir(mode=0o700, exist_ok=True)


def _forget_others(place: Path) -> None:
    """Remove the lists of the same report, in the same language, for other periods."""
    for other in place.parent.parent.glob(f"*/{place.name}"):
        if other != place:
            shutil.rmtree(other)
            if not any(other.parent.iterdir()):
                other.parent.rmdir()


def _named(listed: ActionList, book: Book, sees: Sequence[str]) -> ActionList:
    """A list with what a role sees of each person, right after their id."""
    frame, columns = listed.frame, list(listed.columns)
    for name, key in _KEYS.items():
        seen = [c.split(".")[1] for c in sees if c.startswith(f"{key.table}.")]
        at = next((i for i, column in enumerate(columns) if column.name == name), None)
        if at is None or not seen or key.table not in book.tables:
            continue
        known = _known(book, key, frame[name], seen)
        mine = {column: f"{name}.{column}" for column in seen}
        for column, there in mine.items():
            frame = frame.assign(**{there: frame[name].astype("str").map(known[column])})
        columns[at + 1 : at + 1] = [Column(there, _label(c)) for c, there in mine.items()]
    return replace(listed, frame=frame, columns=tuple(columns))


def _known(book: Book, key: _Key, ids: "pd.Series[str]", seen: Sequence[str]) -> pd.DataFrame:
    """The columns seen of the persons with these ids, by id; where a book says two, the first."""
    asked = ibis.memtable({"id": ids.dropna().astype("str").unique().tolist()})
    table = book.bare[key.table]  # as it is: of it, only what the role sees is taken
    found: pd.DataFrame = (
        table.join(asked, table[key.column] == asked.id).select("id", *seen).execute()
    )
    return found.sort_values("id").drop_duplicates("id").set_index("id")


def _label(column: str) -> str:
    labels = {
        "name": text.say("Full name"),
        "phone": text.say("Telephone"),
        "email": text.say("Mail address"),
    }
    return labels[column]
