"""Is a book fit to report from: rows, date range, freshness, faults of keys and columns."""

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field

import ibis
import ibis.expr.types as ir
import pandas as pd

from crmkit import periods, text
from crmkit.blocks import Block, Column, Json, Table
from crmkit.schema import TABLES

__all__ = ["Health", "examine"]


@dataclass(frozen=True, kw_only=True)
class Health(Block):
    """What was found in each table at `as_of`.

    `frame` has one row a table: rows, first_day, last_day, days_behind (from the last row to
    as_of), later (rows after as_of), duplicate_keys, missing (required values), columns_missing.
    """

    as_of: dt.date
    frame: pd.DataFrame = field(repr=False)

    @property
    def days_behind(self) -> int:
        """Days from the newest row of any table to `as_of`; 0 where it reaches it."""
        known = self.frame["days_behind"].dropna()
        return int(known.min()) if len(known) else 0

    @property
    def faults(self) -> int:
        """Rows with a duplicate key or a missing required value."""
        return int(self.frame["duplicate_keys"].sum() + self.frame["missing"].sum())

    @property
    def level(self) -> str:
        """How far the data can be trusted: good, warning or error."""
        if self.frame.empty or self.frame["rows"].sum() == 0:
            return "error"
        return "warning" if self.faults or self.days_behind > 1 else "good"

    @property
    def words(self) -> str:
        """The state of the data in one sentence."""
        if self.level == "error":
            return text.say("The book has no rows.")
        reach = self.frame["last_day"].dropna().max()
        facts = [
            text.say(
                "Data to {day}, {rows} rows.",
                day=text.day(min(reach, self.as_of)),
                rows=text.number(self.frame["rows"].sum()),
            )
        ]
        if self.faults:
            facts.append(
                text.say("{n} rows have a faulty key or value.", n=text.number(self.faults))
            )
        if self.days_behind > 1:
            facts.append(
                text.say(
                    "The newest row is {n} days older than the report's day.",
                    n=text.number(self.days_behind),
                )
            )
        return " ".join(facts)

    def table(self) -> Table:
        """What was found, table by table."""
        return Table(
            name="health",
            caption=text.say("The tables of the book"),
            frame=self.frame,
            columns=(
                Column("table", text.say("Table")),
                Column("rows", text.say("Rows"), "count"),
                Column("first_day", text.say("From"), "day"),
                Column("last_day", text.say("To"), "day"),
                Column("later", text.say("Rows after the report's day"), "count"),
                Column("duplicate_keys", text.say("Duplicate keys"), "count"),
                Column("missing", text.say("Missing values"), "count"),
            ),
            note=self.words,
        )

    def json(self) -> Json:
        """The table as plain data."""
        return self.table().json()

    def __str__(self) -> str:
        return str(self.table())


def examine(tables: Mapping[str, ir.Table], *, as_of: dt.date, timezone: str) -> Health:
    """Look at each table once: one query a table, whatever is asked of it."""
    rows = [_examined(name, table, as_of, timezone) for name, table in tables.items()]
    columns = [
        "table",
        "rows",
        "first_day",
        "last_day",
        "days_behind",
        "later",
        "duplicate_keys",
        "missing",
    ]
    return Health(as_of=as_of, frame=pd.DataFrame(rows, columns=columns))


def _examined(
    name: str, table: ir.Table, as_of: dt.date, timezone: str
) -> tuple[str, int, object, object, float, int, int, int]:
    spec = TABLES[name]
    day = _day(table, spec.time, timezone)
    limit = periods.number_of(as_of, "day")
    missing = ibis.literal(0)
    for column in spec.required:
        missing = missing + table[column].isnull().sum().fill_null(0)
    asked = table.aggregate(
        rows=table.count(),
        first=day.min(),
        last=(day <= limit).ifelse(day, ibis.null("int64")).max(),
        later=(day > limit).sum().fill_null(0),
        keys=_distinct_keys(table, spec.key),
        missing=missing,
    )
    found = asked.execute().iloc[0]
    first, last = _as_day(found["first"]), _as_day(found["last"])
    behind = float((as_of - last).days) if last is not None else float("nan")
    duplicates = int(found["rows"]) - int(found["keys"]) if spec.key else 0
    return (
        name,
        int(found["rows"]),
        first,
        last,
        behind,
        int(found["later"]),
        duplicates,
        int(found["missing"]),
    )


def _day(table: ir.Table, time: str | None, timezone: str) -> ir.IntegerValue:
    if time is None:
        never = ibis.null("int64")
        return ibis.ifelse(table[table.columns[0]].isnull(), never, never)
    column = table[time]
    if column.type().is_date():
        return column.delta(ibis.literal(dt.date(1970, 1, 1)), unit="day").cast("int64")
    return periods.day_number(column, timezone)


def _distinct_keys(table: ir.Table, key: tuple[str, ...]) -> ir.IntegerScalar:
    if not key:
        return table.count()
    words = [table[column].cast("string").fill_null("") for column in key]
    joined = words[0]
    for word in words[1:]:
        joined = joined.concat("\x1f", word)
    return joined.nunique()


def _as_day(number: object) -> dt.date | None:
    if number is None or pd.isna(number):  # type: ignore[call-overload]
        return None
    return periods.period_start(int(number), "day")  # type: ignore[call-overload]
