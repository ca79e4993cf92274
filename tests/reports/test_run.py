"""Notebooks run in processes of their own, and end whole."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest

from crmkit.reports.guard import Limits
from crmkit.reports.ipynb import read_notebook
from crmkit.reports.run import Job, Run, Step, run_notebooks

Write = Callable[..., Path]

CELLS = {
    "good": ["import os\nprint(os.getcwd(), os.environ['MPLBACKEND'], bins)", "hash('a')"],
    "bad": ["'before'", "raise ValueError('no 数 here')", "'after'"],
    "left_out": ["from crmkit.errors import Skip\nraise Skip('no table')"],
    "dead": ["import os, signal\nos.kill(os.getpid(), signal.SIGKILL)"],
}


RUNNER = """
import sys
from pathlib import Path
from crmkit.reports.run import Job, run_notebooks
notebook, folder = map(Path, sys.argv[1:])
run_notebooks([Job(name="slow", notebook=notebook, language="en", parameters={},
                   output=folder / "out", folder=folder)])
"""


def job(notebook: Path, folder: Path, language: str = "en") -> Job:
    return Job(
        name=notebook.stem,
        notebook=notebook,
        language=language,
        parameters={"bins": 7, "language": language},
        output=folder / "out {1}" / notebook.stem,
        folder=folder,
    )


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    return []


@pytest.fixture(scope="module")
def runs(
    tmp_path_factory: pytest.TempPathFactory, fake_notebook: Write, steps: list[Step]
) -> dict[str, Run]:
    folder = tmp_path_factory.mktemp("run")
    paths = [fake_notebook(folder / f"{name}.ipynb", *cells) for name, cells in CELLS.items()]
    jobs = [job(path, folder, "zh" if path.stem == "good" else "en") for path in paths]
    return {run.job.name: run for run in run_notebooks(jobs, progress=steps.append)}


def test_each_ends_in_its_own_way(runs: dict[str, Run]) -> None:
    ended = {name: (run.status, run.error_name, run.error, run.cell) for name, run in runs.items()}
    assert ended == {
        "good": ("done", "", "", None),
        "bad": ("failed", "ValueError", "no 数 here", 4),
        "left_out": ("skipped", "Skip", "no table", 3),
        "dead": ("killed", "DeadKernelError", "Kernel died", None),
    }
    assert all(run.seconds > 0 for run in runs.values())


def test_the_notebook_sees_its_folder_and_parameters(runs: dict[str, Run]) -> None:
    run = runs["good"]
    printed = read_notebook(run.executed).cells[3].outputs[0].text
    assert printed == f"{run.job.folder} agg 7\n"


def test_the_executed_notebook_tells_no_time_and_no_place(runs: dict[str, Run]) -> None:
    run = runs["good"]
    notebook = read_notebook(run.executed)
    assert notebook.metadata.papermill == {
        "parameters": {"bins": 7, "language": "zh"},
        "status": "done",
    }
    assert all(
        "papermill" not in c.metadata and "execution" not in c.metadata for c in notebook.cells
    )
    assert [cell.id for cell in notebook.cells][:3] == ["cell-0", "cell-1", "injected-parameters"]


def test_a_failed_notebook_is_kept_with_its_error_at_the_top(runs: dict[str, Run]) -> None:
    cells = read_notebook(runs["bad"].executed).cells
    assert "papermill-error-cell" in cells[0].source
    told = [out for cell in cells for out in cell.get("outputs", [])]
    assert [out.get("ename") for out in told] == [None, "ValueError"]


def test_cells_are_reported_as_they_begin(runs: dict[str, Run], steps: list[Step]) -> None:
    assert runs
    good = [(step.done, step.of, step.status) for step in steps if step.job.name == "good"]
    assert good == [*((n, 5, None) for n in range(5)), (5, 5, "done")]


def test_markdown_is_put_into_the_readers_language(
    tmp_path: Path, fake_notebook: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = fake_notebook(tmp_path / "x.ipynb", title="All reports")
    words = {"# All reports": "# 全部报告"}
    monkeypatch.setattr("crmkit.text.translate", lambda m, lang: words[m] if lang == "zh" else m)
    monkeypatch.setattr("crmkit.reports.run._WORKER", tmp_path / "no worker.py")
    (run,) = run_notebooks([job(path, tmp_path, "zh")])
    assert run.status == "killed"
    assert "no worker.py" in run.error
    assert read_notebook(run.executed).cells[0].source == "# 全部报告"


def _gone(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return True
    return state == "Z"


def _wait_for(what: Callable[[], bool], seconds: float = 20) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if what():
            return True
        time.sleep(0.05)
    return False


SLOW = """import os, subprocess, time
child = subprocess.Popen(["sleep", "300"])
from pathlib import Path
_ = Path("pids.tmp").write_text(f"{os.getpid()} {os.getppid()} {child.pid}")
_ = os.rename("pids.tmp", "pids")
time.sleep(300)"""


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes in /proc")
def test_beyond_its_time_everything_it_started_is_ended(
    tmp_path: Path, fake_notebook: Write, monkeypatch: pytest.MonkeyPatch
) -> None:
    def clock() -> float:
        """Runs on once the notebook has started what it starts, however slow the machine is."""
        return time.monotonic() + (1000 if (tmp_path / "pids").exists() else 0)

    monkeypatch.setattr("crmkit.reports.guard.time", SimpleNamespace(monotonic=clock))
    path = fake_notebook(tmp_path / "slow.ipynb", SLOW)
    (run,) = run_notebooks([job(path, tmp_path)], limits=Limits(seconds=120))
    assert (run.status, run.error) == ("timed out", "Not ready after 120 seconds.")
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert len(pids) == 3
    assert _wait_for(lambda: all(map(_gone, pids)), 2)
    assert read_notebook(run.executed).cells


def test_the_time_limit_is_in_seconds(tmp_path: Path, fake_notebook: Write) -> None:
    path = fake_notebook(tmp_path / "slow.ipynb", "import time\ntime.sleep(300)")
    (run,) = run_notebooks([job(path, tmp_path)], limits=Limits(seconds=0.3))
    assert run.status == "timed out"
    assert 0.3 <= run.seconds < 5


@pytest.mark.skipif(not Path("/proc").exists(), reason="looks at processes in /proc")
def test_an_interruption_ends_everything(tmp_path: Path, fake_notebook: Write) -> None:
    path = fake_notebook(tmp_path / "slow.ipynb", SLOW)

    runner = subprocess.Popen(
        [sys.executable, "-c", RUNNER, str(path), str(tmp_path)],
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509 (a job may ignore it)
    )
    assert _wait_for((tmp_path / "pids").exists)
    runner.send_signal(signal.SIGINT)
    assert runner.wait(30) != 0
    pids = [int(pid) for pid in (tmp_path / "pids").read_text().split()]
    assert _wait_for(lambda: all(map(_gone, pids)), 5)


def test_nothing_to_run() -> None:
    assert run_notebooks([]) == ()


def test_beyond_its_memory_it_is_ended_and_others_run_on(
    tmp_path: Path, fake_notebook: Write
) -> None:
    large = fake_notebook(
        tmp_path / "large.ipynb", "x = b'1' * 900_000_000", "import time", "time.sleep(60)"
    )
    good = fake_notebook(tmp_path / "good.ipynb", "1 + 1")
    jobs = [job(large, tmp_path), job(good, tmp_path)]
    runs = run_notebooks(jobs, limits=Limits(seconds=60, megabytes=700))
    assert [run.status for run in runs] == ["out of memory", "done"]
    assert runs[0].error == "It held more than 700 MB of memory."
    assert runs[0].seconds < 30
