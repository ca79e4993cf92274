"""What happened in a run, kept beside each report: enough to run it again and to list it."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from crmkit import places
from crmkit.errors import ReportError
from crmkit.reports.digest import Digest
from crmkit.reports.parameters import Value
from crmkit.reports.run import Run

__all__ = ["Link", "Manifest", "code_hash", "file_hash", "read_manifest"]

NAME = "manifest.json"


@dataclass(frozen=True, kw_only=True)
class Link:
    """Where a reader can go from a report: `kind` is index, pdf, notebook, actions, language or
    previous; `label` is in the reader's words; `href` is relative to the report's folder."""  # noqa: D205, D209

    kind: str
    label: str
    href: str


@dataclass(frozen=True, kw_only=True)
class Manifest:
    """One report of one notebook, for one period, in one language.

    `settings` and `notebook` are relative to the folder that holds the site (a notebook that comes
    with crmkit is its bare name); `notebook_hash` is of its source, `code_hash` of crmkit's own
    code and templates; `ran_at` is UTC; `since`, of an attempt that gave no report, is when the
    first of the attempts in a row ran.
    """

    slug: str
    period: str
    as_of: str
    language: str
    formats: tuple[str, ...]
    settings: str
    notebook: str
    parameters: Mapping[str, Value]
    status: str
    seconds: float
    ran_at: str
    notebook_hash: str = ""
    code_hash: str = ""
    error_name: str = ""
    error: str = ""
    cell: int | None = None
    since: str = ""
    digest: Digest = field(default_factory=Digest)
    links: tuple[Link, ...] = ()

    @property
    def done(self) -> bool:
        """Whether there is a report."""
        return self.status == "done"

    @property
    def place(self) -> Path:
        """The report's folder inside the site."""
        return Path(self.slug, self.period, self.language)

    def write(self, folder: Path) -> None:
        """Write it into the report's folder."""
        words = json.dumps(asdict(self), ensure_ascii=False, indent=1)
        (folder / NAME).write_text(words + "\n", encoding="utf-8")

    def with_outcome(self, run: Run) -> "Manifest":
        """The manifest with what became of its run."""
        told = {name: getattr(run, name) for name in ("status", "seconds", "error_name", "error")}
        return Manifest(**{**_shallow(self), **told, "cell": run.cell})


def _shallow(manifest: Manifest) -> dict[str, object]:
    return {each.name: getattr(manifest, each.name) for each in fields(manifest)}


def read_manifest(folder: Path) -> Manifest:
    """The manifest in a report's folder.

    Fields that another version of crmkit added are passed over.

    Raises: ReportError where there is none, or one that lacks what this version needs.
    """
    path = folder / NAME
    try:
        return TypeAdapter(Manifest).validate_json(path.read_bytes())
    except FileNotFoundError:
        raise ReportError(
            f"There is no report in {folder.name!r}: it has no {NAME}. Give the folder of a "
            "published report, or its report.html."
        ) from None
    except ValidationError as error:
        raise ReportError(f"The {NAME} in {folder.name!r} cannot be read: {error}") from None


def file_hash(path: Path) -> str:
    """The SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@cache
def code_hash() -> str:
    """The SHA-256 of crmkit's own code and templates, in hexadecimal."""
    found = hashlib.sha256()
    package = Path(places.__file__).parent
    kinds = (package, "*.py"), (places.templates(), "*.*")
    for folder, kind in kinds:
        for path in sorted(folder.rglob(kind)):
            if path.is_file():
                found.update(path.relative_to(folder).as_posix().encode())
                found.update(file_hash(path).encode())
    return found.hexdigest()
