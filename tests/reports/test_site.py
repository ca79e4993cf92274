"""The first page: latest reports, history, what went wrong."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from crmkit.reports.manifest import Digest, Figure, Link, Manifest
from crmkit.reports.site import Shelf, index_pages, read_shelf
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
    assert sorted(made) == ["index.en.html", "index.html", "index.zh.html"]
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
    assert '<h2 id="card-1">Rfm</h2>' in page


def test_an_empty_site_says_so() -> None:
    assert "No report has been published yet." in pages()["index.en.html"]
    assert "尚未发布任何报告。" in pages()["index.zh.html"]


def test_everything_is_escaped_and_nothing_can_run() -> None:
    for page in pages(ONE, LATER, attempts=(FAILED,)).values():
        assert "Wang &amp; &lt;Sons&gt;" in page
        assert "<worth>" not in page
        assert "default-src &#39;none&#39;" in page or "default-src 'none'" in page
        assert "<script" not in page
        assert "style=" not in page
        assert "http://" not in page.replace("http-equiv", "")
        assert "https://" not in page


def test_the_style_is_the_one_the_policy_allows() -> None:
    import base64
    import hashlib

    page = pages(ONE)["index.html"]
    style = page.split("<style>")[1].split("</style>")[0]
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{hashed}'" in page


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
