"""The import of a firm's exports, from crmkit.toml to a folder of canonical tables."""

import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Protocol

from crmkit import schema
from crmkit.disk import alone, writing
from crmkit.errors import InputError, ParameterError, nearest
from crmkit.imports import ledger, store
from crmkit.imports.clean import Cleaning
from crmkit.imports.dialers import import_dialers, tables_of
from crmkit.imports.identity.links import import_links
from crmkit.imports.leads import LeadCheck, settle_leads, settle_steps
from crmkit.imports.ledger import FileRows, ImportReport, TableRows
from crmkit.imports.quarantine import refused, write_quarantine
from crmkit.imports.readers import Source
from crmkit.imports.repeats import find_repeats, merge
from crmkit.imports.sources import open_sources
from crmkit.settings import Settings
from crmkit.text import say

__all__ = ["Progress", "import_tables"]


class Progress(Protocol):
    """What is told of the work while it runs: the stage in words, how much is done, of how much."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Take note of it."""


def _silent(stage: str, done: int, total: int) -> None:
    """Tell nobody."""


def import_tables(
    settings: Settings, *, tables: Iterable[str] | None = None, progress: Progress | None = None
) -> ImportReport:
    r"""Read a firm's exports and store them as canonical tables.

    Every row that comes in is kept, dropped as an exact duplicate, or put in quarantine with its
    file, line and reason; the three add up to the rows in, file by file. Equal files and settings
    give equal bytes. The store changes only when all tables are made.

    Parameters: `settings`, from `read_settings`; `tables`, which to import (all by default);
    `progress`, called with (stage, done, total) while the work runs.
    Returns: `ImportReport`, the ledger; its `rows()` are for people.
    Raises: InputError for a file, column or expression that cannot be used, a store that another
    import is writing to, a full disk; ParameterError for a table that the settings do not have.

    >>> from crmkit.settings import read_settings
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     toml = Path(folder) / "crmkit.toml"
    ...     _ = (Path(folder) / "agents.csv").write_text("id,group\n7,north\n7,north\n")
    ...     _ = toml.write_text(
    ...         '[book]\nname = "Shop"\ntimezone = "Europe/Berlin"\ncurrency = "EUR"\n'
    ...         '[tables.agents]\nfrom = "agents.csv"\n'
    ...         'columns = {agent_id = "id", team = "group"}\n'
    ...     )
    ...     import_tables(read_settings(toml)).rows()
    [('agents', 'agents.csv', '2', '1', '1', '0', '1')]
    """
    tables = list(tables) if tables is not None else None
    names = _chosen(settings, tables)
    tell = progress or _silent
    place = settings.book.store
    busy = InputError(f"Another import is writing to {place.name!r}. Wait for it to end.")
    with (
        writing(place.parent, InputError),
        alone(place.parent / f".{place.name}.lock", busy),
        tempfile.TemporaryDirectory(prefix=".crmkit-import-", dir=place.parent) as folder,
    ):
        return _made(settings, names, tables, Path(folder), tell)


def _made(
    settings: Settings,
    names: Sequence[str],
    tables: list[str] | None,
    folder: Path,
    tell: Progress,
) -> ImportReport:
    """Make all tables in a folder, then put them into the store."""
    made = folder / "made"
    made.mkdir()
    rows = []
    checked = settings.leads is not None and "leads" in names
    for name in names:
        if not (checked and name == "leads"):
            rows.append(_import(settings, name, _folder(folder, name), made, tell))
    if settings.dialers and (tables is None or set(tables) & set(tables_of(settings))):
        rows = import_dialers(settings, rows, folder, made, tell, tables=tables)
    if settings.identity and (tables is None or "identities" in tables):
        rows.append(import_links(settings, _folder(folder, "links"), made, tell))
    if checked:  # last, for they are told by customers, ids and steps
        rows = _checked_leads(settings, rows, folder, made, tell)
    report = ImportReport(settings.book.store, tuple(rows), settings.fingerprint)
    store.put_in_place(report, made)
    return report


def _folder(parent: Path, name: str) -> Path:
    made = parent / name
    made.mkdir()
    return made


def _checked_leads(
    settings: Settings, rows: Sequence[TableRows], folder: Path, made: Path, tell: Progress
) -> list[TableRows]:
    """Leads with the check of [leads]; the steps of those that are not stored are settled."""
    assert settings.leads is not None
    if (made / "leads.parquet").exists():
        raise InputError(
            "leads: rows come from [tables.leads] and from a dialler, and only the former can be "
            "checked. Leave out the dialler's list of leads, or the section [leads]."
        )
    check = LeadCheck(settings.leads, made, _folder(folder, "lists"), tell)
    leads, checks = _import_checked(settings, "leads", _folder(folder, "leads"), made, tell, check)
    settling = _folder(folder, "steps")
    others = [
        settle_steps(table, made, settling) if table.table == "lead_events" else table
        for table in rows
    ]
    return [*others, settle_leads(leads, made, settling), checks]


def _chosen(settings: Settings, tables: Iterable[str] | None) -> list[str]:
    linked = ("identities",) if settings.identity else ()
    checked = ("lead_checks",) if settings.leads else ()
    there = list(dict.fromkeys((*settings.tables, *tables_of(settings), *linked, *checked)))
    for name in tables or ():
        if name not in there:
            guess = nearest(name, there)
            hint = f" Did you mean {guess!r}?" if guess else ""
            raise ParameterError(
                f"{settings.file} has no section [tables.{name}].{hint} It has: {', '.join(there)}."
            )
    if not there:
        raise InputError(
            f"{settings.file} has no [tables.*] and no [[dialers]] section, "
            "so there is nothing to read."
        )
    chosen = list(dict.fromkeys(tables)) if tables is not None else there
    if settings.leads is not None and {"leads", "lead_events", "lead_checks"} & set(chosen):
        chosen += ["leads", "lead_events"]  # each is told by the other
        chosen = list(dict.fromkeys(chosen))
    return [name for name in chosen if name in settings.tables]


def _import(settings: Settings, name: str, work: Path, made: Path, tell: Progress) -> TableRows:
    return _import_checked(settings, name, work, made, tell)[0]


def _import_checked(
    settings: Settings,
    name: str,
    work: Path,
    made: Path,
    tell: Progress,
    check: LeadCheck | None = None,
) -> tuple[TableRows, ...]:
    """Import a table; where rows are checked against others, with the ledger of what was found."""

    def reading(file: str, done: int, total: int) -> None:
        tell(say("Reading {file}", file=file), done, total)

    with store.connect(work) as con:
        cleaning = Cleaning(con, settings, schema.table(name), check.reasons if check else ())
        cleaning.create()
        sources: list[Source] = []
        starts = [0]
        for number, source in enumerate(open_sources(settings, name, work, reading)):
            sources.append(source)
            starts.append(starts[-1] + cleaning.add(source, number))
        tell(say("Looking for duplicates in {table}", table=name), 0, 1)
        find_repeats(cleaning)
        found, remarks = check(cleaning) if check else (None, ())
        merge(cleaning)
        tell(say("Writing {table}", table=name), 0, 1)
        stored, unknown = store.write_table(cleaning, made / f"{name}.parquet", tell)
        write_quarantine(cleaning, sources, starts, made / "quarantine")
        reasons = ledger.summed(refused(cleaning, sources))
        tell(say("Writing {table}", table=name), 1, 1)
        files = _counted(cleaning, sources)
        left = tuple(sorted(unknown.items()))
        rows = TableRows(name, files, stored, left, reasons, remarks)
        return (rows, found) if found else (rows,)


def _counted(cleaning: Cleaning, sources: Sequence[Source]) -> tuple[FileRows, ...]:
    """What became of each file's rows, each count taken by itself so that they can be compared."""
    found = cleaning.con.execute(
        "SELECT _file, count(*), count(*) FILTER (_reason = 0 AND fate IS NULL),"
        " count(*) FILTER (_reason = 0 AND fate = 0), count(*) FILTER (_reason > 0 OR fate > 0)"
        " FROM (SELECT rowid AS row, _file, _reason FROM cleaned) AS rows"
        " LEFT JOIN (SELECT row, reason AS fate FROM fates) AS late USING (row) GROUP BY _file"
    ).fetchall()
    counts = {file: rest for file, *rest in found}
    files = []
    for number, source in enumerate(sources):
        rows, kept, duplicates, bad = counts.get(number, (0, 0, 0, 0))
        lines = len(source.rejects)
        files.append(
            FileRows(source.name, source.sha256, rows + lines, duplicates, bad + lines, kept)
        )
    return tuple(files)
