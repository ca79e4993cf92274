"""SQL expressions of crmkit.toml over a source's columns, all of which are text.

What a column means is told by what is done with it: where it is added, multiplied or compared with
a number, it is read as a number; everywhere else it is text, with missing labels as NULL.
"""

from collections.abc import Callable, Iterable

import sqlglot
from sqlglot import exp

from crmkit.errors import InputError, nearest

__all__ = ["compiled"]

_ARITHMETIC = (exp.Add, exp.Sub, exp.Mul, exp.Div, exp.IntDiv, exp.Mod, exp.Neg)
_THROUGH = (*_ARITHMETIC, exp.Paren, exp.Coalesce, exp.Abs, exp.Round, exp.Greatest, exp.Least)
_NUMERIC = (*_ARITHMETIC, exp.Abs, exp.Round)
_COMPARED = (exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In)

Cell = Callable[[str], str]


def compiled(words: str, columns: Iterable[str], *, text: Cell, number: Cell, where: str) -> str:
    r"""An expression as DuckDB computes it.

    Parameters: `words`, the expression; `columns` of the source; `text` and `number`, which give
    the SQL that reads a column as such; `where`, for the message.
    Raises: InputError for a column that the source lacks.

    >>> text, number = '"{}"'.format, '"#{}"'.format
    >>> compiled("Q > 0 AND K = 'a'", ["Q", "K"], text=text, number=number, where="keep")
    '"#Q" > 0 AND "K" = \'a\''
    """
    tree = sqlglot.parse_one(words, dialect="duckdb", into=exp.Condition)
    names = {column.lower(): column for column in columns}
    numbers = {id(node) for found in tree.walk() for node in _numbers(found)}

    def read(node: exp.Expression) -> exp.Expression:
        if not isinstance(node, exp.Column):
            return node
        name = names.get(node.name.lower())
        if name is None:
            raise InputError(f"{where}: {_unknown(node.name, names.values())}")
        sql = number(name) if id(node) in numbers else text(name)
        return sqlglot.parse_one(sql, dialect="duckdb")

    return str(tree.transform(read, copy=False).sql(dialect="duckdb"))


def _unknown(name: str, there: Iterable[str]) -> str:
    names = list(there)
    guess = nearest(name, names)
    hint = f" Did you mean {guess!r}?" if guess else ""
    return f"there is no column {name!r}.{hint} There are: {', '.join(names)}."


def _numbers(node: exp.Expression) -> list[exp.Expression]:
    """The columns that this node reads as numbers."""
    if isinstance(node, _NUMERIC):
        return _columns(node)
    if isinstance(node, _COMPARED):
        sides = list(node.iter_expressions())
        if any(_is_number(side) for side in sides):
            return [column for side in sides for column in _columns(side)]
    return []


def _is_number(node: exp.Expression) -> bool:
    if isinstance(node, exp.Paren):
        return _is_number(node.this)
    return isinstance(node, _NUMERIC) or (isinstance(node, exp.Literal) and not node.is_string)


def _columns(node: exp.Expression) -> list[exp.Expression]:
    if isinstance(node, exp.Column):
        return [node]
    if isinstance(node, _THROUGH):
        return [column for child in node.iter_expressions() for column in _columns(child)]
    return []
