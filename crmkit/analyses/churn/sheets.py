"""The editable tables of churn: rules that warn, and what points to which reason."""

from dataclasses import dataclass, fields
from pathlib import Path

from crmkit.errors import InputError
from crmkit.sheets import read_sheet
from crmkit.text import reader, say

__all__ = ["OTHER", "Reason", "Rule", "reason_name", "reasons", "rules"]

OTHER = "other"
"""The reason of those whom nothing in particular points to."""
COMPARISONS = ("at least", "at most")


@dataclass(frozen=True)
class Rule:
    """A rule that warns: a feature on one side of a threshold. `weight` is in points."""

    rule: str
    name_en: str
    name_zh: str
    feature: str
    comparison: str
    threshold: float
    weight: float

    @property
    def name(self) -> str:
        """The rule for readers."""
        return (self.name_zh if reader().language == "zh" else "") or self.name_en


@dataclass(frozen=True)
class Reason:
    """A reason to leave and the features that point to it; a sign goes before behaviour."""

    reason: str
    name_en: str
    name_zh: str
    kind: str
    features: str

    @property
    def name(self) -> str:
        """The reason for readers."""
        return (self.name_zh if reader().language == "zh" else "") or self.name_en

    @property
    def pointers(self) -> list[str]:
        """The features."""
        return self.features.split()


def rules(source: str | Path = "rules") -> tuple[Rule, ...]:
    """The rules of a CSV file: those of crmkit by default.

    Columns: rule, name_en, name_zh, feature, comparison ("at least" or "at most"), threshold,
    weight.
    Raises: ParameterError where there is no such file, InputError with the line for what is wrong.

    >>> rules()[0].feature
    'silent'
    """
    found = []
    for line, row in read_sheet(source, "churn", [f.name for f in fields(Rule)]):
        if row["comparison"] not in COMPARISONS:
            raise InputError(
                f"{line}: comparison is {row['comparison']!r}. Give {' or '.join(COMPARISONS)}."
            )
        try:
            threshold, weight = float(row["threshold"]), float(row["weight"])
        except ValueError:
            raise InputError(
                f"{line}: threshold {row['threshold']!r} or weight {row['weight']!r} is no number."
            ) from None
        texts = {name: row[name] for name in ("rule", "name_en", "name_zh", "feature")}
        found.append(
            Rule(**texts, comparison=row["comparison"], threshold=threshold, weight=weight)
        )
    return tuple(found)


def reasons(source: str | Path = "reasons") -> tuple[Reason, ...]:
    """The reasons of a CSV file: those of crmkit by default.

    Columns: reason, name_en, name_zh, kind ("sign" or "behaviour"), features (apart by spaces).
    Raises: as `rules`.

    >>> [reason.reason for reason in reasons() if reason.kind == "sign"]
    ['service', 'quality', 'price']
    """
    found = []
    for line, row in read_sheet(source, "churn", [f.name for f in fields(Reason)]):
        if row["kind"] not in ("sign", "behaviour"):
            raise InputError(f"{line}: kind is {row['kind']!r}. Give sign or behaviour.")
        found.append(Reason(**row))
    return tuple(found)


def reason_name(reason: str, known: tuple[Reason, ...]) -> str:
    """A reason for readers."""
    return next((r.name for r in known if r.reason == reason), say("Nothing in particular"))
