"""The commands of the schedule: due, history, schedule export."""

import datetime as dt
from pathlib import Path
from typing import Annotated, Any

import typer

from crmkit import bars
from crmkit.errors import ParameterError

__all__ = ["due", "export", "history", "schedule"]

schedule = typer.Typer(help="Files for what starts reports on time.", no_args_is_help=True)

SettingsPath = Annotated[
    Path | None,
    typer.Argument(metavar="SETTINGS", show_default=False, help="A crmkit.toml."),
]
Out = Annotated[Path | None, typer.Option(help="The folder of the site; by default reports.")]


def _read(settings: Path | None) -> Any:
    from crmkit.book import find  # noqa: PLC0415 (commands start fast)
    from crmkit.settings import read_settings  # noqa: PLC0415

    return read_settings(find(settings if settings is not None else "crmkit.toml"))


def _now(given: str | None) -> dt.datetime:
    if given is None:
        return dt.datetime.now(dt.UTC).replace(tzinfo=None)
    try:
        at = dt.datetime.fromisoformat(given)
    except ValueError:
        raise ParameterError(
            f"--now is {given!r}. Give an instant such as 2025-03-31T07:00+08:00, or in UTC."
        ) from None
    return at.astimezone(dt.UTC).replace(tzinfo=None) if at.tzinfo else at


def due(
    settings: SettingsPath = None,
    run: Annotated[bool, typer.Option("--run", help="Run what is due.")] = False,
    now: Annotated[
        str | None, typer.Option(metavar="INSTANT", help="Another clock; UTC without an offset.")
    ] = None,
    out: Out = None,
) -> None:
    """What is due and why; with --run, run it, each period once.

    Exit codes: 0 nothing failed, 1 a report failed, 2 the settings are wrong, 3 another process is
    running what is due.
    """
    from crmkit.reports.schedule import runner  # noqa: PLC0415
    from crmkit.reports.schedule.alarm import Telling  # noqa: PLC0415

    book = _read(settings)
    begun = _now(now)
    if not run:
        last = runner.last_day_of(book)()
        found = runner.due(book, now=begun, out=out, last_day=last)
        rows = [[d.report.name, d.period.label, d.state, d.why] for d in found]
        bars.table(["report", "period", "state", "why"], rows)
        return
    began = dt.datetime.now(dt.UTC)
    telling = Telling.of(book)
    try:
        outcomes = runner.run_due(
            book.file,
            clock=lambda: begun + (dt.datetime.now(dt.UTC) - began),
            out=out,
            telling=telling,
        )
    except runner.BusyError as busy:
        typer.echo(busy)
        raise typer.Exit(3) from None
    for outcome in outcomes:
        title = f"{outcome.decision.report.name} {outcome.decision.period.label}"
        if outcome.done:
            typer.secho(f"{title}: published", fg="green")
        else:
            typer.secho(f"{title}: {outcome.error}", fg="red", err=True)
    for trouble in telling.troubles:
        typer.secho(f"Could not tell: {trouble}", fg="yellow", err=True)
    if not outcomes:
        typer.echo("Nothing is due.")
    if not all(outcome.done for outcome in outcomes):
        raise typer.Exit(1)


def history(
    settings: SettingsPath = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only what failed.")] = False,
    last: Annotated[int, typer.Option(min=1, help="How many of the latest runs.")] = 30,
    out: Out = None,
) -> None:
    """The ledger of scheduled runs, the latest last."""
    from crmkit.reports.schedule.runner import ledger_of  # noqa: PLC0415

    entries = ledger_of(_read(settings), out).entries()
    chosen = [e for e in entries if not failed or e.status in ("failed", "killed")][-last:]
    rows = [
        [e.report, e.period, f"{e.started_at:%Y-%m-%d %H:%M}", e.status, e.error] for e in chosen
    ]
    bars.table(["report", "period", "began (UTC)", "status", "why"], rows)


def export(
    target: Annotated[str, typer.Argument(help="cron, systemd, airflow or kubernetes.")],
    settings: SettingsPath = None,
    folder: Annotated[Path | None, typer.Option(help="Write the files there.")] = None,
) -> None:
    """The files of a scheduler that calls `crmkit due --run`."""
    from crmkit.reports.schedule.export import exported  # noqa: PLC0415

    for name, words in exported(target, _read(settings).file).items():
        if folder is None:
            typer.echo(f"# {name}\n{words}")
        else:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(words, encoding="utf-8")
            typer.echo(f"Written: {folder / name}")
