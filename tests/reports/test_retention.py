"""Old reports go, the last good one stays, and no link leads nowhere."""

from dataclasses import replace
from pathlib import Path

import pytest

from crmkit.reports.manifest import Manifest
from crmkit.reports.retention import expired, forget
from crmkit.reports.shelf import Shelf, read_shelf


def made(period: str, as_of: str, language: str = "en", status: str = "done") -> Manifest:
    return Manifest(
        slug="rfm",
        period=period,
        as_of=as_of,
        language=language,
        formats=("html",),
        settings="../crmkit.toml",
        notebook="04_rfm.ipynb",
        parameters={},
        status=status,
        seconds=1.0,
        ran_at="2011-12-01T00:00:00+00:00",
    )


MONTHS = [made(f"2011-{n:02d}", f"2011-{n:02d}-28") for n in range(1, 6)]
WEEK = made("2011-W02", "2011-01-16")
CHINESE = made("2011-01", "2011-01-28", "zh")


def test_so_many_periods_of_each_kind_and_language_stay() -> None:
    shelf = Shelf((*MONTHS, WEEK, CHINESE))
    assert expired(shelf, 2) == tuple(MONTHS[:3])
    assert expired(shelf, 5) == ()
    assert expired(shelf, 0) == ()


def test_the_last_good_report_stays_however_many_runs_failed_since() -> None:
    failed = tuple(replace(each, status="failed") for each in MONTHS[1:])
    assert expired(Shelf(tuple(MONTHS[:1]), failed), 1) == ()
    assert expired(Shelf((MONTHS[3],), failed), 1) == failed[:2]


@pytest.fixture
def site(tmp_path: Path) -> Path:
    for each in (MONTHS[0], CHINESE):
        folder = tmp_path / each.place
        folder.mkdir(parents=True)
        each.write(folder)
        (folder / "report.html").write_text("whole")
        (folder / "to call.csv").write_text("c1")
    return tmp_path


def test_a_page_stays_at_the_address_of_a_forgotten_report(site: Path) -> None:
    for each in (MONTHS[0], CHINESE):
        forget(each, site)
    assert read_shelf(site) == Shelf()
    left = sorted(p.relative_to(site).as_posix() for p in site.rglob("*") if p.is_file())
    assert left == ["rfm/2011-01/en/report.html", "rfm/2011-01/zh/report.html"]
    words = (site / "rfm/2011-01/en/report.html").read_text()
    assert "This report is no longer kept." in words
    assert 'href="../../../index.en.html"' in words
    assert "2011年1月" in (site / "rfm/2011-01/zh/report.html").read_text()


def test_a_forgotten_attempt_leaves_nothing_and_its_report_alone(site: Path) -> None:
    failed = replace(MONTHS[0], status="failed")
    alone = replace(failed, period="2011-02")
    for each in (failed, alone):
        folder = site / each.place / "attempt"
        folder.mkdir(parents=True)
        each.write(folder)
        forget(each, site)
    assert (site / "rfm/2011-01/en/report.html").read_text() == "whole"
    assert not (site / "rfm/2011-02/en").exists()
