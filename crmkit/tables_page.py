"""`docs/tables.md`, made from the schema: `python -m crmkit.tables_page` writes it."""

from collections.abc import Iterator
from pathlib import Path

from crmkit.schema import TABLES, Column, Table

__all__ = ["markdown"]

_INTRODUCTION = """\
# The canonical tables

Made from `crmkit/schema.py`; do not edit. Every firm's exports are mapped to these tables once, on
import. Instants are UTC, stored without a zone; days, weeks and hours are computed in the book's
timezone. Money is in the book's currency with four exact decimals. Ids are text. A book needs only
the tables it has. Columns marked *personal* are masked in every report.
"""


def markdown() -> str:
    """The page as Markdown."""
    return "\n".join([_INTRODUCTION, *(line for t in TABLES.values() for line in _section(t))])


def _section(table: Table) -> Iterator[str]:
    key = ", ".join(f"`{name}`" for name in table.key) or "none: rows may repeat"
    yield f"## {table.name}\n"
    yield f"One row is {table.row}. Key: {key}.\n"
    yield "| column | type | must be filled | meaning |"
    yield "|---|---|---|---|"
    yield from map(_row, table.columns)
    yield ""


def _row(column: Column) -> str:
    meaning = column.meaning + (f" ({', '.join(column.values)})" if column.values else "")
    personal = " *personal*" if column.personal else ""
    must = "yes" if column.required else ""
    return f"| `{column.name}` | {column.type} | {must} | {meaning}{personal} |"


if __name__ == "__main__":
    page = Path(__file__).resolve().parents[1] / "docs" / "tables.md"
    page.write_text(markdown(), encoding="utf-8")
