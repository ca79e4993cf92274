"""A firm's book: its canonical tables, wherever they lie, with its timezone and currency."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods, personal, text
from crmkit.errors import BookError, ParameterError, Skip, nearest
from crmkit.health import Health, examine
from crmkit.provenance import Provenance, describe
from crmkit.purchases import purchases
from crmkit.roles import role_of
from crmkit.schema import TABLES, table
from crmkit.settings import Settings, read_settings
from crmkit.working_hours import USUAL, WorkingHours

__all__ = ["Book", "connect"]


@dataclass(frozen=True, kw_only=True)
class Book:
    """The tables of a firm as ibis tables: `book.orders`, `book.customers` and so on.

    `tables` hold what a reader may see; `bare` the same with personal columns as they are, for
    checks that only count. `timezone` decides what a day is, `currency` what money is, `targets`
    what key figures are compared with; `stale_after_days` is how old the newest row may be; `hours`
    are those that the firm works.
    """

    name: str
    timezone: str
    currency: str
    tables: Mapping[str, ir.Table] = field(repr=False)
    bare: Mapping[str, ir.Table] = field(repr=False)
    files: Mapping[str, tuple[Path, ...]] = field(default_factory=dict, repr=False)
    targets: Mapping[str, float] = field(default_factory=dict)
    stale_after_days: int | None = None
    hours: WorkingHours = USUAL

    def __getattr__(self, name: str) -> ir.Table:
        """The canonical table of that name."""
        if name.startswith("_"):
            raise AttributeError(name)
        if name in self.tables:
            return self.tables[name]
        have = ", ".join(self.tables) or "no tables"
        if name in TABLES:
            raise BookError(f"The book {self.name!r} has no table {name!r}; it has: {have}.")
        guess = nearest(name, TABLES)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise AttributeError(f"There is no table named {name!r}.{hint} The book has: {have}.")

    def optional(self, name: str) -> ir.Table:
        """The canonical table of that name; an empty one where the book does not have it."""
        if name in self.tables:
            return self.tables[name]
        return ibis.memtable(table(name).schema().to_pyarrow().empty_table())

    @property
    def purchases(self) -> ir.Table:
        """The orders that count as purchases: customer known, not refunded, above zero."""
        return purchases(self.orders)

    def last_day(self) -> dt.date:
        """The last local calendar day that has data: of orders, else of any table with a time.

        Raises: BookError where no table has a row.
        """
        timed = [name for name in self.tables if TABLES[name].time]
        for name in sorted(timed, key=lambda name: name != "orders"):
            time = self.tables[name][TABLES[name].time]
            if time.type().is_timestamp():
                time = periods.day_number(time, self.timezone)
                last = time.max().execute()
                if not pd.isna(last):
                    return periods.period_start(int(last), "day")
        raise BookError(f"The book {self.name!r} has no rows with a time, so it has no last day.")

    def require(self, *names: str, as_of: periods.Day) -> None:
        """Stop early and clearly where a report cannot be made from this book.

        Raises: Skip where a table is missing; BookError where the newest row of the tables is
        older than `stale_after_days` at `as_of`.
        """
        missing = [name for name in names if name not in self.tables]
        if missing:
            raise Skip(
                text.say(
                    "This report needs the tables {missing}, which this book does not have.",
                    missing=", ".join(missing),
                )
            )
        health = self.check(as_of=as_of, only=names)
        if self.stale_after_days is not None and health.days_behind > self.stale_after_days:
            raise BookError(
                f"The newest row is {health.days_behind} days older than {periods.day(as_of)}; "
                f"at most {self.stale_after_days} are allowed ([book] stale_after_days). "
                "Import newer exports, or give an earlier as_of."
            )

    def check(self, *, as_of: periods.Day, only: tuple[str, ...] = ()) -> Health:
        """Rows, date range, freshness, and faults of keys and types of each table.

        Parameters: `as_of`, the day the data should reach; `only`, the tables to look at (all).
        """
        chosen = {name: t for name, t in self.bare.items() if not only or name in only}
        return examine(chosen, as_of=periods.day(as_of), timezone=self.timezone)

    def provenance(self) -> Provenance:
        """Fingerprint of the data, rows of each table, versions of what computed."""
        return describe(self.name, self.bare, self.files)


def connect(
    source: str | Path = "crmkit.toml",
    *,
    timezone: str | None = None,
    currency: str | None = None,
    language: str | None = None,
    role: str | None = None,
    unmasked: bool = False,
) -> Book:
    """Open a firm's book.

    Parameters: `source`, a crmkit.toml (a bare name is looked for in this folder and those above
    it), a folder of Parquet files named after the tables, a DuckDB file, or an ibis URL such as
    "postgres://..."; `timezone` (IANA) and `currency` (ISO 4217), by default those of the settings,
    else UTC and EUR; `language`, where given, sets the reader ("en" or "zh"); `role`, one of
    [roles] in the settings, shows the personal columns that it may see; `unmasked` shows them all,
    where the book has no roles.
    Returns: a Book.
    Raises: BookError where there is nothing at `source` that could be a book; ParameterError for a
    role that is not there or not for this user.

    >>> import tempfile, pyarrow as pa, pyarrow.parquet as pq
    >>> folder = tempfile.mkdtemp()
    >>> customers = pa.table({"customer_id": ["1"], "name": ["Wang Fang"]})
    >>> pq.write_table(customers, f"{folder}/customers.parquet")
    >>> connect(folder).customers.name.execute().tolist()
    ['W**']
    """
    place, settings = _located(source)
    book = settings.book if settings else None
    zone = timezone or (book.timezone if book else "UTC")
    money = currency or (book.currency if book else "EUR")
    periods.zone(zone)
    seen = role_of(role, settings.roles if settings else {}, unmasked=unmasked)
    if language is not None or settings is not None:
        text.set_reader(language=language or text.reader().language, currency=money)
    tables, files = _tables(place)
    if not tables:
        raise BookError(
            f"There is no table in {str(source)!r}. A book needs at least one of: "
            f"{', '.join(TABLES)}. Run 'crmkit import' first, or 'crmkit simulate' for a demo."
        )
    bare = {name: _canonical(name, table) for name, table in tables.items()}
    return Book(
        name=book.name if book else Path(str(source)).stem,
        timezone=zone,
        currency=money,
        tables={name: personal.shown(t, name, seen) for name, t in bare.items()},
        bare=bare,
        files=files,
        targets=settings.targets if settings else {},
        stale_after_days=book.stale_after_days if book else None,
        hours=settings.calendar.working_hours() if settings else USUAL,
    )


def _located(source: str | Path) -> tuple[str | Path, Settings | None]:
    if "://" in str(source):
        return str(source), None
    path = find(source)
    if path.suffix != ".toml":
        return path, None
    settings = read_settings(path)
    return path.parent / settings.book.store, settings


def find(source: str | Path) -> Path:
    """The file or folder at `source`; a bare name is looked for in the folders above, too.

    Raises: BookError where it is not there.
    """
    path = Path(source)
    if path.exists():
        return path
    if len(path.parts) == 1:
        for folder in Path.cwd().parents:
            if (folder / path).exists():
                return folder / path
    looked = f" (looked from {Path.cwd().name!r} upwards)" if len(path.parts) == 1 else ""
    raise BookError(
        f"There is nothing at {str(source)!r}{looked}. "
        "Give a crmkit.toml, a folder of Parquet files, a DuckDB file or a database URL."
    )


def _tables(place: str | Path) -> tuple[dict[str, ir.Table], dict[str, tuple[Path, ...]]]:
    if isinstance(place, str):
        return _of_database(ibis.connect(place)), {}
    if place.is_dir():
        return _of_folder(place)
    if not place.exists():
        raise BookError(
            f"There is no store at {place.name!r} yet. Run 'crmkit import' to fill it from your "
            "exports, or 'crmkit simulate' for a demo."
        )
    if place.suffix in (".duckdb", ".db", ".ddb"):
        return _of_database(ibis.duckdb.connect(place, read_only=True)), {}
    raise ParameterError(
        f"{place.name!r} cannot be a book. Give a crmkit.toml, a folder of Parquet files, a DuckDB "
        "file (.duckdb) or a database URL."
    )


def _of_folder(folder: Path) -> tuple[dict[str, ir.Table], dict[str, tuple[Path, ...]]]:
    engine = ibis.duckdb.connect()
    tables, files = {}, {}
    for name in TABLES:
        parts = sorted(folder.glob(f"{name}.parquet")) or sorted(folder.glob(f"{name}/*.parquet"))
        if parts:
            tables[name] = engine.read_parquet([str(part) for part in parts], table_name=name)
            files[name] = tuple(parts)
    return tables, files


def _of_database(engine: ibis.BaseBackend) -> dict[str, ir.Table]:
    there = set(engine.list_tables())
    return {name: engine.table(name) for name in TABLES if name in there}


def _canonical(name: str, table: ir.Table) -> ir.Table:
    """The table with exactly its canonical columns; those it lacks are unknown."""
    columns = {}
    for column, kind in TABLES[name].schema().items():
        if column not in table.columns:
            columns[column] = ibis.null(kind)
        elif table[column].type() == kind:
            columns[column] = table[column]
        else:
            columns[column] = _as(table[column], kind)
    return table.select(**columns)


def _as(column: ir.Value, kind: ibis.DataType) -> ir.Value:
    """The column in its canonical type; instants with a zone become UTC without one."""
    if column.type().is_timestamp() and kind.is_timestamp() and column.type().timezone:
        return column.cast("timestamp('UTC')").cast(kind)
    return column.cast(kind)
