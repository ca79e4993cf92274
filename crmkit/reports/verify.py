"""Proves a published report: runs it again and compares the bytes."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from crmkit import places
from crmkit.errors import ReportError
from crmkit.reports.digest import Digest, digest
from crmkit.reports.guard import Limits
from crmkit.reports.ipynb import read_notebook
from crmkit.reports.manifest import Manifest, code_hash, file_hash, read_manifest
from crmkit.reports.pages import Renderer, default_renderer, pages
from crmkit.reports.run import Job, Progress, Run, run_notebooks
from crmkit.settings import Settings, read_settings

__all__ = ["Verdict", "verify"]

_LONG = 120


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """Whether a report comes out the same again; `reasons` say why not."""

    manifest: Manifest
    reasons: tuple[str, ...] = ()

    @property
    def same(self) -> bool:
        """Whether every page came out byte by byte the same."""
        return not self.reasons


def verify(
    report: Path | str,
    *,
    settings_path: Path | str | None = None,
    time_limit: float = 900.0,
    progress: Progress | None = None,
    renderer: Renderer | None = None,
) -> Verdict:
    """Run a published report again, into a folder of its own, and compare the bytes.

    Parameters: `report`, its folder, or a file in it; `settings_path`, where the settings are no
    longer where they were; `time_limit` in seconds; `progress`, called after each cell.
    Returns: Verdict.
    Raises: ReportError where there is no report, or its notebook or settings are gone.
    """
    folder = _folder(Path(report))
    manifest = read_manifest(folder)
    if not manifest.done:
        raise ReportError(f"{manifest.slug} for {manifest.period} was not made; nothing to verify.")
    out = folder.parents[4]
    settings = _settings(manifest, out, settings_path)
    notebook = _notebook(manifest, out)
    with tempfile.TemporaryDirectory(prefix="crmkit-verify-") as temporary:
        run = _run(manifest, notebook, settings, Path(temporary), time_limit, progress)
        if run.status != "done":
            return Verdict(manifest=manifest, reasons=(_not_done(run),))
        again = pages(
            run.executed,
            formats=manifest.formats,
            links=manifest.links,
            language=manifest.language,
            currency=settings.book.currency,
            renderer=renderer or default_renderer(),
        )
        told = digest(read_notebook(run.executed))
    differing = _differences(folder, manifest, again)
    if not differing:
        return Verdict(manifest=manifest)
    why = _causes(manifest, told, file_hash(notebook))
    return Verdict(manifest=manifest, reasons=tuple(why) or tuple(differing))


def _folder(report: Path) -> Path:
    """The report's real folder: `<out>/.builds/<n>/<slug>/<period>/<language>`."""
    if not report.exists():
        raise ReportError(
            f"There is nothing at {str(report)!r}. Give the folder of a published report, "
            "such as reports/site/rfm/2011-11/en, or its report.html."
        )
    folder = report.resolve()
    folder = folder.parent if folder.is_file() else folder
    if [above.name for above in folder.parents][3:4] != [".builds"]:
        raise ReportError(
            f"{str(report)!r} is not the folder of a published report. Give one such as "
            "reports/site/rfm/2011-11/en, or its report.html."
        )
    return folder


def _settings(manifest: Manifest, out: Path, given: Path | str | None) -> Settings:
    path = Path(given) if given is not None else out / manifest.settings
    if not path.exists():
        raise ReportError(
            f"The settings of this report, {path.name!r}, are not where they were. "
            "Give their path with --settings."
        )
    return read_settings(path)


def _notebook(manifest: Manifest, out: Path) -> Path:
    bare = len(Path(manifest.notebook).parts) == 1
    path = (places.notebooks() if bare else out) / manifest.notebook
    if not path.exists():
        raise ReportError(f"The notebook of this report, {path.name!r}, is not there any more.")
    return path


def _run(
    manifest: Manifest,
    notebook: Path,
    settings: Settings,
    folder: Path,
    time_limit: float,
    progress: Progress | None,
) -> Run:
    job = Job(
        name=f"{manifest.slug} {manifest.language}",
        notebook=notebook,
        language=manifest.language,
        parameters=manifest.parameters,
        output=folder,
        folder=settings.folder,
    )
    return run_notebooks([job], limits=Limits(seconds=time_limit), progress=progress)[0]


def _not_done(run: Run) -> str:
    return f"This time the notebook was {run.status}: {run.error_name}: {run.error}"


def _causes(manifest: Manifest, told: Digest, notebook_hash: str) -> list[str]:
    """What has changed since the report was made."""
    found = []
    before, after = manifest.digest.fingerprint, told.fingerprint
    if before != after:
        found.append(f"The data changed: its fingerprint was {before}, now it is {after}.")
    if manifest.notebook_hash != notebook_hash:
        found.append(f"The notebook {Path(manifest.notebook).name} changed.")
    if manifest.code_hash != code_hash():
        found.append("The code or the templates of crmkit changed.")
    return found + _upgrades(manifest.digest.versions, told.versions)


def _upgrades(before: Mapping[str, str], after: Mapping[str, str]) -> list[str]:
    return [
        f"{name} changed: it was {before.get(name, 'absent')}, now it is "
        f"{after.get(name, 'absent')}."
        for name in sorted({*before, *after})
        if before.get(name) != after.get(name)
    ]


def _differences(folder: Path, manifest: Manifest, again: dict[str, bytes]) -> list[str]:
    found = []
    for name in manifest.formats:
        kept = (folder / f"report.{name}").read_bytes()
        if name not in again:
            found.append(f"report.{name} cannot be made here.")
        elif kept != again[name]:
            found.append(f"report.{name} differs: {_first_difference(kept, again[name])}")
    return found


def _first_difference(kept: bytes, again: bytes) -> str:
    pairs = enumerate(zip(kept, again, strict=False))
    at = next((place for place, (a, b) in pairs if a != b), min(len(kept), len(again)))
    line = kept.count(b"\n", 0, at)
    was, now = (_line(each, at) for each in (kept, again))
    return f"line {line + 1} was {was!r}, now it is {now!r}."


def _line(content: bytes, at: int) -> str:
    """The differing line, or the part of a long one around the difference."""
    start = content.rfind(b"\n", 0, at) + 1
    end = content.find(b"\n", at)
    line = content[start : end if end >= 0 else len(content)]
    first = max(0, at - start - _LONG // 3)
    return line[first : first + _LONG].decode("utf-8", "replace")
