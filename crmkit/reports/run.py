"""Runs notebooks side by side, each in a process of its own that can be ended whole."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import IO, Any, Literal

from nbformat import NotebookNode

from crmkit import text
from crmkit.errors import ReportError
from crmkit.reports.guard import USUAL, Guard, Limits
from crmkit.reports.ipynb import read_notebook, write_notebook
from crmkit.reports.parameters import Value

__all__ = ["Job", "Progress", "Run", "Status", "Step", "run_notebooks"]

Status = Literal["done", "failed", "skipped", "killed", "timed out", "out of memory"]

_WORKER = Path(__file__).with_name("worker.py")
_SHORT = Path("/tmp")  # sockets: their paths may have about 100 characters


@dataclass(frozen=True, kw_only=True)
class Job:
    """A notebook to run: for whom, with what, and where what it makes goes.

    `folder` is where it runs; `output` receives the executed `notebook.ipynb` and whatever the
    notebook writes to the folder named by CRMKIT_OUTPUT.
    """

    name: str
    notebook: Path
    language: str
    parameters: Mapping[str, Value]
    output: Path
    folder: Path


@dataclass(frozen=True, kw_only=True)
class Run:
    """What became of a job; `seconds` is how long it took, `cell` counts from 0."""

    job: Job
    status: Status
    seconds: float = 0.0
    error_name: str = ""
    error: str = ""
    cell: int | None = None

    @property
    def executed(self) -> Path:
        """The executed notebook, whole or as far as it came."""
        return self.job.output / "notebook.ipynb"


@dataclass(frozen=True)
class Step:
    """Progress of a job: `done` of `of` cells; `status` once it has ended."""

    job: Job
    done: int
    of: int
    status: Status | None = None


Progress = Callable[[Step], None]


def run_notebooks(
    jobs: Iterable[Job],
    *,
    workers: int | None = None,
    limits: Limits = USUAL,
    progress: Progress | None = None,
) -> tuple[Run, ...]:
    """Run notebooks side by side.

    Each runs by Papermill in a process of its own, its Markdown in the reader's language. A failed
    notebook is kept with its error; one beyond its time or memory is ended together with its
    kernel. An interruption ends them all.

    Parameters: `jobs`; `workers`, how many at once (by default the processors, at most 4);
    `limits` of each; `progress`, called after each cell, from several threads but
    never from two at once.
    Returns: one Run for each job, in their order.
    """
    waiting = list(jobs)
    hall = _Hall(limits, progress)
    pool = ThreadPoolExecutor(max_workers=workers or min(os.cpu_count() or 1, 4))
    try:
        return tuple(pool.map(hall.run, waiting))
    except BaseException:
        hall.close()
        raise
    finally:
        pool.shutdown(cancel_futures=True)


class _Hall:
    """Where the processes run; closing it ends them all."""

    def __init__(self, limits: Limits, progress: Progress | None) -> None:
        self.limits = limits
        self.progress = progress
        self.speaking = threading.Lock()
        self.running: set[_Process] = set()
        self.closed = False

    def run(self, job: Job) -> Run:
        _prepare(job)
        began = time.monotonic()
        sockets = Path(tempfile.mkdtemp(prefix="ck-", dir=_SHORT if _SHORT.is_dir() else None))
        try:
            with tempfile.TemporaryFile("w+") as log:
                run = self._follow(_Process(job, sockets, log), log)
        finally:
            shutil.rmtree(sockets, ignore_errors=True)
        run = replace(run, seconds=round(time.monotonic() - began, 2))
        _settle(run)
        return run

    def _follow(self, process: "_Process", log: IO[str]) -> Run:
        self.running.add(process)
        if self.closed:
            process.end()
        done, cells, ended = 0, 0, None
        guard = Guard(process.worker.pid, self.limits, process.break_off)
        try:
            with guard:
                for told in process.told():
                    if told["event"] == "cell":
                        done, cells = told["done"], told["of"]
                        self.tell(Step(process.job, done, cells))
                    elif told["event"] == "ended":
                        ended = told
        finally:
            process.end()
            self.running.discard(process)
        run = self._judged(process, ended, guard.broken, log)
        self.tell(Step(process.job, cells if run.status == "done" else done, cells, run.status))
        return run

    def _judged(
        self, process: "_Process", ended: dict[str, Any] | None, broken: str, log: IO[str]
    ) -> Run:
        if ended is not None:
            ended.pop("event")
            return Run(job=process.job, **ended)
        if broken == "timed out":
            words = f"Not ready after {self.limits.seconds:g} seconds."
            return Run(job=process.job, status="timed out", error_name="TimeLimit", error=words)
        if broken:
            words = f"It held more than {self.limits.megabytes:g} MB of memory."
            return Run(job=process.job, status="out of memory", error_name="Memory", error=words)
        log.seek(0)
        last = log.read().strip().splitlines()[-1:] or ["The process was killed."]
        return Run(job=process.job, status="killed", error_name="Killed", error=last[0])

    def tell(self, step: Step) -> None:
        if self.progress is not None:
            with self.speaking:
                self.progress(step)

    def close(self) -> None:
        self.closed = True
        for process in tuple(self.running):
            process.end()


class _Process:
    """One worker and its kernel, ended together."""

    def __init__(self, job: Job, sockets: Path, log: IO[str]) -> None:
        self.job = job
        self.kernel: int | None = None
        self.ending = threading.Lock()
        self.worker = subprocess.Popen(
            [sys.executable, "-P", str(_WORKER)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            cwd=job.folder,
            env=_environment(job, sockets),
            start_new_session=True,
        )
        order = {
            "notebook": str(job.output.resolve() / "notebook.ipynb"),
            "output": str(job.output.resolve() / "notebook.ipynb"),
            "parameters": dict(job.parameters),
            "sockets": str(sockets),
        }
        with suppress(BrokenPipeError):
            self._pipe(self.worker.stdin).write(json.dumps(order) + "\n")
            self._pipe(self.worker.stdin).flush()

    @staticmethod
    def _pipe(pipe: IO[str] | None) -> IO[str]:
        assert pipe is not None
        return pipe

    def told(self) -> Iterable[dict[str, Any]]:
        """What the worker tells, until it has ended."""
        for line in self._pipe(self.worker.stdout):
            what = json.loads(line)
            if what["event"] == "kernel":
                self.kernel = what["group"]
            yield what

    def break_off(self) -> None:
        """End it while somebody still listens to what it tells."""
        self.end(listening=True)

    def end(self, *, listening: bool = False) -> None:
        """End the worker, its kernel, and whatever the kernel started."""
        with self.ending:
            for group in (self.kernel, self.worker.pid):
                with suppress(ProcessLookupError, PermissionError):
                    if group:
                        os.killpg(group, signal.SIGKILL)
            self.worker.wait()
            for pipe in (self.worker.stdin, self.worker.stdout if not listening else None):
                if pipe is not None:
                    with suppress(OSError):
                        pipe.close()


def _environment(job: Job, sockets: Path) -> dict[str, str]:
    """What the notebook sees: nothing that could make two runs differ."""
    return {
        **os.environ,
        "CRMKIT_OUTPUT": str(job.output.resolve()),
        "PYTHONHASHSEED": "0",
        "PYTHONUTF8": "1",
        "MPLBACKEND": "agg",
        "TZ": "UTC",
        "IPYTHONDIR": str(sockets),
        "JUPYTER_RUNTIME_DIR": str(sockets),
        "PYDEVD_DISABLE_FILE_VALIDATION": "1",
    }


def _prepare(job: Job) -> None:
    """Put the notebook into its output folder, its Markdown in the reader's language."""
    notebook = read_notebook(job.notebook)
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            cell.source = text.translate(cell.source, job.language)
    job.output.mkdir(parents=True, exist_ok=True)
    write_notebook(notebook, job.output / "notebook.ipynb")


def _settle(run: Run) -> None:
    """Take out of the executed notebook what differs from run to run, or names this machine."""
    try:
        notebook = read_notebook(run.executed)
    except (OSError, ReportError):  # ended while it was being written
        _prepare(run.job)
        notebook = read_notebook(run.executed)
    kept = {"parameters": dict(run.job.parameters), "status": run.status}
    notebook.metadata["papermill"] = kept
    for cell in notebook.cells:
        _settle_cell(cell)
    write_notebook(notebook, run.executed)


def _settle_cell(cell: NotebookNode) -> None:
    cell.metadata.pop("papermill", None)
    cell.metadata.pop("execution", None)
    tags = cell.metadata.get("tags", [])
    if "injected-parameters" in tags:
        cell["id"] = "injected-parameters"
