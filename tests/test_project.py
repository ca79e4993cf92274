"""The project's own files agree with each other."""

import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def _project() -> dict:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_environment_yml_agrees_with_pyproject():
    lines = (ROOT / "environment.yml").read_text(encoding="utf-8").splitlines()
    listed = [line.removeprefix("      - ") for line in lines if line.startswith("      - ")]
    assert listed == [*_project()["dependencies"], "-e ."]


def test_every_dependency_has_its_reason():
    words = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    for dependency in _project()["dependencies"]:
        line = next(line for line in words.splitlines() if f'"{dependency}"' in line)
        assert "#" in line, dependency


def test_every_dependency_is_locked():
    locked = (ROOT / "locks" / "run.txt").read_text(encoding="utf-8")
    for dependency in _project()["dependencies"]:
        name = dependency.split(">")[0].split("<")[0].split("[")[0]
        assert f"\n{name}==" in f"\n{locked}", dependency


def test_the_lock_files_name_no_host():
    for path in (ROOT / "locks").glob("*.txt"):
        words = path.read_text(encoding="utf-8")
        assert "://" not in words
        assert "index-url" not in words


def test_the_changelog_has_the_version():
    assert _project()["version"] in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_every_locked_package_has_a_licence_and_none_binds_our_own():
    locked = (ROOT / "locks" / "run.txt").read_text(encoding="utf-8")
    names = set(re.findall(r"^([\w.-]+)==", locked, re.MULTILINE))
    page = (ROOT / "locks" / "licences.md").read_text(encoding="utf-8")
    told = dict(re.findall(r"^\| ([\w.-]+) \| (.+) \|$", page, re.MULTILINE))
    assert set(told) - {"package"} == names
    assert not [name for name, words in told.items() if re.search(r"GPL|not said", words)]
