"""Progress as people see it: bars on a terminal, plain lines in a log."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

if TYPE_CHECKING:
    from crmkit.reports.run import Step

__all__ = ["notebooks", "steps"]


@contextmanager
def _shown() -> Iterator[tuple[Progress, Console]]:
    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[state]}"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        yield progress, console


@contextmanager
def steps() -> Iterator[Callable[[str, int, int], None]]:
    """Progress of work that tells what it is doing, how many steps are done, and of how many."""
    with _shown() as (progress, console):
        tasks: dict[str, TaskID] = {}
        said = set()

        def step(what: str, done: int, of: int) -> None:
            if progress.disable:
                if done >= of or what not in said:
                    console.print(f"{what}: {done} of {of}", markup=False)
                said.add(what)
                return
            if "" not in tasks:
                tasks[""] = progress.add_task("", state="")
            progress.update(
                tasks[""], completed=done, total=of, description=what, state=f"{done}/{of}"
            )

        yield step


@contextmanager
def notebooks() -> Iterator[Callable[["Step"], None]]:
    """Progress of notebooks: a bar for each, or a line when one has ended."""
    with _shown() as (progress, console):
        tasks: dict[str, TaskID] = {}

        def step(told: "Step") -> None:
            name = told.job.name
            if progress.disable:
                if told.status is not None:
                    console.print(f"{name}: {told.status}", markup=False)
                return
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=told.of, state="")
            state = told.status or f"{told.done}/{told.of}"
            progress.update(tasks[name], completed=told.done, total=told.of, state=state)
            if told.status is not None:
                progress.stop_task(tasks[name])

        yield step
