"""Where a report's numbers come from: the data's fingerprint, rows, and what computed them."""

import hashlib
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import ibis.expr.types as ir
import pandas as pd

from crmkit import text
from crmkit.blocks import Block, Json

__all__ = ["Provenance", "describe"]

_PACKAGES = ("crmkit", "ibis-framework", "duckdb", "pandas", "numpy", "scipy", "matplotlib")


@dataclass(frozen=True, kw_only=True)
class Provenance(Block):
    """What a number can be traced to: the book, its fingerprint, rows, versions and commit."""

    book: str
    fingerprint: str
    rows: Mapping[str, int]
    versions: Mapping[str, str]
    commit: str

    def json(self) -> Json:
        """The provenance as plain data, in the reader's words."""
        rows = (f"{name} {text.number(n)}" for name, n in self.rows.items())
        items = [
            (text.say("Book"), self.book),
            (text.say("Data fingerprint"), self.fingerprint),
            (text.say("Rows"), ", ".join(rows)),
            (text.say("Versions"), ", ".join(f"{k} {v}" for k, v in self.versions.items())),
        ]
        if self.commit:
            items.append((text.say("Code commit"), self.commit[:12]))
        return {
            "kind": "provenance",
            "title": text.say("Where this comes from"),
            "fingerprint": self.fingerprint,
            "versions": dict(self.versions),
            "items": [list(item) for item in items],
        }

    def __str__(self) -> str:
        return f"{self.book}: {self.fingerprint}"


def describe(
    book: str, tables: Mapping[str, ir.Table], files: Mapping[str, tuple[Path, ...]]
) -> Provenance:
    """The provenance of a book: files are hashed whole, tables of a database row by row."""
    digest = hashlib.sha256()
    for name in sorted(tables):
        digest.update(name.encode())
        for part in files.get(name, ()):
            with part.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        if name not in files:
            digest.update(str(_row_hash(tables[name])).encode())
    return Provenance(
        book=book,
        fingerprint=digest.hexdigest()[:16],
        rows={name: int(table.count().execute()) for name, table in tables.items()},
        versions=_versions(),
        commit=_commit(),
    )


def _row_hash(table: ir.Table) -> int:
    """A sum over hashed rows: the same whatever order the engine reads them in."""
    words = [table[column].cast("string").fill_null("\x1e") for column in table.columns]
    row = words[0]
    for word in words[1:]:
        row = row.concat("\x1f", word)
    total = (row.hash() % (1 << 31)).sum().execute()
    return 0 if pd.isna(total) else int(total)


@cache
def _versions() -> Mapping[str, str]:
    found = {}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


@cache
def _commit() -> str:
    """The commit of a checkout; empty for an installed package."""
    root = Path(__file__).resolve().parent.parent
    if not (root / ".git").exists():
        return ""
    try:
        asked = ["git", "-C", str(root), "rev-parse", "HEAD"]
        return subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return ""
