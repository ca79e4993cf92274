"""What the codes of diallers, carriers and platforms mean: the result of a call, by vendor.

The table is data that a firm edits in any spreadsheet: `templates/dialers/codes.csv`, one row a
code. A code without a result says nothing of what came of the dial.
"""

import csv
from collections.abc import Mapping

from crmkit import places, schema
from crmkit.errors import InputError, nearest

__all__ = ["vendor_codes"]

_FILE = "templates/dialers/codes.csv"
_COLUMNS = ("vendor", "code", "result")


def vendor_codes() -> Mapping[str, Mapping[str, str]]:
    """The result that each code of each vendor stands for; empty where it does not tell.

    Returns: results by vendor and code, in the order of the table.
    Raises: InputError for a table that lacks a column, has a code twice, or a result that is none,
    naming the line.

    >>> vendor_codes()["tencent"]["205"]
    'empty_number'
    """
    found: dict[str, dict[str, str]] = {}
    # A spreadsheet marks the file as UTF-8 with three bytes, which utf-8-sig takes off.
    path = places.templates() / "dialers" / "codes.csv"
    with path.open(encoding="utf-8-sig", newline="") as lines:
        table = csv.DictReader(lines)
        lost = [name for name in _COLUMNS if name not in (table.fieldnames or ())]
        if lost:
            raise InputError(f"{_FILE} has no column {', '.join(lost)}.")
        for row in table:
            vendor, code, result = ((row[name] or "").strip() for name in _COLUMNS)
            codes = found.setdefault(vendor, {})
            _check(f"{_FILE}, line {table.line_num}", vendor, code, result, codes)
            codes[code] = result
    return found


def _check(where: str, vendor: str, code: str, result: str, before: Mapping[str, str]) -> None:
    if not vendor or not code:
        raise InputError(f"{where}: vendor and code must both be given.")
    if code in before:
        raise InputError(f"{where}: {vendor} has the code {code!r} twice. Leave one of them out.")
    if result and result not in schema.CALL_RESULTS:
        guess = nearest(result, schema.CALL_RESULTS)
        hint = f" Did you mean {guess!r}?" if guess else ""
        raise InputError(
            f"{where}: {result!r} is no result of a call.{hint} "
            f"There are: {', '.join(schema.CALL_RESULTS)}; or none, where the code does not tell."
        )
