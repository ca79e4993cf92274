"""What a notebook may be asked: its parameters, read and checked before a kernel starts."""

import ast
import io
import tokenize
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from crmkit.errors import ParameterError, nearest
from crmkit.reports.ipynb import read_notebook

__all__ = ["Parameter", "Value", "checked", "read_parameters"]

Scalar = str | int | float | bool | None
Value = Scalar | list[Scalar]

_YES, _NO = ("true", "yes", "on", "1"), ("false", "no", "off", "0")
_TYPES: dict[str, type] = {"str": str, "int": int, "float": float, "bool": bool, "list": list}
_WANTED = {
    str: "text",
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    list: "values between commas",
}


@dataclass(frozen=True, kw_only=True)
class Parameter:
    """One line of the cell tagged `parameters`: `type` is None where only the default is None."""

    name: str
    default: Value
    type: type | None
    comment: str = ""


def read_parameters(notebook: Path) -> tuple[Parameter, ...]:
    """The parameters of a notebook, in the order of its cell tagged `parameters`.

    Parameters: `notebook`, the path of an .ipynb file.
    Returns: one Parameter for each assignment; nothing where no cell has the tag.
    Raises: ParameterError where a line of the cell is not `name = literal`.
    """
    cells = read_notebook(notebook).cells
    for cell in cells:
        if cell.cell_type == "code" and "parameters" in cell.metadata.get("tags", []):
            return _of_source(cell.source, notebook.name)
    return ()


def _of_source(source: str, where: str) -> tuple[Parameter, ...]:
    comments = _comments(source)
    try:
        lines = ast.parse(source).body
    except SyntaxError as error:
        raise ParameterError(
            f"The parameters cell of {where} is not Python: {error.msg} (line {error.lineno})."
        ) from None
    return tuple(_of_line(line, comments, where) for line in lines if not _is_docstring(line))


def _is_docstring(line: ast.stmt) -> bool:
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant)


def _comments(source: str) -> dict[int, str]:
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    try:
        return {
            token.start[0]: token.string.lstrip("# ").strip()
            for token in tokens
            if token.type == tokenize.COMMENT
        }
    except (tokenize.TokenError, SyntaxError):
        return {}


def _of_line(line: ast.stmt, comments: Mapping[int, str], where: str) -> Parameter:
    target = kind = None
    if isinstance(line, ast.Assign) and len(line.targets) == 1:
        target = line.targets[0]
    elif isinstance(line, ast.AnnAssign):
        target = line.target
        kind = _TYPES.get(ast.unparse(line.annotation).split("|")[0].split("[")[0].strip())
    value = getattr(line, "value", None)
    if not isinstance(target, ast.Name) or value is None:
        raise ParameterError(_not_literal(line, where))
    try:
        default = ast.literal_eval(value)
    except ValueError:
        raise ParameterError(_not_literal(line, where)) from None
    if isinstance(default, tuple):
        default = list(default)
    return Parameter(
        name=target.id,
        default=default,
        type=kind or (None if default is None else type(default)),
        comment=comments.get(line.end_lineno or line.lineno, ""),
    )


def _not_literal(line: ast.stmt, where: str) -> str:
    return (
        f"Line {line.lineno} of the parameters cell of {where} is {ast.unparse(line)!r}. "
        "Each line gives one name one literal, such as: as_of = '2011-12-09'."
    )


def checked(parameters: Iterable[Parameter], given: Mapping[str, object]) -> dict[str, Value]:
    """The given values in the types of the notebook's defaults.

    Words from the command line become numbers, truths and lists as the default asks; a value of
    another type is refused, never guessed.

    Parameters: `parameters`, of `read_parameters`; `given`, values or words by name.
    Returns: the converted values, by name, in the order given.
    Raises: ParameterError for a name that the notebook does not have or a value of another type.

    >>> known = [Parameter(name="bins", default=5, type=int)]
    >>> checked(known, {"bins": "4"})
    {'bins': 4}
    """
    known = {parameter.name: parameter for parameter in parameters}
    for name in given:
        if name not in known:
            raise ParameterError(unknown(name, known))
    return {name: _converted(known[name], value) for name, value in given.items()}


def unknown(name: str, valid: Iterable[str]) -> str:
    """What to say about a parameter that is not there."""
    names = sorted(valid)
    guess = nearest(name, names)
    hint = f" Did you mean {guess!r}?" if guess else ""
    return f"There is no parameter {name!r}.{hint} There are: {', '.join(names) or 'none'}."


def _converted(parameter: Parameter, value: object) -> Value:
    wanted = parameter.type
    if value is None or (wanted is not str and parameter.default is None and value == "none"):
        if parameter.default is None:
            return None
        raise ParameterError(_ill_typed(parameter, value))
    if wanted is None:
        return _guessed(value)
    try:
        return _as(wanted, value, parameter)
    except ValueError:
        raise ParameterError(_ill_typed(parameter, value)) from None


def _guessed(value: object) -> Value:
    """A value for a default of None without an annotation: a literal, else the words."""
    if not isinstance(value, str):
        return value  # type: ignore[return-value]
    try:
        return ast.literal_eval(value)  # type: ignore[no-any-return]
    except (ValueError, SyntaxError):
        return value


def _as(wanted: type, value: object, parameter: Parameter) -> Value:
    if isinstance(value, str) and wanted is not str:
        return _of_words(wanted, value.strip(), parameter)
    if wanted is float and type(value) is int:
        return float(value)
    if type(value) is wanted:
        return value  # type: ignore[return-value]
    if wanted is list and isinstance(value, tuple):
        return list(value)
    raise ValueError


def _of_words(wanted: type, words: str, parameter: Parameter) -> Value:
    if wanted is bool:
        if words.lower() in _YES + _NO:
            return words.lower() in _YES
        raise ValueError
    if wanted is list:
        return _list(words, parameter)
    return wanted(words)  # type: ignore[no-any-return]


def _list(words: str, parameter: Parameter) -> list[Scalar]:
    if words.startswith("["):
        try:
            found = ast.literal_eval(words)
        except SyntaxError:
            raise ValueError from None
        return list(found)
    default = parameter.default
    like = type(default[0]) if isinstance(default, list) and default else str
    parts = [part.strip() for part in words.split(",") if part.strip()]
    return [cast(Scalar, _as(like, part, parameter)) for part in parts]


def _ill_typed(parameter: Parameter, value: object) -> str:
    wanted = _WANTED.get(parameter.type or str, "another type")
    return (
        f"The parameter {parameter.name!r} takes {wanted}, such as {parameter.default!r}; "
        f"{value!r} was given."
    )
