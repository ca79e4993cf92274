"""The command line: what is shown, on which stream, with which exit code."""

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from crmkit.cli import app
from crmkit.reports.guard import Limits
from crmkit.reports.manifest import Manifest
from crmkit.reports.report import Published
from crmkit.reports.verify import Verdict

SETTINGS = '[book]\nname = "Shop"\ntimezone = "Asia/Shanghai"\ncurrency = "CNY"\nstore = "store"\n'
TABLE = """
[tables.orders]
from = "*.csv"
columns = {order_id = "id", customer_id = "who", ordered_at = "at", amount = "paid"}
"""

MANIFEST = Manifest(
    slug="rfm",
    period="2011-11",
    as_of="2011-11-30",
    language="en",
    formats=("html", "pdf"),
    settings="../crmkit.toml",
    notebook="04_rfm.ipynb",
    notebook_hash="0",
    code_hash="0",
    parameters={},
    status="done",
    seconds=3.0,
    ran_at="2011-11-01T18:30:00+00:00",
)

Run = Callable[..., Result]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Run:
    monkeypatch.setenv("COLUMNS", "100")
    monkeypatch.setenv("TERM", "dumb")

    def ran(*words: str) -> Result:
        return CliRunner().invoke(app, list(words), catch_exceptions=False)

    return ran


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    (tmp_path / "crmkit.toml").write_text(SETTINGS + TABLE)
    (tmp_path / "orders.csv").write_text(
        "id,who,at,paid\n1,a,2011-11-01,5\n1,a,2011-11-01,5\n2,b,2011-02-31,5\n3,b,2011-11-02,7\n"
    )
    return tmp_path


def _plain(words: str) -> str:
    return re.sub(r"\s+", " ", re.sub(r"\x1b\[[0-9;]*m|[│╭╮╰╯─]", "", words))


def test_help_names_every_command(run: Run) -> None:
    shown = run("--help")
    assert shown.exit_code == 0
    for name in (
        "import",
        "check",
        "simulate",
        "report",
        "verify",
        "notebooks",
        "serve",
        "due",
        "history",
    ):
        assert re.search(rf"\b{name}\s+[A-Z]", _plain(shown.output)), name


def test_help_of_report_explains_every_option(run: Run) -> None:
    words = _plain(run("report", "--help").output)
    for option in (
        "--notebook -n NAME A notebook by name (rfm) or path",
        "--period PERIOD 2011-11, 2011-W48",
        "--as-of DAY",
        "--language -l LANGUAGE en or zh",
        "--format -f FORMAT html or pdf",
        "--parameter -p NAME=VALUE",
        "--jobs -j",
        "--time-limit",
        "--out",
    ):
        assert option in words, option
    assert "whatever stops the run, the last good one stays whole" in words


def test_import_prints_the_ledger_and_check_the_book(run: Run, shop: Path) -> None:
    imported = run("import", str(shop / "crmkit.toml"))
    assert imported.exit_code == 0
    assert re.search(r"orders +orders\.csv +4 +2 +1 +1 +2", imported.stdout)
    assert "orders: 1 rows in quarantine" in imported.stdout
    assert "Reading orders.csv" in imported.stderr
    checked = run("check", str(shop / "crmkit.toml"))
    assert checked.exit_code == 0
    assert re.search(r"orders +2 +1 Nov 2011 +2 Nov 2011", checked.stdout)


def test_check_of_an_empty_book_fails(run: Run, shop: Path) -> None:
    (shop / "orders.csv").write_text("id,who,at,paid\n")
    run("import", str(shop / "crmkit.toml"))
    checked = run("check", str(shop / "crmkit.toml"), "--as-of", "2011-11-30")
    assert checked.exit_code == 1
    assert "The book has no rows." in checked.stdout


def test_settings_are_found_in_the_folders_above(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (shop / "deep" / "er").mkdir(parents=True)
    monkeypatch.chdir(shop / "deep" / "er")
    assert run("import").exit_code == 0
    assert (shop / "store" / "orders.parquet").exists()


def test_an_error_is_said_without_a_traceback(run: Run, tmp_path: Path) -> None:
    told = run("check", str(tmp_path / "none.toml"))
    assert told.exit_code == 2
    assert told.stdout == ""
    assert told.stderr.startswith("Error: There is nothing at")
    assert "Traceback" not in told.stderr


def test_an_interruption_has_its_own_exit_code(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("crmkit.reports.report.make_report", interrupted)
    told = run("report", str(shop / "crmkit.toml"))
    assert told.exit_code == 130
    assert "Interrupted" in told.stderr


def test_simulate_says_what_to_do_next(run: Run, tmp_path: Path) -> None:
    told = run("simulate", "--out", str(tmp_path / "demo"), "--preset", "small", "--seed", "5")
    assert told.exit_code == 0
    assert (tmp_path / "demo" / "orders.parquet").exists()
    assert f"crmkit report {tmp_path / 'demo' / 'crmkit.toml'}" in told.stdout


def test_notebooks_are_listed_with_their_parameters(run: Run) -> None:
    told = run("notebooks", "rfm")
    assert told.exit_code == 0
    assert told.stdout.startswith("rfm  04_rfm.ipynb\n")
    assert re.search(r"\n  language = 'en' +\S", told.stdout)
    assert "cohort" not in told.stdout.splitlines()[0]
    refused = run("notebooks", "rmf")
    assert (refused.exit_code, "Did you mean 'rfm'" in refused.stderr) == (2, True)


def _published(monkeypatch: pytest.MonkeyPatch, *reports: Manifest) -> dict[str, object]:
    asked: dict[str, object] = {}

    def make_report(path: Path, **given: object) -> Published:
        asked.update(given, path=path)
        return Published(site=Path("out", "site"), reports=reports)

    monkeypatch.setattr("crmkit.reports.report.make_report", make_report)
    return asked


def test_the_options_of_report_reach_the_run(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _published(monkeypatch, MANIFEST)
    words = "-n rfm -n 03_x --period 2011-11 -l en -l zh -f html -p bins=4 -p a=b=c -j 3"
    told = run("report", str(shop / "crmkit.toml"), *words.split(), "--time-limit", "60")
    assert told.exit_code == 0
    assert told.stdout == f"Published: {Path('out', 'site', 'index.html')}\n"
    asked.pop("progress")
    assert asked == {
        "path": shop / "crmkit.toml",
        "notebooks": ["rfm", "03_x"],
        "period": "2011-11",
        "as_of": None,
        "languages": ["en", "zh"],
        "formats": ["html"],
        "workers": 3,
        "limits": Limits(seconds=60),
        "out": None,
        "parameters": {"bins": "4", "a": "b=c"},
    }


def test_without_options_everything_is_made(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = _published(monkeypatch, MANIFEST)
    assert run("report", str(shop / "crmkit.toml")).exit_code == 0
    assert (asked["notebooks"], asked["languages"], asked["formats"]) == (
        None,
        None,
        ("html", "pdf"),
    )


def _with(status: str) -> Manifest:
    return replace(MANIFEST, status=status, error_name="KeyError", error="'x'")


def test_a_failed_notebook_gives_exit_code_1(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _published(monkeypatch, MANIFEST, _with("failed"))
    told = run("report", str(shop / "crmkit.toml"))
    assert told.exit_code == 1
    assert "rfm (en) failed: KeyError: 'x'" in told.stderr


def test_a_skipped_notebook_is_no_failure(
    run: Run, shop: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _published(monkeypatch, MANIFEST, _with("skipped"))
    told = run("report", str(shop / "crmkit.toml"))
    assert told.exit_code == 0
    assert "rfm (en) was left out: 'x'" in told.stderr


def test_a_parameter_without_a_value_is_refused(run: Run, shop: Path) -> None:
    told = run("report", str(shop / "crmkit.toml"), "-p", "bins")
    assert told.exit_code == 2
    assert "'bins' is not NAME=VALUE" in told.stderr


@pytest.mark.parametrize(
    ("reasons", "code", "words"),
    [
        ((), 0, "same: rfm 2011-11 en, html and pdf\n"),
        (("The data changed.",), 1, "differs: rfm 2011-11 en\n  The data changed.\n"),
    ],
)
def test_verify_says_same_or_differs_and_why(
    run: Run,
    monkeypatch: pytest.MonkeyPatch,
    reasons: tuple[str, ...],
    code: int,
    words: str,
) -> None:
    verdict = Verdict(manifest=MANIFEST, reasons=reasons)
    monkeypatch.setattr("crmkit.reports.verify.verify", lambda *_, **__: verdict)
    told = run("verify", "somewhere")
    assert (told.exit_code, told.stdout) == (code, words)


def test_verify_of_nothing_is_refused(run: Run, tmp_path: Path) -> None:
    told = run("verify", str(tmp_path / "none"))
    assert told.exit_code == 2
    assert "There is nothing at" in told.stderr
