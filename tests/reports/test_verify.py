"""A report is run again and compared; a difference is explained."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from crmkit.errors import ReportError
from crmkit.reports.digest import Digest, digest
from crmkit.reports.manifest import read_manifest
from crmkit.reports.pages import Renderer
from crmkit.reports.report import make_report
from crmkit.reports.run import Job, Run
from crmkit.reports.verify import verify


def _ran(jobs: list[Job], **_: object) -> tuple[Run, ...]:
    """Runs that are done at once: the notebook as it is, with nothing shown."""
    for job in jobs:
        job.output.mkdir(parents=True, exist_ok=True)
        shutil.copy(job.notebook, job.output / "notebook.ipynb")
    return tuple(Run(job=job, status="done") for job in jobs)


@pytest.fixture
def report(firm: Path, tmp_path: Path, renderer: Renderer, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("crmkit.reports.report.run_notebooks", _ran)
    monkeypatch.setattr("crmkit.reports.verify.run_notebooks", _ran)
    made = make_report(
        firm / "crmkit.toml",
        notebooks=["good"],
        folder=firm / "books",
        renderer=renderer,
        period="2011-11",
        out=tmp_path / "out",
    )
    return made.site / "good" / "2011-11" / "en"


@pytest.mark.parametrize("name", ["", "report.html", "report.pdf"])
def test_a_report_is_named_by_its_folder_or_a_file(
    report: Path, name: str, renderer: Renderer
) -> None:
    assert verify(report / name, renderer=renderer).same


def test_a_relative_path_through_the_link_will_do(
    report: Path, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(report.parent)
    assert verify(Path("en", "report.html"), renderer=renderer).same


def test_a_changed_page_is_shown_by_its_first_differing_line(
    report: Path, renderer: Renderer
) -> None:
    page = report / "report.html"
    kept = page.read_text(encoding="utf-8")
    page.write_text(kept.replace('"# All reports"', '"# No reports"'), encoding="utf-8")
    verdict = verify(report, renderer=renderer)
    assert verdict.reasons == (
        "report.html differs: line 4 was '\"# No reports\",', now it is '\"# All reports\",'.",
    )


def test_a_longer_page_differs_at_its_end(report: Path, renderer: Renderer) -> None:
    page = report / "report.pdf"
    page.write_bytes(page.read_bytes() + b"%")
    verdict = verify(report, renderer=renderer)
    assert verdict.reasons == ("report.pdf differs: line 1 was '%PDF 4%', now it is '%PDF 4'.",)


@pytest.mark.parametrize(
    ("changed", "why"),
    [
        (
            {"digest": Digest(versions={"numpy": "2.0", "duckdb": "1"})},
            (
                "duckdb changed: it was 1, now it is absent.",
                "numpy changed: it was 2.0, now it is absent.",
            ),
        ),
        ({"code_hash": "old"}, ("The code or the templates of crmkit changed.",)),
        ({"notebook_hash": "old"}, ("The notebook 01_good.ipynb changed.",)),
        (
            {"digest": Digest(fingerprint="abd")},
            ("The data changed: its fingerprint was abd, now it is .",),
        ),
    ],
)
def test_causes_are_named_before_bytes(
    report: Path, renderer: Renderer, changed: dict[str, object], why: tuple[str, ...]
) -> None:
    (report / "report.pdf").write_bytes(b"other")
    replace(read_manifest(report), **changed).write(report)
    assert verify(report, renderer=renderer).reasons == why


def test_an_upgrade_that_changes_no_byte_is_no_difference(report: Path, renderer: Renderer) -> None:
    replace(read_manifest(report), digest=Digest(versions={"numpy": "1"})).write(report)
    assert verify(report, renderer=renderer).same


def test_a_notebook_that_now_fails_differs(
    report: Path, renderer: Renderer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failed(jobs: list[Job], **_: object) -> tuple[Run, ...]:
        return tuple(Run(job=j, status="failed", error_name="E", error="no") for j in jobs)

    monkeypatch.setattr("crmkit.reports.verify.run_notebooks", failed)
    reasons = verify(report, renderer=renderer).reasons
    assert reasons == ("This time the notebook was failed: E: no",)


def _without_manifest(report: Path) -> Path:
    (report / "manifest.json").unlink()
    return report


def _without_notebook(report: Path) -> Path:
    replace(read_manifest(report), notebook="../gone.ipynb").write(report)
    return report


def _without_settings(report: Path) -> Path:
    replace(read_manifest(report), settings="../gone.toml").write(report)
    return report


def _elsewhere(report: Path) -> Path:
    return report.parents[5]


def _garbled(report: Path) -> Path:
    (report / "manifest.json").write_text("{}")
    return report


@pytest.mark.parametrize(
    ("spoil", "told"),
    [
        (lambda report: report / "none", "There is nothing at"),
        (_elsewhere, "is not the folder of a published report"),
        (_without_manifest, "has no manifest.json"),
        (_garbled, "cannot be read"),
        (_without_notebook, "'gone.ipynb', is not there any more"),
        (_without_settings, "'gone.toml', are not where they were"),
    ],
)
def test_what_cannot_be_verified_is_said(
    report: Path, spoil: Callable[[Path], Path], told: str, renderer: Renderer
) -> None:
    with pytest.raises(ReportError, match=told):
        verify(spoil(report), renderer=renderer)


def test_moved_settings_can_be_given(report: Path, firm: Path, renderer: Renderer) -> None:
    _without_settings(report)
    assert verify(report, settings_path=firm / "crmkit.toml", renderer=renderer).same


def test_an_executed_notebook_without_blocks_says_nothing_of_itself(report: Path) -> None:
    from crmkit.reports.ipynb import read_notebook

    told = digest(read_notebook(report / "notebook.ipynb"))
    assert told == Digest(title="All reports")
