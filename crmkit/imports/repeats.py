"""Rows that repeat others: exact duplicates, keys used twice, and lines that make up one order."""

import duckdb

from crmkit import schema
from crmkit.errors import InputError
from crmkit.imports.clean import NEGATIVE, TAKEN, Cleaning, sql_type
from crmkit.imports.readers import quoted

__all__ = ["find_repeats", "merge"]

DUPLICATE = 0


def find_repeats(cleaning: Cleaning) -> None:
    """Fill the table `fates` with the rows that must not be stored, though each is sound itself.

    Rows are looked at twice only where a hash of them occurs twice, which is seldom.
    """
    con, given, columns = cleaning.con, cleaning.given, cleaning.columns
    con.execute("CREATE TEMP TABLE fates (row BIGINT, reason UTINYINT)")
    key = [quoted(c.name) for c in columns if c.name in cleaning.table.key]
    keyed = bool(key) and given.one_row_per is None
    if not keyed and given.duplicates == "keep":
        return
    mark = f"hash({', '.join(key)})" if keyed else "_hash"
    con.execute(
        f"CREATE TEMP TABLE suspects AS SELECT rowid AS row, *, {mark} AS _mark FROM cleaned"
        f" WHERE _reason = 0 AND {mark} IN (SELECT {mark} AS m FROM cleaned WHERE _reason = 0"
        " GROUP BY m HAVING count(*) > 1)"
    )
    if keyed and given.latest is not None:
        _mark_later(con, ", ".join(key), DUPLICATE, "_latest DESC NULLS LAST, row DESC")
    if given.duplicates == "drop":
        every = ", ".join(["_hash", *(quoted(c.name) for c in columns)])
        _mark_later(con, every, DUPLICATE)
    if keyed:
        _mark_later(con, ", ".join(key), cleaning.code(TAKEN, ", ".join(cleaning.table.key)))
    con.execute("DROP TABLE suspects")


def _mark_later(con: duckdb.DuckDBPyConnection, same: str, reason: int, order: str = "row") -> None:
    con.execute(
        f"INSERT INTO fates SELECT row, {reason} FROM (SELECT row,"
        f" row_number() OVER (PARTITION BY {same} ORDER BY {order}) AS nth"
        " FROM suspects WHERE row NOT IN (SELECT row FROM fates)) WHERE nth > 1"
    )


def merge(cleaning: Cleaning) -> None:
    """Make the view `kept`: the rows to store, lines added up where `one_row_per` says so."""
    con, one = cleaning.con, cleaning.given.one_row_per
    sound = "SELECT rowid AS _row, * FROM cleaned WHERE _reason = 0"
    if con.execute("SELECT count(*) FROM fates").fetchall()[0][0]:
        sound += " AND rowid NOT IN (SELECT row FROM fates)"
    if one is None:
        con.execute(f"CREATE TEMP VIEW kept AS {sound}")
        return
    cells = [f"{_added(c)} AS {quoted(c.name)}" for c in cleaning.columns if c.name != one]
    con.execute(
        f"CREATE TEMP TABLE kept AS SELECT {', '.join([quoted(one), *cells])}"
        f" FROM ({sound}) AS lines GROUP BY {quoted(one)}"
    )
    _check_sums(cleaning, sound)
    _refuse_negative(cleaning, one)


def _added(column: schema.Column) -> str:
    name = quoted(column.name)
    if column.type == schema.MONEY:
        return f"CAST(sum(lines.{name}) AS {sql_type(column)})"
    if column.type in (schema.INSTANT, schema.DAY):
        return f"min(lines.{name})"
    if column.type == schema.FLAG:
        return f"bool_or(lines.{name})"
    return f"arg_min(lines.{name}, lines._row)"


def _check_sums(cleaning: Cleaning, sound: str) -> None:
    for column in cleaning.columns:
        if column.type != schema.MONEY:
            continue
        query = f"SELECT sum({quoted(column.name)}) FROM "
        before = cleaning.con.execute(f"{query} ({sound})").fetchall()[0][0]
        after = cleaning.con.execute(f"{query} kept").fetchall()[0][0]
        if before != after:
            raise InputError(
                f"{cleaning.table.name}.{column.name}: the lines add up to {before}, the rows made "
                f"of them to {after}. This is a fault of crmkit; please report it."
            )


def _refuse_negative(cleaning: Cleaning, one: str) -> None:
    for column in cleaning.columns:
        if column.type != schema.MONEY:
            continue
        test, code = cleaning.negative(column.name), cleaning.code(NEGATIVE, column.name)
        name = quoted(one)
        cleaning.con.execute(
            f"INSERT INTO fates SELECT rowid, {code} FROM cleaned WHERE _reason = 0"
            f" AND {name} IN (SELECT {name} FROM kept WHERE {test})"
            " AND rowid NOT IN (SELECT row FROM fates)"
        )
        cleaning.con.execute(f"DELETE FROM kept WHERE {test}")
