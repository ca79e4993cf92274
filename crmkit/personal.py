"""Personal data: masked unless asked for by someone with the right."""

import ibis
import ibis.expr.types as ir

from crmkit.schema import TABLES

__all__ = ["masked", "shown"]


def masked(column: ir.StringColumn, name: str) -> ir.StringColumn:
    """A personal column with only so much left as tells rows apart at a glance.

    A name or mail keeps its first letter, a telephone number its last four digits, any other
    personal text nothing.

    >>> import ibis
    >>> t = ibis.memtable({"phone": ["+8613800001234"], "name": ["王芳"]})
    >>> masked(t.phone, "phone").execute().tolist(), masked(t.name, "name").execute().tolist()
    (['***1234'], ['王**'])
    """
    if name == "phone":
        return ibis.literal("***").concat(column.right(4))
    if name in ("name", "email"):
        return column.substr(0, 1).concat("**")
    return ibis.ifelse(column.isnull(), ibis.null("string"), "***")


def shown(table: ir.Table, name: str, *, unmasked: bool) -> ir.Table:
    """A canonical table as a reader may see it."""
    if unmasked or not TABLES[name].personal:
        return table
    return table.mutate(
        **{column: masked(table[column], column) for column in TABLES[name].personal}
    )
