"""The command line: a thin shell over what the package does."""

import functools
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any, ParamSpec

import typer

from crmkit import bars, cli_schedule
from crmkit.errors import CrmkitError, ParameterError

__all__ = ["app"]

app = typer.Typer(
    name="crmkit",
    help="A workbook for CRM and telesales analysts: from a firm's exports to reports.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="A first look: crmkit simulate demo, then crmkit report demo/crmkit.toml.",
)

Given = ParamSpec("Given")

SettingsPath = Annotated[
    Path | None,
    typer.Argument(
        metavar="SETTINGS",
        show_default=False,
        help="A crmkit.toml; by default the one in this folder or the nearest above it.",
    ),
]
TimeLimit = Annotated[float, typer.Option(min=1, help="Seconds that each notebook may take.")]
MemoryLimit = Annotated[
    float | None, typer.Option(min=100, help="Megabytes that each notebook may take.")
]


def _said(command: Callable[Given, None]) -> Callable[Given, None]:
    """A command whose errors are told to people: no traceback, and an exit code of its own."""

    @functools.wraps(command)
    def told(*args: Given.args, **kwargs: Given.kwargs) -> None:
        before = signal.signal(signal.SIGTERM, _interrupt)
        try:
            command(*args, **kwargs)
        except CrmkitError as error:
            typer.secho("Error: ", fg="red", bold=True, nl=False, err=True)
            typer.echo(error, err=True)
            raise typer.Exit(2) from None
        except KeyboardInterrupt:
            typer.echo("Interrupted.", err=True)
            raise typer.Exit(130) from None
        finally:
            signal.signal(signal.SIGTERM, before)

    return told


def _interrupt(number: int, frame: object) -> None:
    raise KeyboardInterrupt


def _settings_path(given: Path | None) -> Path:
    from crmkit.book import find  # noqa: PLC0415 (commands start fast)

    return find(given if given is not None else "crmkit.toml")


@app.command("import")
@_said
def import_(settings: SettingsPath = None) -> None:
    """Read a firm's exports into canonical tables.

    Every row is stored, dropped as an exact duplicate, or put into quarantine with its reason.
    """
    from crmkit.imports import import_tables  # noqa: PLC0415
    from crmkit.settings import read_settings  # noqa: PLC0415

    with bars.steps() as progress:
        ledger = import_tables(read_settings(_settings_path(settings)), progress=progress)
    bars.table(ledger.columns, ledger.rows())
    for note in ledger.notes():
        typer.echo(note)


@app.command()
@_said
def check(
    settings: SettingsPath = None,
    as_of: Annotated[
        str | None,
        typer.Option(metavar="DAY", help="The day that data should reach; by default the last."),
    ] = None,
) -> None:
    """Look at a book: rows, dates, freshness, faulty keys and values.

    The exit code is 1 where the data cannot be trusted.
    """
    from crmkit.book import connect  # noqa: PLC0415

    book = connect(_settings_path(settings))
    health = book.check(as_of=as_of or book.last_day())
    shown: Any = health.table().json()
    cells = [[cell["words"] for cell in row] for row in shown["rows"]]
    bars.table([column["label"] for column in shown["columns"]], cells)
    typer.echo(health.words)
    if health.level == "error":
        raise typer.Exit(1)


@app.command()
@_said
def simulate(
    out: Annotated[Path, typer.Option(help="The folder to write to.")] = Path("data/demo"),
    preset: Annotated[str, typer.Option(help="Which firm: demo, small, ...")] = "demo",
    seed: Annotated[
        int | None, typer.Option(help="Another seed gives another firm of the same kind.")
    ] = None,
) -> None:
    """Make a demo firm with a planted truth: its tables, exports and settings."""
    from crmkit import simulate as simulator  # noqa: PLC0415

    with bars.steps() as progress:
        folder = simulator.simulate(preset=preset, seed=seed, out=out, progress=progress)
    typer.echo(f"Written to {folder}. Next: crmkit report {folder / 'crmkit.toml'}")


@app.command()
@_said
def report(
    settings: SettingsPath = None,
    notebook: Annotated[
        list[str] | None,
        typer.Option(
            "--notebook",
            "-n",
            metavar="NAME",
            help="A notebook by name (rfm) or path; may be repeated. All, if none is given.",
        ),
    ] = None,
    period: Annotated[
        str | None,
        typer.Option(
            metavar="PERIOD",
            help="2011-11, 2011-W48, 2011-Q4, 2011 or 2011-12-09, reported at its end.",
        ),
    ] = None,
    as_of: Annotated[
        str | None,
        typer.Option(
            metavar="DAY", help="The last day that counts; by default the last with data."
        ),
    ] = None,
    language: Annotated[
        list[str] | None,
        typer.Option(
            "--language",
            "-l",
            metavar="LANGUAGE",
            help="en or zh; may be repeated. By default the book's.",
        ),
    ] = None,
    format_: Annotated[
        list[str] | None,
        typer.Option(
            "--format",
            "-f",
            metavar="FORMAT",
            help="html or pdf; may be repeated. By default both.",
        ),
    ] = None,
    parameter: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            "-p",
            metavar="NAME=VALUE",
            help="For the notebooks that have it; may be repeated. See: crmkit notebooks.",
        ),
    ] = None,
    jobs: Annotated[
        int | None, typer.Option("--jobs", "-j", min=1, help="Notebooks to run at once.")
    ] = None,
    time_limit: TimeLimit = 900,
    memory_limit: MemoryLimit = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The folder that gets the site; by default reports, by the settings."),
    ] = None,
) -> None:
    """Run notebooks and publish their reports, HTML and PDF, with an index.

    The site is exchanged in one step: whatever stops the run, the last good one stays whole. A
    notebook that fails keeps its earlier report, and the exit code is 1.
    """
    from crmkit.reports.guard import Limits  # noqa: PLC0415
    from crmkit.reports.report import make_report  # noqa: PLC0415

    with bars.notebooks() as progress:
        published = make_report(
            _settings_path(settings),
            notebooks=notebook or None,
            period=period,
            as_of=as_of,
            languages=language or None,
            formats=format_ or ("html", "pdf"),
            workers=jobs,
            limits=Limits(seconds=time_limit, megabytes=memory_limit),
            out=out,
            parameters=_pairs(parameter or []),
            progress=progress,
        )
    for each in published.reports:
        if each.status == "skipped":
            typer.echo(f"{each.slug} ({each.language}) was left out: {each.error}", err=True)
    for each in published.failed:
        why = ": ".join(filter(None, (each.error_name, each.error)))
        typer.secho(f"{each.slug} ({each.language}) {each.status}: {why}", fg="red", err=True)
    typer.echo(f"Published: {published.index}")
    if published.failed:
        raise typer.Exit(1)


def _pairs(given: list[str]) -> dict[str, object]:
    pairs = {}
    for words in given:
        name, equals, value = words.partition("=")
        if not equals or not name.strip():
            raise ParameterError(f"{words!r} is not NAME=VALUE. Give, for example: -p bins=5.")
        pairs[name.strip()] = value
    return dict(pairs)


@app.command()
@_said
def verify(
    path: Annotated[Path, typer.Argument(help="A published report: its folder, HTML or PDF.")],
    settings: Annotated[
        Path | None, typer.Option(help="The settings, where they have been moved since.")
    ] = None,
    time_limit: TimeLimit = 900,
) -> None:
    """Run a published report again and compare the bytes.

    Says same, or differs and why: the data, the notebook, a package, or else the first line that
    differs. The exit code is 1 where it differs.
    """
    from crmkit.reports.verify import verify as proven  # noqa: PLC0415

    with bars.notebooks() as progress:
        verdict = proven(path, settings_path=settings, time_limit=time_limit, progress=progress)
    about = verdict.manifest
    title = f"{about.slug} {about.period} {about.language}"
    if verdict.same:
        typer.secho(f"same: {title}, {' and '.join(about.formats)}", fg="green")
        return
    typer.secho(f"differs: {title}", fg="red")
    for reason in verdict.reasons:
        typer.echo(f"  {reason}")
    raise typer.Exit(1)


@app.command()
@_said
def notebooks(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME...", help="Only these.")
    ] = None,
) -> None:
    """List the notebooks and their parameters."""
    from crmkit.reports.notebooks import find_notebooks, slug  # noqa: PLC0415
    from crmkit.reports.parameters import read_parameters  # noqa: PLC0415

    for path in find_notebooks(names or None):
        typer.secho(f"{slug(path)}  ", bold=True, nl=False)
        typer.echo(path.name)
        for each in read_parameters(path):
            default = f"{each.name} = {each.default!r}"
            typer.echo(f"  {default:<32}  {each.comment}".rstrip())


@app.command()
@_said
def serve(
    settings: SettingsPath = None,
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8000,
    host: Annotated[
        str, typer.Option(help="Another address lets others in: they see all the reports.")
    ] = "127.0.0.1",
    out: Annotated[
        Path | None, typer.Option(help="The folder of the site; by default reports.")
    ] = None,
) -> None:
    """Look at the published reports in a browser, from this machine alone.

    For others, let any web server give the files of the site.
    """
    from crmkit.reports.serve import server  # noqa: PLC0415

    folder = out or _settings_path(settings).parent / "reports"
    with server(folder / "site", host=host, port=port) as serving:
        typer.echo(f"http://{host}:{serving.server_address[1]}/ – end with Ctrl+C.")
        serving.serve_forever()


app.command("due")(_said(cli_schedule.due))
app.command("history")(_said(cli_schedule.history))
cli_schedule.schedule.command("export")(_said(cli_schedule.export))
app.add_typer(cli_schedule.schedule, name="schedule")


if __name__ == "__main__":
    sys.exit(app())
