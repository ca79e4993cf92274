"""Publication is one step: whatever stops it, the last site stays whole."""

import os
import random
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crmkit.errors import ReportError
from crmkit.reports.publish import Build, publishing

PAGES = 12


def _publish(out: Path, version: str, reports: tuple[str, ...] = ("a",)) -> None:
    with publishing(out) as build:
        for name in reports:
            _make(build, name, version)
        build.begin()
        for name in reports:
            build.put(build.work / name, Path(name))
        build.write("index.html", version)
        build.publish()


def _make(build: Build, name: str, version: str) -> None:
    (build.work / name).mkdir(parents=True)
    (build.work / name / "page").write_text(version)


def _content(site: Path) -> dict[str, str]:
    return {
        path.relative_to(site).as_posix(): path.read_text()
        for path in sorted(site.rglob("*"))
        if path.is_file()
    }


def test_a_later_build_keeps_what_it_does_not_replace(tmp_path: Path) -> None:
    _publish(tmp_path, "1", ("a", "b"))
    _publish(tmp_path, "2", ("b", "c"))
    expected = {"a/page": "1", "b/page": "2", "c/page": "2", "index.html": "2"}
    assert _content(tmp_path / "site") == expected
    assert (tmp_path / "site").readlink() == Path(".builds/2")


def test_the_build_before_is_kept_and_untouched(tmp_path: Path) -> None:
    for version in "1234":
        _publish(tmp_path, version)
    assert sorted(p.name for p in (tmp_path / ".builds").iterdir()) == ["3", "4"]
    assert _content(tmp_path / ".builds" / "3") == {"a/page": "3", "index.html": "3"}


def test_unchanged_reports_take_no_space(tmp_path: Path) -> None:
    _publish(tmp_path, "1", ("a", "b"))
    _publish(tmp_path, "2", ("b",))
    assert (tmp_path / "site" / "a" / "page").stat().st_nlink == 2


def test_without_hard_links_files_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OSError("no links here")

    _publish(tmp_path, "1", ("a", "b"))
    monkeypatch.setattr(os, "link", refuse)
    _publish(tmp_path, "2", ("b",))
    assert _content(tmp_path / "site") == {"a/page": "1", "b/page": "2", "index.html": "2"}


def test_an_error_changes_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    _publish(tmp_path, "1")
    with pytest.raises(ZeroDivisionError), publishing(tmp_path) as build:
        _make(build, "a", "2")
        build.begin()
        build.put(build.work / "a", Path("a"))
        1 / 0  # noqa: B018
    assert _content(tmp_path / "site") == {"a/page": "1", "index.html": "1"}
    assert [p.name for p in (tmp_path / ".builds").iterdir()] == ["1"]


def test_two_cannot_publish_at_once(tmp_path: Path) -> None:
    refused = pytest.raises(ReportError, match="Another run is publishing")
    with publishing(tmp_path), refused, publishing(tmp_path):
        pass
    _publish(tmp_path, "1")


def test_a_folder_of_someone_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "site").mkdir()
    with pytest.raises(ReportError, match="did not make"), publishing(tmp_path):
        pass


def test_what_a_killed_run_left_is_cleared(tmp_path: Path) -> None:
    _publish(tmp_path, "1")
    (tmp_path / ".builds" / "2").mkdir()
    (tmp_path / ".builds" / "2.work").mkdir()
    (tmp_path / ".site.2").symlink_to(".builds/2")
    _publish(tmp_path, "2")
    assert sorted(p.name for p in (tmp_path / ".builds").iterdir()) == ["1", "2"]
    assert sorted(p.name for p in tmp_path.iterdir()) == [".builds", ".lock", "site"]
    assert _content(tmp_path / "site") == {"a/page": "2", "index.html": "2"}


def test_a_link_that_leads_nowhere_starts_anew(tmp_path: Path) -> None:
    (tmp_path / "site").symlink_to(".builds/7")
    _publish(tmp_path, "1")
    assert _content(tmp_path / "site") == {"a/page": "1", "index.html": "1"}


LOOP = f"""
import os, signal, sys
from pathlib import Path
from crmkit.reports.publish import publishing

def loop(out, start):
    version = start
    while True:
        version += 1
        with publishing(out) as build:
            names = [str(n) for n in range({PAGES})]
            for name in names:
                (build.work / name).mkdir(parents=True)
                (build.work / name / "page").write_text(f"{{version}} " * 3000)
            build.begin()
            for name in names:
                build.put(build.work / name, Path(name))
            build.write("index.html", f"{{version}} " * 3000)
            build.publish()
        if version == start + 1:
            print("started", flush=True)

start = 0
while True:
    start += 1_000_000
    child = os.fork()
    if not child:
        loop(Path(sys.argv[1]), start)
    if not sys.stdin.readline():
        os.kill(child, signal.SIGKILL)
        break
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    print("killed", flush=True)
    sys.stdin.readline()
"""


def test_killed_at_random_moments_the_site_is_always_one_whole_version(tmp_path: Path) -> None:
    chance = random.Random(20111209)
    began = time.monotonic()
    _publish(tmp_path, "0", tuple(str(n) for n in range(PAGES)))
    once = time.monotonic() - began
    versions = set()
    command = [sys.executable, "-c", LOOP, str(tmp_path)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as driver:
        assert driver.stdin is not None
        assert driver.stdout is not None
        for _ in range(20):
            assert driver.stdout.readline() == "started\n"
            time.sleep(chance.uniform(0, 3 * once))
            print("kill", file=driver.stdin, flush=True)
            assert driver.stdout.readline() == "killed\n"
            content = _content(tmp_path / "site")
            assert len(content) == PAGES + 1
            assert len(set(content.values())) == 1, "pages of two versions"
            versions.add(content["index.html"])
            print("on", file=driver.stdin, flush=True)
        driver.stdout.readline()
        driver.stdin.close()
    assert len(versions) == 20
    _publish(tmp_path, "last")
    left = sorted(int(p.name) for p in (tmp_path / ".builds").iterdir())
    assert left[1] == left[0] + 1
