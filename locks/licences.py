"""Writes locks/licences.md: under which licence each package comes that crmkit runs on."""

import re
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

HERE = Path(__file__).parent
_LONG = 60


def locked() -> dict[str, str]:
    """The version of each package of run.txt, by its name."""
    words = (HERE / "run.txt").read_text(encoding="utf-8")
    return dict(re.findall(r"^([\w.-]+)==([\w.+!-]+)", words, re.MULTILINE))


def licence(name: str) -> str:
    """What a package says of its licence: the expression, else classifiers, else its own words."""
    try:
        told = metadata(name)
    except PackageNotFoundError:
        return "not installed on this platform"
    if expression := told.get("License-Expression"):
        return expression
    classes = [c.split(" :: ")[-1] for c in told.get_all("Classifier", []) if "License ::" in c]
    first = (told.get("License") or "").strip().splitlines()[:1]
    return " AND ".join(classes) or "".join(first)[:_LONG] or "not said in its metadata"


def page() -> str:
    """The table as Markdown."""
    rows = "".join(f"| {name} | {licence(name)} |\n" for name in locked())
    return (
        "# Licences of what crmkit runs on\n\n"
        "Made by `make licences` from the packages' own metadata, for those of `locks/run.txt`.\n\n"
        f"| package | licence |\n|---|---|\n{rows}"
    )


if __name__ == "__main__":
    (HERE / "licences.md").write_text(page(), encoding="utf-8")
