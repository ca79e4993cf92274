"""A full disk, a folder without rights, a store written meanwhile: the last good site stays."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from crmkit.disk import alone
from crmkit.errors import InputError, ReportError
from crmkit.imports import import_tables
from crmkit.reports.report import make_report
from crmkit.settings import read_settings

OWN_DISK = ["unshare", "--user", "--map-root-user", "--mount"]


def _may_mount() -> bool:
    try:
        return not subprocess.run([*OWN_DISK, "true"], check=False, capture_output=True).returncode
    except FileNotFoundError:
        return False


own_disk = pytest.mark.skipif(not _may_mount(), reason="may not mount a small disk here")

REPORTS = """
import json, os, subprocess, sys
from pathlib import Path
from crmkit.errors import CrmkitError
from crmkit.reports.report import make_report

firm = Path(sys.argv[1])
disk = firm / "disk"
disk.mkdir()
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=3m", "none", disk], check=True)

class Pages:
    def html(self, notebook, *, links):
        return Path(firm, "data.txt").read_text() * 20_000
    def pdf(self, notebook):
        return None

def run():
    try:
        made = make_report(firm / "crmkit.toml", folder=firm / "books", notebooks=["good"],
                           out=disk, as_of="2011-12-09", renderer=Pages())
        return [each.status for each in made.reports]
    except CrmkitError as error:
        return str(error)

def site():
    pages = sorted((disk / "site").rglob("*.html"))
    return {str(page.relative_to(disk / "site")): page.read_text() for page in pages}

def fill(left):
    free = os.statvfs(disk)
    ballast = os.open(disk / "ballast", os.O_WRONLY | os.O_CREAT)
    os.posix_fallocate(ballast, 0, free.f_bavail * free.f_frsize - left)
    os.close(ballast)

told = {"first": run()}
good = site()
for left in (0, 20_000, 60_000):
    fill(left)
    told[f"full {left}"] = run()
    told[f"same {left}"] = site() == good
    (disk / "ballast").unlink()
subprocess.run(["mount", "-o", "remount,ro", disk], check=True)
told["forbidden"] = run()
told["same forbidden"] = site() == good
subprocess.run(["mount", "-o", "remount,rw", disk], check=True)
(firm / "data.txt").write_text("xyz")
told["again"] = run()
told["new"] = all("xyz" in words for name, words in site().items() if "report" in name)
told["left"] = sorted(p.name for p in (disk / ".builds").iterdir())
print(json.dumps(told))
"""


@own_disk
def test_a_full_or_read_only_disk_leaves_the_last_good_site(
    tmp_path: Path, fake_notebook, show: str
) -> None:
    (tmp_path / "crmkit.toml").write_text('[book]\nname="F"\ntimezone="UTC"\ncurrency="EUR"\n')
    (tmp_path / "data.txt").write_text("abc")
    (tmp_path / "books").mkdir()
    fake_notebook(tmp_path / "books" / "01_good.ipynb", show)
    told = _elsewhere(REPORTS, tmp_path)
    assert told["first"] == ["done"]
    for left in (0, 20_000, 60_000):
        assert "The disk of 'disk' is full" in told[f"full {left}"]
        assert told[f"same {left}"]
    assert "may not be written to" in told["forbidden"]
    assert told["same forbidden"]
    assert told["again"] == ["done"]
    assert told["new"]
    assert told["left"] == ["1", "2"]


IMPORT = """
import json, subprocess, sys
from pathlib import Path
from crmkit.errors import CrmkitError
from crmkit.imports import import_tables
from crmkit.settings import read_settings

firm = Path(sys.argv[1])
(firm / "disk").mkdir()
subprocess.run(["mount", "-t", "tmpfs", "-o", "size=400k", "none", firm / "disk"], check=True)

def run():
    try:
        return import_tables(read_settings(firm)).table("agents").stored
    except CrmkitError as error:
        return str(error)

def store():
    return (firm / "disk" / "store" / "agents.parquet").read_bytes().hex()

def write(rows):
    lines = "".join(f"{n * 7919 % rows},{n * 104729 % 99991}\\n" for n in range(rows))
    (firm / "agents.csv").write_text("id,group\\n" + lines)

write(3)
told = {"first": run()}
good = store()
write(200_000)
told["full"] = run()
told["same"] = store() == good
write(4)
told["again"] = run()
told["left"] = sorted(p.name for p in (firm / "disk").iterdir())
print(json.dumps(told))
"""
AGENTS = """[book]
name = "F"
timezone = "UTC"
currency = "EUR"
store = "{store}"

[tables.agents]
from = "agents.csv"
columns = {{agent_id = "id", team = "group"}}
"""


@own_disk
def test_an_import_onto_a_full_disk_leaves_the_store_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "crmkit.toml").write_text(AGENTS.format(store="disk/store"))
    told = _elsewhere(IMPORT, tmp_path)
    assert told["first"] == 3
    assert "The disk of 'disk' is full" in told["full"]
    assert told["same"]
    assert told["again"] == 4
    assert told["left"] == [".store.lock", "store"]


def _elsewhere(script: str, folder: Path) -> dict:
    """What a script tells that runs where it may mount disks of its own."""
    ran = subprocess.run(
        [*OWN_DISK, sys.executable, "-c", script, str(folder)],
        capture_output=True, text=True, check=False, env=dict(os.environ), timeout=120,
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout.splitlines()[-1])


@pytest.fixture
def agents(tmp_path: Path) -> Path:
    (tmp_path / "crmkit.toml").write_text(AGENTS.format(store="store"))
    (tmp_path / "agents.csv").write_text("id,group\n1,north\n")
    import_tables(read_settings(tmp_path))
    return tmp_path


def test_two_imports_do_not_write_at_once(agents: Path) -> None:
    refused = pytest.raises(InputError, match="Another import is writing to 'store'")
    with alone(agents / ".store.lock", InputError("")), refused:
        import_tables(read_settings(agents))
    assert import_tables(read_settings(agents)).table("agents").stored == 1


def test_reports_of_a_store_that_was_written_meanwhile_are_not_published(
    agents: Path, fake_notebook, show: str, renderer
) -> None:
    (agents / "data.txt").write_text("abc")
    (agents / "books").mkdir()

    def run(*cells: str):
        fake_notebook(agents / "books" / "01_all.ipynb", *cells, show)
        return make_report(agents, folder=agents / "books", as_of="2011-12-09", renderer=renderer)

    importing = """from crmkit.imports import import_tables
from crmkit.settings import read_settings
import_tables(read_settings("."));"""
    published = run()
    before = {p: p.read_bytes() for p in published.site.rglob("*") if p.is_file()}
    (agents / "agents.csv").write_text("id,group\n1,north\n2,south\n")
    with pytest.raises(ReportError, match="'store' was written while"):
        run(importing)
    assert {p: p.read_bytes() for p in published.site.rglob("*") if p.is_file()} == before
    assert [each.status for each in run().reports] == ["done"]
