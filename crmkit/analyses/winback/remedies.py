"""The editable table of actions: what is done for which reason, what it costs and achieves."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

from crmkit.errors import InputError
from crmkit.sheets import read_sheet
from crmkit.text import reader

__all__ = ["Remedy", "remedies", "written"]


@dataclass(frozen=True)
class Remedy:
    """An action for a reason.

    `uplift` is by how much it raises the chance that a customer buys in the period, by what is
    known or hoped; `cost` is money a customer.
    """

    reason: str
    action: str
    name_en: str
    name_zh: str
    uplift: float
    cost: float

    @property
    def name(self) -> str:
        """The action for readers."""
        return (self.name_zh if reader().language == "zh" else "") or self.name_en

    def called(self, action: str) -> bool:
        """Whether a text means this action, by its key or a name."""
        return action in (self.action, self.name_en, self.name_zh)


_COLUMNS = [f.name for f in fields(Remedy)]


def remedies(source: str | Path = "actions") -> tuple[Remedy, ...]:
    """The actions of a CSV file: those of crmkit by default.

    Columns: reason, action, name_en, name_zh, uplift (a share, such as 0.04), cost.
    Raises: ParameterError where there is no such file; InputError with the line for what is wrong.

    >>> remedies()[0].action
    'coupon'
    """
    rows = read_sheet(source, "churn", _COLUMNS)
    return tuple(_remedy(row, line) for line, row in rows)


def _remedy(row: dict[str, str], where: str) -> Remedy:
    try:
        uplift, cost = float(row["uplift"]), float(row["cost"])
    except ValueError:
        raise InputError(
            f"{where}: uplift {row['uplift']!r} or cost {row['cost']!r} is no number."
        ) from None
    if not -1 <= uplift <= 1 or not cost >= 0:
        raise InputError(
            f"{where}: uplift is {uplift} and cost {cost}. Give a share from -1 to 1, such as "
            "0.04, and a cost not below 0."
        )
    texts = {name: row[name] for name in ("reason", "action", "name_en", "name_zh")}
    return Remedy(**texts, uplift=uplift, cost=cost)


def written(table: Iterable[Remedy], path: str | Path) -> Path:
    """Write a table of actions that `remedies` reads and a spreadsheet opens."""
    target = Path(path)
    with target.open("w", encoding="utf-8-sig", newline="") as file:
        lines = csv.writer(file)
        lines.writerow(_COLUMNS)
        lines.writerows([getattr(remedy, column) for column in _COLUMNS] for remedy in table)
    return target
