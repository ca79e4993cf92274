"""From a settings file to a published site, with fake notebooks."""

import datetime as dt
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from crmkit.errors import ParameterError
from crmkit.reports.manifest import read_manifest
from crmkit.reports.pages import Renderer
from crmkit.reports.report import Published, make_report
from crmkit.reports.run import Job, Run
from crmkit.reports.verify import verify

Write = Callable[..., Path]


@pytest.fixture(scope="module")
def make(firm: Path, renderer: Renderer) -> Callable[..., Published]:
    def made(**asked: object) -> Published:
        folder = firm / "books"
        return make_report(firm / "crmkit.toml", folder=folder, renderer=renderer, **asked)

    return made


@pytest.fixture(scope="module")
def november(make: Callable[..., Published]) -> Published:
    return make(period="2011-11", languages=["en", "zh"], parameters={"bins": "7"})


@pytest.fixture(scope="module")
def good(november: Published) -> Path:
    return november.site / "good" / "2011-11" / "en"


def files(folder: Path) -> list[str]:
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_each_report_has_its_folder(november: Published) -> None:
    assert files(november.site) == [
        *(
            f"{slug}/2011-11/{language}/attempt/{name}"
            for slug in ("bad",)
            for language in ("en", "zh")
            for name in ("manifest.json", "notebook.ipynb")
        ),
        *(
            f"good/2011-11/{language}/{name}"
            for language in ("en", "zh")
            for name in (
                "actions/call them.csv",
                "manifest.json",
                "notebook.ipynb",
                "report.html",
                "report.pdf",
            )
        ),
        *(f"good/latest.{language}.html" for language in ("en", "zh")),
        "index.en.html",
        "index.html",
        "index.zh.html",
        *(
            f"left_out/2011-11/{language}/attempt/{name}"
            for language in ("en", "zh")
            for name in ("manifest.json", "notebook.ipynb")
        ),
    ]


def test_failures_are_told_apart_from_what_is_left_out(november: Published) -> None:
    ended = [(each.slug, each.language, each.status) for each in november.reports]
    assert ended == [
        ("good", "en", "done"),
        ("good", "zh", "done"),
        ("bad", "en", "failed"),
        ("bad", "zh", "failed"),
        ("left_out", "en", "skipped"),
        ("left_out", "zh", "skipped"),
    ]
    assert [each.slug for each in november.failed] == ["bad", "bad"]


def test_the_manifest_says_what_it_takes_to_run_again(good: Path) -> None:
    manifest = read_manifest(good)
    assert manifest.parameters == {
        "source": "crmkit.toml",
        "as_of": "2011-11-30",
        "language": "en",
        "bins": 7,
    }
    assert (manifest.settings, manifest.notebook) == ("../crmkit.toml", "../books/01_good.ipynb")
    assert manifest.digest.title == "All reports"
    assert manifest.digest.headline == "7 groups until 2011-11-30"
    assert [(f.label, f.value, f.verdict) for f in manifest.digest.figures] == [
        ("Customers", "7", "good")
    ]
    assert manifest.digest.fingerprint == "abc"
    assert dt.datetime.fromisoformat(manifest.ran_at).utcoffset() == dt.timedelta(0)


def test_links_lead_somewhere(good: Path) -> None:
    manifest = read_manifest(good)
    assert [(link.kind, link.label, link.href) for link in manifest.links] == [
        ("index", "All reports", "../../../index.en.html"),
        ("pdf", "PDF", "report.pdf"),
        ("actions", "call them.csv", "actions/call them.csv"),
        ("notebook", "Executed notebook", "notebook.ipynb"),
        ("language", "简体中文", "../zh/report.html"),
    ]
    assert all((good / link.href).exists() for link in manifest.links)
    page = json.loads((good / "report.html").read_text(encoding="utf-8"))
    assert page[1] == [[link.label, link.href] for link in manifest.links]


def test_no_report_names_a_place_of_this_machine(good: Path, firm: Path) -> None:
    for path in good.rglob("*"):
        if path.is_file():
            assert str(firm).encode() not in path.read_bytes(), path.name


def test_the_readers_language_reaches_notebook_and_links(november: Published) -> None:
    folder = november.site / "good" / "2011-11" / "zh"
    assert read_manifest(folder).parameters["language"] == "zh"
    words = [link.label for link in read_manifest(folder).links]
    assert words == ["全部报告", "PDF", "call them.csv", "运行后的笔记本", "English"]


def test_the_next_run_keeps_and_leads_back_to_this_one(
    make: Callable[..., Published], november: Published, good: Path, firm: Path
) -> None:
    before = {name: (good / name).read_bytes() for name in files(good)}
    again = make(notebooks=["good"], last_day=lambda: dt.date(2011, 12, 9), formats=["html"])
    assert [each.period for each in again.reports] == ["2011-12-09"]
    folder = again.site / "good" / "2011-12-09" / "en"
    links = {link.kind: link.href for link in read_manifest(folder).links}
    assert links["previous"] == "../../2011-11/en/report.html"
    assert "pdf" not in links
    assert not (folder / "report.pdf").exists()
    assert {name: (good / name).read_bytes() for name in files(good)} == before
    assert sorted(p.name for p in (firm / "reports").iterdir()) == [".builds", ".lock", "site"]


def test_the_same_inputs_give_the_same_bytes(
    make: Callable[..., Published], good: Path, tmp_path: Path
) -> None:
    again = make(
        notebooks=["01_good"],
        period="2011-11",
        languages=["en", "zh"],
        parameters={"bins": 7},
        out=tmp_path,
    )
    folder = again.site / "good" / "2011-11" / "en"
    for name in ("report.html", "report.pdf", "notebook.ipynb", "actions/call them.csv"):
        assert (folder / name).read_bytes() == (good / name).read_bytes(), name


def test_a_report_verifies_until_its_data_changes(
    good: Path, firm: Path, renderer: Renderer
) -> None:
    assert verify(good / "report.html", renderer=renderer).same
    (firm / "data.txt").write_text("abd")
    try:
        verdict = verify(good, renderer=renderer)
    finally:
        (firm / "data.txt").write_text("abc")
    assert verdict.reasons == ("The data changed: its fingerprint was abc, now it is abd.",)


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"notebooks": ["god"]}, "no notebook 'god'. Did you mean 'good'"),
        ({"parameters": {"binz": 1}}, "Did you mean 'bins'"),
        ({"parameters": {"bins": "x"}}, "takes a whole number"),
        ({"parameters": {"as_of": "2011-01-01"}}, "set by --as-of or --period"),
        ({"period": "2011-13"}, "is not a period"),
        ({"languages": ["fr"]}, "no language 'fr'"),
        ({"formats": ["docx"]}, "no format 'docx'"),
    ],
)
def test_the_impossible_is_refused_before_anything_runs(
    make: Callable[..., Published],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    asked: dict[str, object],
    told: str,
) -> None:
    monkeypatch.setattr("crmkit.reports.report.run_notebooks", None)
    with pytest.raises(ParameterError, match=told):
        make(**{"period": "2011-11", "out": tmp_path, **asked})


def _instead(status: str, error: str = "") -> Callable[..., tuple[Run, ...]]:
    """Runs that end so, at once, without a kernel."""

    def ran(jobs: list[Job], **_: object) -> tuple[Run, ...]:
        for job in jobs:
            job.output.mkdir(parents=True)
            shutil.copy(job.notebook, job.output / "notebook.ipynb")
        return tuple(Run(job=job, status=status, error=error) for job in jobs)

    return ran


def test_a_failure_leaves_the_earlier_report_until_the_next_success(
    make: Callable[..., Published], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"notebooks": ["good"], "period": "2011-11", "out": tmp_path}
    place = Path("good", "2011-11", "en")

    def run(status: str) -> Path:
        monkeypatch.setattr("crmkit.reports.report.run_notebooks", _instead(status, "Oh, <no>."))
        return make(**asked).site

    site = run("done")
    page = (site / place / "report.html").read_bytes()
    assert "Oh, " not in (site / "index.html").read_text()
    run("failed")
    assert (site / place / "report.html").read_bytes() == page
    assert read_manifest(site / place).done
    assert read_manifest(site / place / "attempt").error == "Oh, <no>."
    assert "Oh, &lt;no&gt;." in (site / "index.html").read_text()
    run("done")
    assert not (site / place / "attempt").exists()
    assert "Oh, " not in (site / "index.html").read_text()


def test_a_page_that_cannot_be_made_fails_its_report_only(
    firm: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, renderer: Renderer
) -> None:
    class Picky:
        def html(self, notebook: object, *, links: object) -> str:
            if "1 / 0" in str(notebook):
                raise RecursionError("too deep")
            return renderer.html(notebook, links=links)

        def pdf(self, notebook: object) -> bytes | None:
            return None

    monkeypatch.setattr("crmkit.reports.report.run_notebooks", _instead("done"))
    made = make_report(
        firm / "crmkit.toml",
        folder=firm / "books",
        renderer=Picky(),
        period="2011-11",
        out=tmp_path,
    )
    assert [(each.status, each.error) for each in made.reports] == [
        ("done", ""),
        ("failed", "too deep"),
        ("done", ""),
    ]
    assert made.reports[0].formats == ("html",)
    assert [link.kind for link in made.reports[0].links] == ["index", "notebook"]


SCRIPT = """
import sys
from pathlib import Path
from crmkit.reports.report import make_report

class Quick:
    def html(self, notebook, *, links):
        return repr([(c.source, c.get("outputs")) for c in notebook.cells]) * 50
    def pdf(self, notebook):
        return self.html(notebook, links=()).encode()

firm, bins = Path(sys.argv[1]), sys.argv[2]
print("ready", flush=True)
asked = dict(folder=firm / "quick", period="2011-11", parameters={"bins": bins})
make_report(firm / "crmkit.toml", renderer=Quick(), out=firm / "killed", **asked)
print("published", flush=True)
"""


def _whole(site: Path) -> str:
    """The version that every page of the site has."""
    versions = set()
    for path in site.rglob("manifest.json"):
        manifest = read_manifest(path.parent)
        value = str(manifest.parameters["bins"])
        assert manifest.done
        for name in ("report.html", "report.pdf", "notebook.ipynb"):
            assert f"bins = {value}" in (path.parent / name).read_text(), "a page of another run"
        for link in manifest.links:
            assert (path.parent / link.href).exists()
        assert f"{value} groups" in (site / "index.html").read_text()
        assert f'href="{manifest.place}/report.html"' in (site / "index.html").read_text()
        versions.add(value)
    (version,) = versions
    return version


@pytest.mark.notebook
@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes in /proc")
def test_killed_at_eight_random_moments_the_published_site_stays_whole(
    firm: Path, fake_notebook: Write, show: str
) -> None:
    (firm / "quick").mkdir()
    for name in ("01_one", "02_two"):
        fake_notebook(firm / "quick" / f"{name}.ipynb", show)
    site = firm / "killed" / "site"

    def run(bins: int, seconds: float | None = None) -> float:
        """Run to the end, or kill after so many seconds; how long it took."""
        command = [sys.executable, "-c", SCRIPT, str(firm), str(bins)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, start_new_session=True) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == b"ready\n"
            began = time.monotonic()
            if seconds is None:
                assert process.wait() == 0
            else:
                time.sleep(seconds)
                os.killpg(process.pid, signal.SIGKILL)
        return time.monotonic() - began

    whole = run(1000)
    published, chance = _whole(site), random.Random(20111209)
    for moment in range(8):
        run(2000 + moment, chance.uniform(0, whole))
        assert _whole(site) in (published, str(2000 + moment))
        published = _whole(site)
    assert _none_left(firm), "processes outlived their run"
    run(3000)
    assert _whole(site) == "3000"
    assert len(list((firm / "killed" / ".builds").iterdir())) == 2


def _none_left(firm: Path) -> bool:
    """Whether no process that runs in the firm's folder is left, after a moment to notice."""
    end = time.monotonic() + 10
    while time.monotonic() < end:
        if not any(_runs_in(process, firm) for process in Path("/proc").glob("[0-9]*")):
            return True
        time.sleep(0.1)
    return False


def _runs_in(process: Path, folder: Path) -> bool:
    try:
        return (process / "cwd").readlink() == folder
    except OSError:
        return False
