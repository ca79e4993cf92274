"""From the firm's links between ids to the table identities, as [identity] of the settings says."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.csv as pacsv

from crmkit import schema
from crmkit.errors import InputError
from crmkit.imports import store
from crmkit.imports.files import gather, opened
from crmkit.imports.identity.likeness import alike
from crmkit.imports.identity.resolve import Resolved, resolve
from crmkit.imports.ledger import FileRows, Refused, Remark, TableRows
from crmkit.imports.phones import numbered
from crmkit.imports.readers import Source, literal
from crmkit.imports.sources import Advance
from crmkit.settings import IdentitySettings, Settings
from crmkit.text import message

__all__ = ["LISTS", "import_links"]

LISTS = "identity"
"""The folder in the store with the lists of what did not link, and of what changed."""
_TABLE = "identities"
_COLUMNS = ("source_a", "id_a", "source_b", "id_b")
_REASONS = {
    "unusable": message("A link without both its ids, or of an id with itself."),
    "shared": message("An id that too many persons share links nobody."),
    "apart": message("A link cut to keep ids apart."),
}
_REMARKS = {
    "alike": message("{n} pairs of customers are alike enough to be one person."),
    "merged": message("{n} further CRM ids are of persons that have another."),
    "retired": message("{n} persons are now part of another."),
    "split": message("{n} persons are now several."),
}


def import_links(settings: Settings, work: Path, made: Path, advance: Advance) -> TableRows:
    """Write the table identities from links, and lists of what did not link and what changed.

    Telephone numbers become E.164, mail addresses lower case; what cannot be read as a number links
    nobody. Persons keep the ids of the identities that the store has.

    Parameters: `work`, a folder for copies; `made`, where the table and the lists are written.
    Returns: the ledger of the table; its rows are links, `stored` are ids.
    Raises: InputError for files that are missing, cannot be read or lack a column.
    """
    given = settings.identity
    assert given is not None
    with store.connect(work) as con:
        sources = opened(settings, "identity.links", given.links, given.encoding, work, advance)
        gather(con, sources, _COLUMNS, "_seen")
        _unify(con, settings.book.country)
        pairs = _alike(con, settings, work, made)
        before = settings.book.store / f"{_TABLE}.parquet"
        found = resolve(
            con,
            "_seen",
            limits=dict(given.limits),
            apart=_apart(con, settings, given, work, advance),
            previous=f"SELECT * FROM read_parquet({literal(before)})" if before.exists() else None,
        )
        _write(con, found, made)
        pacsv.write_csv(pairs, made / LISTS / "alike.csv")
    return _ledger(sources, found, pairs.num_rows)


def _unify(con: duckdb.DuckDBPyConnection, country: str | None) -> None:
    """Numbers in E.164, mail addresses in lower case."""
    there = {column[0] for column in con.execute("DESCRIBE _seen").fetchall()}
    for side in "ab":
        source, id_ = f"source_{side}", f"id_{side}"
        if {source, id_} <= there:
            con.execute(f"UPDATE _seen SET {source} = lower(trim({source}::VARCHAR))")
            con.execute(f"UPDATE _seen SET {id_} = lower({id_}) WHERE {source} = 'email'")
            wanted = f"SELECT {id_} FROM _seen WHERE {source} = 'phone'"
            numbered(con, wanted, country, "_e164")
            con.execute(
                f"UPDATE _seen SET {id_} = e164 FROM _e164 WHERE {source} = 'phone'"
                f" AND {id_} = given"
            )


def _alike(con: duckdb.DuckDBPyConnection, settings: Settings, work: Path, made: Path) -> pa.Table:
    """Add pairs of customers who are alike to the links, where the settings ask for them."""
    given = settings.identity
    assert given is not None
    if given.likeness is None:
        return pa.table({"id_a": [], "id_b": [], "chance": []})
    path = store.latest("customers", made, settings.book.store)
    if path is None:
        raise InputError("identity.likeness compares customers; there is no [tables.customers].")
    with store.connect(work) as own:
        pairs = alike(own, f"SELECT * FROM read_parquet({literal(path)})", given.likeness)
    con.register("_pairs", pairs)
    con.execute(
        "INSERT INTO _seen BY NAME SELECT 'crm' AS source_a, id_a, 'crm' AS source_b, id_b"
        " FROM _pairs"
    )
    con.unregister("_pairs")
    return pairs


def _apart(
    con: duckdb.DuckDBPyConnection,
    settings: Settings,
    given: IdentitySettings,
    work: Path,
    advance: Advance,
) -> list[tuple[str, str, str, str]]:
    """The pairs that are not one person's."""
    if not given.apart:
        return []
    folder = work / "apart"
    folder.mkdir()
    sources = opened(settings, "identity.apart", given.apart, given.encoding, folder, advance)
    gather(con, sources, _COLUMNS, "_parted")
    rows = con.execute(f"SELECT DISTINCT {', '.join(_COLUMNS)} FROM _parted ORDER BY ALL")
    return [(str(a), str(b), str(c), str(d)) for a, b, c, d in rows.fetchall()]


def _write(con: duckdb.DuckDBPyConnection, found: Resolved, made: Path) -> None:
    con.register("_made", found.identities)
    con.execute(
        f"COPY (SELECT * FROM _made ORDER BY {store.order_of(schema.table(_TABLE))})"
        f" TO {literal(made / f'{_TABLE}.parquet')} (FORMAT parquet, COMPRESSION zstd)"
    )
    con.unregister("_made")
    folder = made / LISTS
    folder.mkdir()
    for name in ("shared", "merged", "parted", "retired", "split"):
        pacsv.write_csv(getattr(found, name), folder / f"{name}.csv")


def _ledger(sources: Sequence[Source], found: Resolved, alike_: int) -> TableRows:
    """Links by fate: they add up to those that came in, of files and of likeness."""
    links = found.links
    lost = sum(links[fate] for fate in _REASONS)
    rejects = sum(len(source.rejects) for source in sources)
    file = FileRows(
        ", ".join([*(source.name for source in sources), *(["likeness"] if alike_ else [])]),
        hashlib.sha256("".join(source.sha256 for source in sources).encode()).hexdigest()
        if len(sources) > 1
        else sources[0].sha256,
        links["given"] + rejects,
        links["repeated"],
        lost + rejects,
        links["kept"],
    )
    refused = [Refused(reason, "", links[fate]) for fate, reason in _REASONS.items() if links[fate]]
    refused += [Refused(each.reason, "", 1) for source in sources for each in source.rejects]
    tables = {"merged": found.merged, "retired": found.retired, "split": found.split}
    counts = {"alike": alike_} | {name: table.num_rows for name, table in tables.items()}
    remarks = [Remark(_REMARKS[name], n) for name, n in counts.items() if n]
    return TableRows(_TABLE, (file,), found.identities.num_rows, (), tuple(refused), tuple(remarks))
