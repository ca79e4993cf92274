"""The first page: latest reports, history, what went wrong."""

import base64
import hashlib
import re
from dataclasses import replace
from pathlib import Path

import pytest

from crmkit.reports.digest import Digest, Figure, Topic
from crmkit.reports.manifest import Link, Manifest
from crmkit.reports.shelf import Shelf, read_shelf
from crmkit.reports.site import index_pages
from crmkit.settings import BookSettings

BOOK = BookSettings(name="Wang & <Sons>", timezone="Asia/Shanghai", currency="CNY", language="zh")

ONE = Manifest(
    slug="rfm",
    period="2011-10",
    as_of="2011-10-31",
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
    digest=Digest(
        title="Who is <worth> a call",
        headline="October: 31.2% & more",
        figures=tuple(Figure(label=f"Figure {n}", value=str(n)) for n in range(6)),
    ),
    links=(Link(kind="actions", label="to call.csv", href="actions/to call.csv"),),
)
LATER = replace(
    ONE, period="2011-11", as_of="2011-11-30", digest=replace(ONE.digest, headline="November")
)
CHINESE = replace(LATER, language="zh", digest=replace(ONE.digest, headline="十一月"))
FAILED = replace(LATER, status="failed", period="2011-12", as_of="2011-12-31")
FAILED = replace(FAILED, error_name="ValueError", error="no <orders>", digest=Digest())


def pages(*reports: Manifest, attempts: tuple[Manifest, ...] = ()) -> dict[str, str]:
    return index_pages(Shelf(reports, attempts), BOOK)


def test_there_is_a_page_in_each_language_and_the_books_comes_first() -> None:
    made = pages(ONE)
    assert sorted(made) == ["index.en.html", "index.html", "index.zh.html", "rfm/latest.en.html"]
    assert made["index.html"] == made["index.zh.html"]
    assert '<html lang="zh-CN">' in made["index.html"]
    assert "打开报告" in made["index.html"]
    assert "Open the report" in made["index.en.html"]


def test_the_latest_report_comes_first_with_its_key_figures() -> None:
    page = pages(ONE, LATER)["index.en.html"]
    card = page.split("<details>")[0]
    assert "November" in card
    assert "October" not in card
    assert "Nov 2011 · Data to 30 Nov 2011" in card
    assert re.findall(r"<dt>(.*?)</dt>", card) == ["Figure 0", "Figure 1", "Figure 2"]
    assert 'href="rfm/2011-11/en/report.pdf"' in card
    assert 'href="rfm/2011-11/en/actions/to%20call.csv"' in card
    assert "Run on 2 Nov 2011 02:30" in page  # in the book's timezone


def test_history_lists_every_period_the_latest_first() -> None:
    page = pages(ONE, LATER, CHINESE)["index.en.html"]
    table = page.split("<details>")[1]
    assert re.findall(r'<th scope="row">(.*?)</th>', table) == ["Nov 2011", "Oct 2011"]
    assert 'href="rfm/2011-10/en/report.html"' in table
    assert 'href="rfm/2011-11/zh/report.html"' in table


def test_each_reader_gets_the_report_in_their_language_where_there_is_one() -> None:
    made = pages(ONE, LATER, CHINESE)
    chinese, english = (made[f"index.{code}.html"].split("<details>")[0] for code in ("zh", "en"))
    assert "十一月" in chinese
    assert "November" not in chinese
    assert "十一月" not in english
    assert 'lang="zh-CN">十一月' in chinese
    assert "English" in pages(ONE)["index.zh.html"].split("</header>")[1]


def test_a_failure_is_said_beside_the_last_good_report() -> None:
    page = pages(ONE, attempts=(FAILED, replace(FAILED, language="zh")))["index.en.html"]
    assert page.count("The run for Dec 2011 failed.") == 1
    assert "ValueError: no &lt;orders&gt;" in page
    assert "Shown is the last good report." in page
    assert 'href="rfm/2011-12/en/attempt/notebook.ipynb"' in page
    assert "October: 31.2% &amp; more" in page


@pytest.mark.parametrize(
    ("status", "words"),
    [
        ("skipped", "Left out for Dec 2011."),
        ("timed out", "The run for Dec 2011 took too long and was ended."),
        ("killed", "The run for Dec 2011 was cut off."),
    ],
)
def test_what_never_worked_has_a_card_too(status: str, words: str) -> None:
    page = pages(attempts=(replace(FAILED, status=status),))["index.en.html"]
    assert words in page
    assert "This report has not been published yet." in page
    assert "Shown is the last good report." not in page
    assert '<h2 id="card-rfm">Rfm</h2>' in page


def test_an_empty_site_says_so() -> None:
    assert "No report has been published yet." in pages()["index.en.html"]
    assert "尚未发布任何报告。" in pages()["index.zh.html"]


def test_a_bookmark_leads_to_the_latest_report_of_its_language() -> None:
    made = pages(LATER, ONE, CHINESE)
    assert 'url=2011-11/en/report.html"' in made["rfm/latest.en.html"]
    assert 'url=2011-11/zh/report.html"' in made["rfm/latest.zh.html"]
    assert "Who is &lt;worth&gt; a call" in made["rfm/latest.en.html"]


def test_everything_is_escaped_and_nothing_can_run() -> None:
    made = pages(ONE, LATER, attempts=(FAILED,))
    for page in (page for name, page in made.items() if name.startswith("index")):
        assert "Wang &amp; &lt;Sons&gt;" in page
        assert "<worth>" not in page
        assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
        assert page.count("<script") == 1
        assert "style=" not in page
        assert "http://" not in page.replace("http-equiv", "")
        assert "https://" not in page


@pytest.mark.parametrize("kind", ["style", "script"])
def test_style_and_script_are_those_that_the_policy_allows(kind: str) -> None:
    page = pages(ONE)["index.html"]
    words = page.split(f"<{kind}>")[1].split(f"</{kind}>")[0]
    hashed = base64.b64encode(hashlib.sha256(words.encode()).digest()).decode()
    assert f"{kind}-src 'sha256-{hashed}'" in page
    assert len(words) < (20_000 if kind == "style" else 1_000)


def test_the_report_before_is_of_the_same_notebook_and_language() -> None:
    shelf = Shelf((ONE, LATER, CHINESE, replace(ONE, slug="other", as_of="2011-11-15")))
    assert shelf.before(replace(FAILED, status="done")) == LATER
    assert shelf.before(LATER) == ONE
    assert shelf.before(CHINESE) is None


def test_a_shelf_is_read_from_the_site(tmp_path: Path) -> None:
    for manifest, place in ((ONE, ONE.place), (FAILED, FAILED.place / "attempt")):
        (tmp_path / place).mkdir(parents=True)
        manifest.write(tmp_path / place)
    assert read_shelf(tmp_path) == Shelf((ONE,), (FAILED,))


def test_a_folder_with_an_unreadable_manifest_does_not_stop_the_site(tmp_path, caplog):
    folder = tmp_path / "rfm" / "2025-09" / "en"
    folder.mkdir(parents=True)
    (folder / "manifest.json").write_text('{"slug": "rfm"}')
    assert read_shelf(tmp_path) == Shelf()
    assert "manifest.json" in caplog.text


def month(number: int, raw: float | None, **changes: object) -> Manifest:
    figure = Figure(label="Share", value=f"{raw}", name="share", raw=raw)
    day = f"2011-{number:02d}-28"
    made = replace(ONE, period=day[:7], as_of=day, digest=Digest(title="T", figures=(figure,)))
    return replace(made, **changes)


def test_figures_over_time_are_a_line_and_a_table() -> None:
    page = pages(*(month(n, raw) for n, raw in enumerate([1.0, 3.0, 2.0], 1)))["index.en.html"]
    (points,) = re.findall(r'<polyline points="(.*?)"', page)
    assert points == "2.0,22.0 50.3,2.0 94.0,12.0"  # 31 days, then 28: time is to scale
    assert 'aria-label="Share: 1.0 in Jan 2011, 2.0 in Mar 2011"' in page
    assert re.findall(r'data-label="Share">(.*?)<', page) == ["2.0", "3.0", "1.0"]


def test_a_line_needs_three_runs_of_one_kind_that_know_the_figure() -> None:
    known = [month(n, float(n)) for n in range(1, 4)]
    assert "<polyline" in pages(*known)["index.en.html"]
    assert "<polyline" not in pages(*known[:2], month(3, None))["index.en.html"]
    week = replace(known[2], period="2011-W12")
    assert "<polyline" not in pages(*known[:2], week)["index.en.html"]
    flat = pages(*(month(n, 5.0) for n in range(1, 4)))["index.en.html"]
    assert 'points="2.0,12.0 ' in flat


def test_a_banner_says_since_when_a_report_is_stale() -> None:
    failed = replace(FAILED, ran_at="2011-12-31T18:00:00+00:00", since="2011-12-30T16:30:00+00:00")
    made = pages(ONE, attempts=(failed,))
    banner = made["index.en.html"].split('role="alert"')[1].split("</section>")[0]
    assert "Stale since 31 Dec 2011" in banner  # in the book's timezone, of the first attempt
    assert 'href="#card-rfm"' in banner
    assert 'id="card-rfm"' in made["index.en.html"]
    assert "2011年12月31日" in made["index.zh.html"].split('role="alert"')[1]


def test_what_failed_before_the_latest_report_or_had_no_data_is_not_stale() -> None:
    old = replace(FAILED, period="2011-09", as_of="2011-09-30")
    page = pages(ONE, attempts=(old, replace(FAILED, status="skipped")))["index.en.html"]
    assert 'role="alert"' not in page
    assert "Sep 2011" not in page
    assert "Left out for Dec 2011." in page


def test_search_knows_what_the_latest_report_tells_and_the_findings_before() -> None:
    topics = (Topic(words="Who <leaves>", section="s2"), Topic(words="No section"))
    page = pages(ONE, replace(LATER, digest=replace(LATER.digest, topics=topics)))["index.en.html"]
    found = page.split('<details id="contents">')[1].split("</details>")[0]
    assert re.findall(r'href="(.*?)"', found) == [
        "rfm/2011-11/en/report.html",
        "rfm/2011-11/en/report.html#s2",
        "rfm/2011-11/en/report.html",
        "rfm/2011-10/en/report.html",
    ]
    assert "Who &lt;leaves&gt;" in found
    assert "October: 31.2% &amp; more" in found
    assert 'role="search" hidden' in page  # a script shows it; the list is there without
