"""The rows that were refused, each with its file, line and reason, as they came.

Nothing is lost: the Parquet file holds every value as it stood. The CSV beside it is for people;
there, what may name a person is masked.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa

from crmkit import text
from crmkit.imports.clean import Cleaning
from crmkit.imports.ledger import Refused
from crmkit.imports.lines import lines_of
from crmkit.imports.readers import Source, literal, quoted
from crmkit.settings import Expression

__all__ = ["write_quarantine"]

_MASK = "***"


def write_quarantine(
    cleaning: Cleaning, sources: Sequence[Source], starts: Sequence[int], folder: Path
) -> bool:
    """Write the refused rows of a table to `folder`; tells whether there were any.

    Parameters: `starts`, the number of rows before each source.
    """
    con = cleaning.con
    con.execute(
        "CREATE TEMP TABLE refused"
        " (file VARCHAR, line BIGINT, reason VARCHAR, raw VARCHAR, shown VARCHAR)"
    )
    with text.reading(
        language=cleaning.settings.book.language, currency=cleaning.settings.book.currency
    ):
        for number, source in enumerate(sources):
            _refused_lines(cleaning, source)
            _refused_rows(cleaning, source, number, starts[number])
    if not con.execute("SELECT count(*) FROM refused").fetchall()[0][0]:
        return False
    folder.mkdir(parents=True, exist_ok=True)
    target, rows = folder / cleaning.table.name, "FROM refused ORDER BY ALL"
    con.execute(
        f"COPY (SELECT file, line, reason, raw {rows})"
        f" TO {literal(target.with_suffix('.parquet'))} (FORMAT parquet, COMPRESSION zstd)"
    )
    con.execute(
        f"COPY (SELECT file, line, reason, shown AS raw {rows})"
        f" TO {literal(target.with_suffix('.csv'))} (FORMAT csv, HEADER)"
    )
    return True


def _refused_lines(cleaning: Cleaning, source: Source) -> None:
    if not source.rejects:
        return
    personal = any(c.personal for c in cleaning.columns)
    raws = [reject.text for reject in source.rejects]
    listed = pa.table(
        {
            "file": pa.array([source.name] * len(raws), pa.string()),
            "line": pa.array([reject.line for reject in source.rejects], pa.int64()),
            "reason": pa.array([text.say(r.reason) for r in source.rejects], pa.string()),
            "raw": pa.array(raws, pa.string()),
            "shown": pa.array([_MASK] * len(raws) if personal else raws, pa.string()),
        }
    )
    cleaning.con.register("listed", listed)
    cleaning.con.execute("INSERT INTO refused SELECT * FROM listed")
    cleaning.con.unregister("listed")


def _refused_rows(cleaning: Cleaning, source: Source, number: int, start: int) -> None:
    con = cleaning.con
    found = con.execute(
        f"SELECT rowid - {start} AS row, _reason FROM cleaned"
        f" WHERE _file = {number} AND _reason > 0"
        f" UNION ALL SELECT row - {start}, reason FROM fates"
        f" WHERE reason > 0 AND row IN (SELECT rowid FROM cleaned WHERE _file = {number})"
    ).fetchnumpy()
    rows = np.asarray(found["row"], np.int64)
    if not len(rows):
        return
    told = [text.say(reason, column=column) for reason, column in cleaning.reasons]
    codes = np.asarray(found["_reason"], np.int64) - 1
    listed = pa.table(
        {
            "row": rows,
            "line": lines_of(rows, list(source.jumps)),
            "reason": pa.DictionaryArray.from_arrays(pa.array(codes), pa.array(told)),
        }
    )
    con.register("listed", listed)
    con.execute(
        f"INSERT INTO refused SELECT {literal(source.name)}, line, reason::VARCHAR,"
        f" {_json(source.columns, ())}, {_json(source.columns, _masked(cleaning, source))}"
        f" FROM (SELECT *, row_number() OVER () - 1 AS _row FROM ({source.relation})) AS source"
        " JOIN listed ON source._row = listed.row"
    )
    con.unregister("listed")


def _masked(cleaning: Cleaning, source: Source) -> set[str]:
    """The columns not known to be free of persons: personal ones, and all that are not mapped."""
    open_ = {
        mapped
        for name, mapped in cleaning.given.columns.items()
        if isinstance(mapped, str) and not cleaning.table.column(name).personal
    }
    for name, mapped in cleaning.given.columns.items():
        if isinstance(mapped, str) and cleaning.table.column(name).personal:
            open_.discard(mapped)
    computed = [
        mapped.sql
        for name, mapped in cleaning.given.columns.items()
        if isinstance(mapped, Expression) and not cleaning.table.column(name).personal
    ]
    open_ |= {c for c in source.columns if any(c in sql for sql in computed)}
    return set(source.columns) - open_


def _json(columns: Iterable[str], masked: Iterable[str]) -> str:
    hidden = set(masked)
    cells = ", ".join(
        f"{literal(c)}, "
        + (
            f"CASE WHEN source.{quoted(c)} IS NOT NULL THEN {literal(_MASK)} END"
            if c in hidden
            else f"source.{quoted(c)}"
        )
        for c in columns
    )
    return f"CAST(json_object({cells}) AS VARCHAR)"


def refused(cleaning: Cleaning, sources: Sequence[Source]) -> list[Refused]:
    """How many rows were refused for each reason, before those with equal reasons are summed."""
    counted = cleaning.con.execute(
        "SELECT _reason, count(*) FROM cleaned WHERE _reason > 0 GROUP BY ALL"
        " UNION ALL SELECT reason, count(*) FROM fates WHERE reason > 0 GROUP BY ALL"
    ).fetchall()
    found = []
    for code, rows in counted:
        reason, column = cleaning.reasons[code - 1]
        found.append(Refused(reason, column, rows))
    found += [Refused(reject.reason, "", 1) for s in sources for reject in s.rejects]
    return found
