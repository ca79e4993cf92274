"""Progress and tables as people see them: bars on a terminal, plain lines in a log."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from crmkit.reports.run import Step

__all__ = ["notebooks", "steps", "table"]


class Stage(Protocol):
    """What is told of work: the stage in words, how much is done, of how much."""

    def __call__(self, stage: str, done: int, total: int) -> None:
        """Show it."""


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
def steps() -> Iterator[Stage]:
    """Progress of work that goes through stages."""
    with _shown() as (progress, console):
        tasks: dict[str, TaskID] = {}
        said = set()

        def step(stage: str, done: int, total: int) -> None:
            if progress.disable:
                if stage not in said:
                    console.print(stage, markup=False)
                said.add(stage)
                return
            if "" not in tasks:
                tasks[""] = progress.add_task("", state="")
            progress.update(
                tasks[""], completed=done, total=total, description=stage, state=f"{done}/{total}"
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


def table(columns: Iterable[str], rows: Iterable[Iterable[str]]) -> None:
    """Print a table: numbers to the right, nothing cut off where the output is no terminal."""
    shown = Table(box=None, pad_edge=False)
    lines = [list(row) for row in rows]
    for place, name in enumerate(columns):
        cells = [line[place] for line in lines if line[place]]
        number = bool(cells) and all(cell[-1].isdigit() and " " not in cell for cell in cells)
        shown.add_column(Text(name), justify="right" if number else "left")
    for line in lines:
        shown.add_row(*(Text(cell) for cell in line))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = 200
    console.print(shown)
