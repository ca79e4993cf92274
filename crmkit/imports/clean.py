"""A source's text columns made into the typed rows of a canonical table, in one pass.

The pass has three steps, each a projection over the one before: the text of each canonical column;
its value; and the reason, if any, why the row cannot stand. All of it runs inside DuckDB.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property

import duckdb

from crmkit import schema
from crmkit.errors import InputError, nearest
from crmkit.imports import cells
from crmkit.imports.expressions import compiled
from crmkit.imports.readers import Source, literal, quoted
from crmkit.settings import Constant, Expression, Settings, TableSettings
from crmkit.text import message

__all__ = ["LEFT_OUT", "NEGATIVE", "TAKEN", "Cleaning", "sql_type"]

LEFT_OUT = message("left out by the setting keep")
LACKS = message("{column} is missing")
UNREADABLE = {
    schema.INSTANT: message("{column} is not a date"),
    schema.DAY: message("{column} is not a date"),
    schema.MONEY: message("{column} is not an amount"),
    schema.COUNT: message("{column} is not a whole number"),
    schema.REAL: message("{column} is not a number"),
    schema.FLAG: message("{column} is not true or false"),
    schema.TEXT: message("{column} is not one of the names it may have"),
}
NEGATIVE = message("{column} is below zero without a refund")
TAKEN = message("{column} already used by another row")

_SQL = {
    schema.TEXT: "VARCHAR",
    schema.INSTANT: "TIMESTAMP",
    schema.DAY: "DATE",
    schema.MONEY: "DECIMAL(18, 4)",
    schema.COUNT: "BIGINT",
    schema.REAL: "DOUBLE",
    schema.FLAG: "BOOLEAN",
    schema.TEXTS: "VARCHAR[]",
}
_NATIVE: dict[str, tuple[str, ...]] = {
    schema.MONEY: ("DECIMAL", "DOUBLE", "FLOAT", "BIGINT", "INTEGER", "HUGEINT"),
    schema.FLAG: ("BOOLEAN",),
}
# names beside those of a source, such as no source has
_NUMBER, _ROW = "number: ", '"row: hash"'


def sql_type(column: schema.Column) -> str:
    """The DuckDB type of a canonical column."""
    return _SQL[column.type]


@dataclass(frozen=True)
class Cleaning:
    """How one canonical table is made; `con` is the connection that does the work.

    `late` are reasons found only when all rows are there.
    """

    con: duckdb.DuckDBPyConnection
    settings: Settings
    table: schema.Table
    late: tuple[str, ...] = ()

    @property
    def given(self) -> TableSettings:
        """The table's settings."""
        return self.settings.tables[self.table.name]

    @cached_property
    def columns(self) -> tuple[schema.Column, ...]:
        """The canonical columns that are mapped."""
        return tuple(c for c in self.table.columns if c.name in self.given.columns)

    @cached_property
    def doubtful(self) -> tuple[schema.Column, ...]:
        """Optional columns whose value may be unreadable, and is then left unknown."""
        return tuple(
            c
            for c in self.columns
            if not c.required and not c.values and c.type not in (schema.TEXT, schema.TEXTS)
        )

    @cached_property
    def reasons(self) -> tuple[tuple[str, str], ...]:
        """Every (reason, column) a row may be refused for; a row holds its number from 1."""
        found = [(LEFT_OUT, "")]
        for column in self.columns:
            if column.required:
                found.append((LACKS, column.name))
            if (column.required and column.type != schema.TEXT) or column.values:
                found.append((UNREADABLE[column.type], column.name))
            if column.type == schema.MONEY:
                found.append((NEGATIVE, column.name))
        key = ", ".join(c for c in self.table.key)
        return (*found, (TAKEN, key), *((reason, "") for reason in self.late))

    def code(self, reason: str, column: str = "") -> int:
        """The number that stands for a reason."""
        return self.reasons.index((reason, column)) + 1

    def create(self) -> None:
        """Make the empty table of typed rows."""
        typed = [f"{quoted(c.name)} {sql_type(c)}" for c in self.columns]
        unread = [f"{quoted('?' + c.name)} BOOLEAN" for c in self.doubtful]
        rest = ["_latest DOUBLE", "_hash UBIGINT", "_file UINTEGER", "_reason UTINYINT"]
        self.con.execute(f"CREATE TEMP TABLE cleaned ({', '.join([*typed, *unread, *rest])})")

    def add(self, source: Source, number: int) -> int:
        """Clean one source and add its rows, in their order; gives back how many they are.

        Raises: InputError for a column that the source lacks, or an expression that fails.
        """
        try:
            self.con.execute(f"INSERT INTO cleaned {self._select(source, number)}")
        except duckdb.Error as error:
            raise InputError(
                f"{source.name} cannot be read as {self.table.name}: {str(error).strip()}"
            ) from None
        counted = self.con.execute(f"SELECT count(*) FROM cleaned WHERE _file = {number}")
        return int(counted.fetchall()[0][0])

    def _select(self, source: Source, number: int) -> str:
        texts, natives = [], set()
        for column in self.columns:
            sql, native = self._text(column, source)
            texts.append(f"{sql} AS {quoted(column.name)}")
            if native:
                natives.add(column.name)
        keep = self._keep(source)
        known = self._known(source)
        extra = f"{keep} AS _keep, {self._latest(source)} AS _latest, {_ROW} AS _hash"
        first = f"SELECT {', '.join(texts)}, {extra} FROM ({known})"
        second = f"SELECT *, {', '.join(self._walls()) or '0 AS _none'} FROM ({first})"
        values = [
            f"{self._value(c, c.name in natives)} AS {quoted('=' + c.name)}" for c in self.columns
        ]
        third = f"SELECT *, {', '.join(values)} FROM ({second})"
        result = [quoted("=" + c.name) for c in self.columns]
        result += [f"({_given(c)} AND {quoted('=' + c.name)} IS NULL)" for c in self.doubtful]
        rest = f"_latest, _hash, {number}, {self._reason()}"
        return f"SELECT {', '.join(result)}, {rest} FROM ({third})"

    def _known(self, source: Source) -> str:
        """The SQL of a source whose cells are trimmed, and NULL where nothing is known.

        Beside each column stands its number, for expressions; DuckDB leaves out what is not used.
        """
        every = ", ".join(quoted(c) for c in sorted(source.columns))
        trim = ", ".join(f"{cells.trimmed(quoted(c))} AS {quoted(c)}" for c in source.columns)
        missing = self.given.missing
        know = ", ".join(
            f"{cells.known(quoted(c), missing)} AS {quoted(c)}" for c in source.columns
        )
        inner = f"SELECT {trim}, hash({every}) AS {_ROW} FROM ({source.relation}) AS source"
        read = ", ".join(
            f"{cells.number(quoted(c))} AS {quoted(_NUMBER + c)}" for c in source.columns
        )
        return f"SELECT *, {read} FROM (SELECT {know}, {_ROW} FROM ({inner}))"

    def _text(self, column: schema.Column, source: Source) -> tuple[str, bool]:
        """The SQL of a column's text, and whether it has a type of its own instead."""
        mapped = self.given.columns[column.name]
        native = False
        if isinstance(mapped, Constant):
            constant = mapped.value
            words = str(constant).lower() if isinstance(constant, bool) else str(constant)
            return literal(words), False
        if isinstance(mapped, Expression):
            where = f"tables.{self.table.name}.columns.{column.name}, in {source.name}"
            sql = f"({self._compiled(mapped.sql, source, where)})"
            kind = self._type_of(sql, source, where)
            native = kind.startswith(_NATIVE.get(column.type, ("?",)))
            if not native:
                sql = cells.known(f"CAST({sql} AS VARCHAR)", self.given.missing)
        else:
            self._check_column(column.name, mapped, source)
            sql = quoted(mapped)
        labels = self.given.values.get(column.name)
        if labels and not native:
            whens = " ".join(f"WHEN {literal(a)} THEN {literal(b)}" for a, b in labels.items())
            sql = cells.known(f"CASE {sql} {whens} ELSE {sql} END")
        return sql, native

    def _compiled(self, words: str, source: Source, where: str) -> str:
        return compiled(
            words,
            source.columns,
            text=quoted,
            number=lambda name: quoted(_NUMBER + name),
            where=where,
        )

    def _type_of(self, sql: str, source: Source, where: str) -> str:
        try:
            found = self.con.execute(
                f"DESCRIBE SELECT {sql} FROM ({self._known(source)})"
            ).fetchall()
        except duckdb.Error as error:
            raise InputError(f"{where}: {str(error).strip()}") from None
        return str(found[0][1])

    def _check_column(
        self, column: str, wanted: str, source: Source, section: str = "columns."
    ) -> None:
        if wanted in source.columns:
            return
        guess = nearest(wanted, source.columns)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise InputError(
            f"tables.{self.table.name}.{section}{column}: {source.name} has no column "
            f"{wanted!r}.{hint} It has: {', '.join(source.columns)}."
        )

    def _keep(self, source: Source) -> str:
        if self.given.keep is None:
            return "true"
        where = f"tables.{self.table.name}.keep, in {source.name}"
        return f"coalesce({self._compiled(self.given.keep, source, where)}, false)"

    def _latest(self, source: Source) -> str:
        """The SQL of when a row was last updated, a number that grows with time."""
        if self.given.latest is None:
            return "NULL"
        self._check_column("latest", self.given.latest, source, section="")
        name = quoted(self.given.latest)
        return f"coalesce(TRY_CAST({name} AS DOUBLE), epoch(TRY_CAST({name} AS TIMESTAMPTZ)))"

    def _walls(self) -> Iterator[str]:
        typed = not self._is_csv()
        for column in self.columns:
            if column.type in (schema.INSTANT, schema.DAY):
                local = cells.wall(quoted(column.name), self.given.dates, typed=typed)
                yield f"{local} AS {quoted('@' + column.name)}"

    def _is_csv(self) -> bool:
        return self.given.format_of(self.given.from_[0]) == "csv"

    def _value(self, column: schema.Column, native: bool) -> str:
        sql, local = quoted(column.name), quoted("@" + column.name)
        decimal = self.given.decimal if self._is_csv() else "."
        zone = self.given.timezone or self.settings.book.timezone
        if native:
            return f"CAST({sql} AS BOOLEAN)" if column.type == schema.FLAG else _amount(sql)
        if column.values:
            return cells.label(sql, column.values)
        readers: dict[str, Callable[[], str]] = {
            schema.TEXT: lambda: sql,
            schema.INSTANT: lambda: cells.instant(sql, local, self.given.dates, zone),
            schema.DAY: lambda: cells.day(sql, local),
            schema.MONEY: lambda: cells.money(sql, decimal),
            schema.COUNT: lambda: cells.count(sql, decimal),
            schema.REAL: lambda: cells.real(sql, decimal),
            schema.FLAG: lambda: cells.flag(sql),
            schema.TEXTS: lambda: cells.texts(sql),
        }
        return readers[column.type]()

    def _reason(self) -> str:
        whens = []
        for number, (reason, name) in enumerate(self.reasons, 1):
            if reason == LEFT_OUT:
                test = "NOT _keep"
            elif reason == LACKS:
                test = f"{quoted(name)} IS NULL"
            elif reason == NEGATIVE:
                if self.given.one_row_per:
                    continue  # told once the lines are added up
                test = self.negative(name, prefix="=")
            elif reason == TAKEN or reason in self.late:
                continue
            else:
                column = self.table.column(name)
                test = f"{_given(column)} AND {quoted('=' + name)} IS NULL"
            whens.append(f"WHEN {test} THEN {number}")
        return f"CASE {' '.join(whens)} ELSE 0 END"

    def negative(self, name: str, prefix: str = "") -> str:
        """The condition under which an amount is impossible."""
        below = f"{quoted(prefix + name)} < 0"
        if any(c.name == "refunded" for c in self.columns):
            return f"{below} AND NOT coalesce({quoted(prefix + 'refunded')}, false)"
        return below


def _amount(sql: str) -> str:
    return f"TRY_CAST({sql} AS {_SQL[schema.MONEY]})"


def _given(column: schema.Column) -> str:
    return f"{quoted(column.name)} IS NOT NULL"
