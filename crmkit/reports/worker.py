"""Runs one notebook in a process of its own; started by `run`, never imported.

The job comes as one line of JSON on standard input, which then stays open: its end means that the
parent is gone, and the worker ends itself and its kernel. What happens is told on standard output,
one line of JSON each. Nothing of crmkit is imported here, so that a worker starts fast.
"""

# ruff: noqa: E402 (what is not imported must be said before the imports)
import json
import os
import re
import shutil
import signal
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import Any, TextIO

# Checks of web addresses in JSON schemas: a second and a half of grammar, of no use to notebooks.
sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]

import papermill
from ipykernel.kernelspec import get_kernel_dict
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient.exceptions import CellTimeoutError, DeadKernelError
from papermill.clientwrap import PapermillNotebookClient
from papermill.engines import NBClientEngine, papermill_engines

_COLOURS = re.compile(r"\x1b\[[0-9;]*m")


def _wait_for_the_end() -> None:
    """The parent is gone: the thread that watches it ends this process, and tidies up first."""
    threading.Event().wait(30)
    raise SystemExit(1)


class _OwnPython(KernelSpecManager):
    """Kernels run on the Python of crmkit, whatever kernels the machine has."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        return KernelSpec(**get_kernel_dict())


class _Tell:
    """Tells the parent what happens."""

    def __init__(self, channel: TextIO) -> None:
        self.channel = channel

    def __call__(self, **what: object) -> None:
        try:
            self.channel.write(json.dumps(what) + "\n")
            self.channel.flush()
        except BrokenPipeError:
            _wait_for_the_end()


class _Engine(NBClientEngine):  # type: ignore[misc]
    """Papermill's own engine with a kernel over local sockets, telling of each cell."""

    folder: Path
    tell: _Tell
    manager: AsyncKernelManager | None = None
    ending = False

    @classmethod
    def execute_managed_notebook(cls, nb_man: Any, kernel_name: str, **kwargs: Any) -> None:
        manager = cls.manager = AsyncKernelManager(
            transport="ipc",
            connection_file=str(cls.folder / "k.json"),
            kernel_spec_manager=_OwnPython(),
        )
        count = len(nb_man.nb.cells)

        def cell(cell_index: int, **_: Any) -> None:
            cls.tell(event="cell", done=cell_index, of=count)

        client = PapermillNotebookClient(
            nb_man,
            km=manager,
            startup_timeout=kwargs["start_timeout"],
            on_cell_start=cell,
            record_timing=False,
            shutdown_kernel="immediate",
        )
        client.owns_km = True
        if cls.ending:
            _wait_for_the_end()
        client.start_new_kernel(env=dict(os.environ))
        cls.tell(event="kernel", group=getattr(manager.provisioner, "pgid", None))
        client.execute()


def _outcome(job: dict[str, Any]) -> dict[str, object]:
    """Execute, and say how it ended."""
    try:
        papermill.execute_notebook(
            _plain(job["notebook"]),
            _plain(job["output"]),
            parameters=job["parameters"],
            engine_name="crmkit",
            kernel_name="python3",
            language="python",
            progress_bar=False,
            start_timeout=120,
        )
    except papermill.PapermillExecutionError as error:
        status = "skipped" if error.ename == "Skip" else "failed"
        words = _COLOURS.sub("", str(error.evalue))
        return _ended(status, error.ename, words, error.cell_index)
    except DeadKernelError as error:
        return _ended("killed", "DeadKernelError", str(error), None)
    except (CellTimeoutError, RuntimeError, OSError, ValueError) as error:
        return _ended("failed", type(error).__name__, str(error), None)
    return _ended("done", "", "", None)


def _plain(path: str) -> str:
    """A path whose braces Papermill must not fill in."""
    return path.replace("{", "{{").replace("}", "}}")


def _ended(status: str, name: str, words: str, cell: int | None) -> dict[str, object]:
    return {"status": status, "error_name": name, "error": words, "cell": cell}


def _end_with_parent(folder: Path) -> None:
    """Wait until the parent closes our input or dies; then end the kernel and ourselves."""
    with suppress(OSError):
        sys.stdin.read()
    _Engine.ending = True
    for _ in range(5):  # a kernel may be starting just now
        kernel = getattr(_Engine.manager and _Engine.manager.provisioner, "pgid", None)
        if kernel:
            with suppress(ProcessLookupError):
                os.killpg(kernel, signal.SIGKILL)
        shutil.rmtree(folder, ignore_errors=True)
        time.sleep(0.1)
    os.killpg(os.getpgid(0), signal.SIGKILL)


def main() -> None:
    """Take a job, run it, say how it ended."""
    channel = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # whatever else prints goes to the log, not between our lines
    job = json.loads(sys.stdin.readline())
    folder = Path(job["sockets"])
    watch = threading.Thread(target=_end_with_parent, args=(folder,), daemon=True)
    watch.start()
    _Engine.folder, _Engine.tell = folder, _Tell(channel)
    papermill_engines.register("crmkit", _Engine)
    _Engine.tell(event="ended", **_outcome(job))


if __name__ == "__main__":
    main()
