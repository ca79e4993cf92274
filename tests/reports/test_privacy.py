"""Nothing that is published names a person: every file of a run of all notebooks is read for it."""

import base64
import csv
import html
import re
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pypdfium2
import pytest

import crmkit as ck
from crmkit.imports import import_tables
from crmkit.reports.notebooks import find_notebooks
from crmkit.reports.report import Published, make_report
from crmkit.settings import read_settings
from crmkit.simulate import simulate

pytestmark = pytest.mark.notebook

ROLES = """
[roles.sales]
sees = ["name", "phone"]
lists = ["rfm", "call_center"]

[roles.service]
sees = []
lists = ["rfm"]
"""


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A firm whose book comes from its exports."""
    folder = tmp_path_factory.mktemp("firm")
    simulate(preset="small", out=folder)
    demo = (Path(__file__).parents[2] / "crmkit.toml").read_text(encoding="utf-8")
    settings = demo.replace("data/demo/", "").replace("data/store/demo", "store")
    (folder / "crmkit.toml").write_text(settings + ROLES, encoding="utf-8")
    import_tables(read_settings(folder / "crmkit.toml"))
    return folder


@pytest.fixture(scope="module")
def published(firm: Path) -> Published:
    """All notebooks in Chinese; what runs them without our runner does so in English."""
    return make_report(firm / "crmkit.toml", languages=["zh"])


@pytest.fixture(scope="module")
def people(firm: Path) -> "set[str]":
    """Every telephone number, name and mail address that the firm has."""
    tables = ck.connect(firm / "crmkit.toml").bare
    ids = tables["identities"]
    known = [
        tables["customers"].select(word=tables["customers"][column])
        for column in ("name", "phone", "email")
    ]
    known.append(tables["agents"].select(word=tables["agents"].name))
    known.append(tables["leads"].select(word=tables["leads"].phone))
    known.append(ids.filter(ids.source.isin(["phone", "email", "wechat"])).select(word="source_id"))
    words = {str(w) for table in known for w in table.word.execute().dropna()}
    with (firm / "raw" / "new_leads.csv").open(encoding="utf-8") as refused:  # some are
        words |= {row["phone"] for row in csv.DictReader(refused) if len(row["phone"]) > 13}
    assert len(words) > 2_000
    return words | {word.removeprefix("+86") for word in words}


def test_all_notebooks_run_and_speak_chinese(published: Published) -> None:
    assert [(r.slug, r.error) for r in published.reports if not r.done] == []
    assert len(published.reports) == len(find_notebooks())
    told = [r.digest.title + r.digest.headline for r in published.reports]
    assert all(re.search("[\u4e00-\u9fff]", words) for words in told), told


def test_no_published_file_names_a_person(published: Published, people: "set[str]") -> None:
    files = sorted(path for path in published.site.rglob("*") if path.is_file())
    assert {path.suffix for path in files} >= {".html", ".pdf", ".ipynb", ".csv", ".xlsx", ".json"}
    found = {path.name: leaked for path in files if (leaked := _named(_read(path), people))}
    assert not found


def test_quarantine_listings_name_nobody(firm: Path, people: "set[str]") -> None:
    listings = sorted((firm / "store" / "quarantine").glob("*.csv"))
    assert listings
    assert not [path.name for path in listings if _named(_read(path), people)]
    assert stat.S_IMODE((firm / "store").stat().st_mode) == 0o700


def test_the_scan_finds_what_is_planted(tmp_path: Path, published: Published) -> None:
    person = {"王小明", "13812345678", "ming@example.net"}
    page = next(published.site.glob("rfm/*/zh/report.html")).read_text(encoding="utf-8")
    hidden = "data:x;base64," + base64.b64encode(b"call 13812345678 now").decode()
    ways = ("&#29579;小明", "<b>13812345678</b>", hidden, "ming@exa\u006dple.net", "王小明")
    for words in ways:
        planted = tmp_path / "report.html"
        planted.write_text(page.replace("</body>", f"{words}</body>"), encoding="utf-8")
        assert _named(_read(planted), person), words
    assert not _named(page, person)


def test_a_role_gets_its_lists_with_what_it_may_see(firm: Path, published: Published) -> None:
    lists = firm / "reports" / "lists"
    assert sorted(p.name for p in lists.iterdir()) == ["sales", "service"]
    for path in (lists, *lists.rglob("*")):
        wanted = 0o700 if path.is_dir() else 0o600
        assert stat.S_IMODE(path.stat().st_mode) == wanted, path
    (sales,) = lists.glob("sales/rfm/*/zh/movement_fallen.csv")
    (service,) = lists.glob("service/rfm/*/zh/movement_fallen.csv")
    rows = list(csv.DictReader(sales.read_text("utf-8-sig").splitlines()))
    assert list(rows[0])[:3] == ["客户", "姓名", "电话"]
    customers = ck.connect(firm / "crmkit.toml", role="sales").customers.execute()
    known = customers.set_index("customer_id").reindex([row["客户"] for row in rows])
    assert [row["姓名"] for row in rows] == known["name"].fillna("").tolist()
    phones = [f"'{phone}" if phone else "" for phone in known["phone"].fillna("")]
    assert [row["电话"] for row in rows] == phones
    assert any(phones)
    assert "姓名" not in service.read_text("utf-8-sig")
    assert not list(published.site.rglob(".*.list"))


def _read(path: Path) -> str:
    """All that a file says, whatever it is."""
    if path.suffix == ".pdf":
        pdf = pypdfium2.PdfDocument(path)
        return "\n".join(page.get_textpage().get_text_range() for page in pdf)
    if path.suffix == ".xlsx":
        with zipfile.ZipFile(path) as parts:
            return "\n".join(parts.read(name).decode("utf-8") for name in parts.namelist())
    return path.read_text(encoding="utf-8")


def _named(words: str, people: "set[str]") -> "set[str]":
    """Those who are named, in plain words or in any of the ways that pages write letters."""
    return {person for read in _readings(words) for person in _present(read, people)}


def _readings(words: str) -> Iterator[str]:
    yield words
    yield html.unescape(words)
    yield re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m[1], 16)), words)
    for found in re.findall(r"base64,([A-Za-z0-9+/=]+)", words):
        yield base64.b64decode(found).decode("utf-8", "replace")


def _present(words: str, people: "set[str]") -> Iterator[str]:
    """Numbers and addresses as whole tokens, Chinese names as runs of letters of their length."""
    tokens = set(re.findall(r"\+?\w[\w.@-]*\w", words)) | set(re.findall(r"\d{7,}", words))
    runs = {
        run[at : at + length]
        for run in re.findall(r"[\u4e00-\u9fff]+", words)
        for length in (2, 3, 4)
        for at in range(len(run) - length + 1)
        if len(run) <= 4  # a name in a cell; sentences hold any two letters by chance
    }
    yield from (tokens | runs) & people
