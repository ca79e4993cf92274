"""The README's commands exist and its Python runs."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

import crmkit as ck
from crmkit.simulate import simulate

ROOT = Path(__file__).resolve().parents[1]
PAGES = ("README.md", "CONTRIBUTING.md")


def _blocks(page: str, language: str) -> list[str]:
    words = (ROOT / page).read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", words, flags=re.DOTALL)


def test_every_make_target_it_names_is_there():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    for page in PAGES:
        for target in re.findall(r"\bmake (\w+)", " ".join(_blocks(page, "sh"))):
            assert re.search(rf"^{target}:", makefile, flags=re.MULTILINE), (page, target)


def test_every_command_and_option_it_names_is_there():
    words = "\n".join(block for page in PAGES for block in _blocks(page, "sh"))
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(CRMKIT)", "crmkit")
    commands = re.findall(r"crmkit (import|check|simulate|report|verify)\b(.*)", words + makefile)
    assert len(commands) >= 6
    options: dict[str, set[str]] = {}
    for command, rest in commands:
        options.setdefault(command, set()).update(re.findall(r"--[\w-]+", rest))
    for command, named in options.items():
        shown = subprocess.run(
            [sys.executable, "-m", "crmkit.cli", command, "--help"],
            capture_output=True,
            text=True,
            check=True,
            env={"COLUMNS": "200", "PATH": "", "NO_COLOR": "1", "TERM": "dumb"},
        ).stdout
        for option in sorted(named):
            assert option in shown, (command, option)


def test_every_file_it_links_is_there():
    for page in PAGES:
        words = (ROOT / page).read_text(encoding="utf-8")
        for target in re.findall(r"\]\(([^)#:]+)\)", words):
            assert (ROOT / target).exists(), (page, target)


@pytest.mark.parametrize("code", _blocks("README.md", "python"))
def test_its_python_runs(code, tmp_path, monkeypatch, capsys):
    simulate(preset="small", out=tmp_path)
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "README.md", "exec"), {"ck": ck})
    assert "%" in capsys.readouterr().out
