"""SIGKILL at 200 random moments over scheduled runs of all notebooks, to any of their processes."""

import datetime as dt
import json
import os
import random
import re
import signal
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote

import psutil
import pytest

from crmkit.book import connect
from crmkit.reports.notebooks import find_notebooks, slug
from crmkit.reports.schedule.runner import ledger_of
from crmkit.reports.shelf import read_shelf
from crmkit.settings import read_settings
from crmkit.simulate import simulate

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("CRMKIT_KILLS", "200"))
GAP = 3.0
"""Seconds between two kills of workers and kernels, on average."""
SCHEDULE = """
[schedule]
retries = 1000
backoff_minutes = 1

[[schedule.reports]]
name = "all"
notebooks = {notebooks}
every = "day"
at = 00:00:00
fresh_days = 400
formats = ["html", "pdf"]
"""


@dataclass
class Runs:
    """Scheduled runs one after the other, each on a clock an hour later than the one before."""

    settings: Path
    now: dt.datetime
    codes: list[int] = field(default_factory=list)
    kills: dict[str, int] = field(default_factory=dict)

    def start(self) -> subprocess.Popen[bytes]:
        self.now += dt.timedelta(hours=1)
        command = [sys.executable, "-m", "crmkit.cli", "due", str(self.settings), "--run"]
        return subprocess.Popen(
            [*command, "--now", self.now.isoformat()],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self, process: psutil.Process, kind: str) -> None:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(signal.SIGKILL)
            self.kills[kind] = self.kills.get(kind, 0) + 1


def test_whatever_is_killed_the_site_is_whole_and_each_period_comes_once(tmp_path: Path) -> None:
    simulate(preset="small", out=tmp_path)
    settings = tmp_path / "crmkit.toml"
    names = json.dumps([slug(path) for path in find_notebooks()])
    settings.write_text(settings.read_text() + SCHEDULE.format(notebooks=names))
    last = connect(settings).last_day()
    runs = Runs(settings, dt.datetime.combine(last, dt.time()) + dt.timedelta(days=1))
    chance = random.Random(20261125)

    began = time.monotonic()
    runs.codes.append(runs.start().wait())
    usual = time.monotonic() - began
    assert runs.codes == [0]
    _whole(tmp_path / "reports" / "site")

    while sum(runs.kills.values()) < KILLS:
        _disturbed(runs, chance, usual)
        _whole(tmp_path / "reports" / "site")
    assert runs.start().wait() == 0  # the next run completes
    _whole(tmp_path / "reports" / "site")
    _agree(settings)
    print(f"{runs.kills}, {len(runs.codes)} runs, codes {sorted(set(runs.codes))}")


def _disturbed(runs: Runs, chance: random.Random, usual: float) -> None:
    """A run with kills of what it started at random moments, and of itself at one."""
    started = runs.start()
    own = psutil.Process(started.pid)
    everything: dict[int, psutil.Process] = {}
    ends = time.monotonic() + chance.uniform(0, 1.1 * usual)
    while started.poll() is None and time.monotonic() < ends:
        time.sleep(min(chance.expovariate(1 / GAP), max(0.0, ends - time.monotonic())))
        with suppress(psutil.NoSuchProcess):
            children = own.children(recursive=True)
            everything |= {child.pid: child for child in children}
            if children and time.monotonic() < ends:
                runs.kill(chance.choice(children), "worker or kernel")
    if started.poll() is None:
        with suppress(psutil.NoSuchProcess):
            everything |= {child.pid: child for child in own.children(recursive=True)}
        runs.kill(own, "run")
    runs.codes.append(started.wait())
    _, left = psutil.wait_procs(everything.values(), timeout=20)
    assert not left, "processes outlive their run"


def _whole(site: Path) -> None:
    """Every report is complete, and everything that a page leads to is there."""
    shelf = read_shelf(site)
    for each in shelf.reports:
        folder = site / each.place
        assert each.done
        assert (folder / "report.html").read_text(encoding="utf-8").rstrip().endswith("</html>")
        pdf = (folder / "report.pdf").read_bytes()
        assert pdf.startswith(b"%PDF")
        assert pdf.rstrip().endswith(b"%%EOF")
        assert {"report.html", "report.pdf", "notebook.ipynb"} <= {p.name for p in folder.iterdir()}
    pages = [*site.glob("index*.html"), *site.glob("*/*/*/report.html")]
    assert len(pages) == 3 + len(shelf.reports)
    for page in pages:
        for href in re.findall(r'href="([^"#]+)', page.read_text(encoding="utf-8")):
            assert (page.parent / unquote(href)).exists(), (page, href)


def _agree(settings: Path) -> None:
    """What the ledger has as done is whole on the site, each period once.

    Of a period that is not done, reports whose notebooks ended before the kill may be there; the
    ledger tells that it failed and when it is tried again.
    """
    book = read_settings(settings)
    entries = ledger_of(book).entries()
    done = [entry.period for entry in entries if entry.status == "done"]
    assert len(done) == len(set(done))
    assert not [entry for entry in entries if entry.status == "running"]
    shelf = read_shelf(settings.parent / "reports" / "site")
    there = {(each.slug, each.period) for each in shelf.reports}
    (report,) = book.schedule.reports
    wanted = {(name, period) for name in report.notebooks for period in done}
    assert wanted <= there
    tried = {entry.period for entry in entries} - set(done)
    assert {period for _, period in there - wanted} <= tried
