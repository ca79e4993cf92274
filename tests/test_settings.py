"""crmkit.toml: what is read, and how what is wrong is told."""

# ruff: noqa: E501 (a file or a message reads best on one line)

from pathlib import Path

import pytest

from crmkit.errors import SettingsError
from crmkit.settings import Constant, Expression, read_settings

BOOK = '[book]\nname = "Shop"\ntimezone = "Asia/Shanghai"\ncurrency = "CNY"\n'
TABLE = """
[tables.orders]
from = "orders.csv"
[tables.orders.columns]
order_id = "订单号"
ordered_at = "时间"
amount = { sql = "数量 * 单价" }
channel = { value = "web" }
"""


def write(folder: Path, content: str) -> Path:
    path = folder / "crmkit.toml"
    path.write_text(content, encoding="utf-8")
    return path


def test_a_whole_file(tmp_path):
    more = '\n[tables.orders.values]\nchannel = { web = "online" }\n[targets]\nretention = 0.4\n'
    settings = read_settings(write(tmp_path, BOOK + TABLE + more))
    orders = settings.tables["orders"]
    assert (settings.book.language, settings.book.country) == ("en", None)
    assert settings.book.store == tmp_path / "data" / "store"
    assert settings.raw == settings.folder == tmp_path
    assert orders.from_ == ("orders.csv",)
    assert orders.columns["order_id"] == "订单号"
    assert orders.columns["amount"] == Expression(sql="数量 * 单价")
    assert orders.columns["channel"] == Constant(value="web")
    assert orders.values == {"channel": {"web": "online"}}
    assert (orders.encoding, orders.decimal, orders.duplicates) == ("utf-8", ".", "drop")
    assert settings.targets == {"retention": 0.4}
    assert len(settings.fingerprint) == 64
    assert read_settings(tmp_path) == settings


def test_folders_are_relative_to_the_file(tmp_path):
    settings = read_settings(write(tmp_path, BOOK + 'store = "../s"\nraw = "in"\n'))
    assert settings.book.store == tmp_path.parent / "s"
    assert settings.raw == tmp_path / "in"


def test_passwords_come_from_the_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("DB_PASSWORD", "secret")
    url = 'url = "postgres://me:${DB_PASSWORD}@host/crm"'
    toml = TABLE.replace('from = "orders.csv"', f'from = "orders"\n{url}')
    settings = read_settings(write(tmp_path, BOOK + toml))
    assert settings.tables["orders"].url == "postgres://me:secret@host/crm"


CALLS = """
[tables.calls]
from = "calls.csv"
[tables.calls.columns]
call_id = "id"
started_at = "at"
result = "code"
raw_status = "code"
"""


def test_results_of_calls_by_the_name_of_a_vendor(tmp_path):
    toml = BOOK + CALLS + '[tables.calls.values]\nresult = "tencent"\n'
    labels = read_settings(write(tmp_path, toml)).tables["calls"].values["result"]
    assert {code: labels[code] for code in ("202", "203", "204", "205", "206", "207")} == {
        "202": "no_answer", "203": "rejected", "204": "powered_off", "205": "empty_number",
        "206": "busy", "207": "suspended",
    }  # fmt: skip
    assert labels["notAnswer"] == labels["202"] and labels["201"] == ""  # says nothing


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ('result = "tencnt"', "values.result was given as 'tencnt'.*Did you mean 'tencent'"),
        ('result = "nobody"', "There are: asterisk, freeswitch, tencent, aliyun, twilio, amazon"),
        ('raw_status = "tencent"', "values.raw_status was given as 'tencent': only calls.result"),
        ("result = 3", "values.result was given as 3"),
    ],
)
def test_a_vendor_that_does_not_do(tmp_path, values, told):
    path = write(tmp_path, BOOK + CALLS + f"[tables.calls.values]\n{values}\n")
    with pytest.raises(SettingsError, match=told):
        read_settings(path)


DIALER = '[[dialers]]\nformat = "vicidial"\nfolder = "logs"\n'


def test_diallers(tmp_path):
    settings = read_settings(write(tmp_path, BOOK + DIALER + DIALER.replace("logs", "more")))
    assert [str(given.folder) for given in settings.dialers] == ["logs", "more"]
    one = settings.dialers[0]
    assert (one.format, one.encoding, one.mode, one.zone) == ("vicidial", "utf-8", None, "UTC")
    assert one.named("x") == "(x)"
    assert one.model_copy(update={"prefix": "o'"}).named("x") == "('o''' || x)"


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('format = "vicidial"', 'format = "vicidail"', "dialers.0.format was given as 'vicidail'"),
        ('folder = "logs"', 'foldr = "logs"', "no setting dialers.0.foldr. Did you mean 'folder'"),
        ('folder = "logs"', "", "dialers.0.folder is missing"),
        ('folder = "logs"', 'folder = "logs"\ntimezone = "Asia/Shanghia"', "Did you mean 'Asia/Shanghai'"),
        ('folder = "logs"', 'folder = "logs"\nmode = "predictiv"', "dialers.0.mode was given"),
        ('folder = "logs"', 'folder = "logs"\nencoding = "gbbk"', "dialers.0.encoding was given"),
    ],
)  # fmt: skip
def test_what_is_wrong_in_a_dialler_is_told(tmp_path, old, new, told):
    with pytest.raises(SettingsError, match=told):
        read_settings(write(tmp_path, BOOK + DIALER.replace(old, new)))


def test_formats_are_told_by_the_ending(tmp_path):
    orders = read_settings(write(tmp_path, BOOK + TABLE)).tables["orders"]
    names = ["a.csv", "a.CSV.gz", "a.tsv", "a.xlsx", "a.parquet", "a.duckdb"]
    assert [orders.format_of(n) for n in names] == ["csv"] * 3 + ["excel", "parquet", "duckdb"]
    with pytest.raises(SettingsError, match=r"ending of 'a\.pdf' does not tell"):
        orders.format_of("a.pdf")


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('timezone = "Asia/Shanghai"', 'timezone = "Asia/Shanghia"', "book.timezone was given as 'Asia/Shanghia'.*Did you mean 'Asia/Shanghai'"),
        ('currency = "CNY"', 'currency = "RMB"', "book.currency was given as 'RMB'.*no currency"),
        ('currency = "CNY"', "", "book.currency is missing"),
        ('currency = "CNY"', 'currency = "CNY"\nlangauge = "zh"', "no setting book.langauge. Did you mean 'language'"),
        ('currency = "CNY"', 'currency = "CNY"\nlanguage = "de"', "book.language was given as 'de'"),
        ('currency = "CNY"', 'currency = "CNY"\ncountry = "cn"', "book.country.*Did you mean 'CN'"),
        ("[tables.orders]", "[tables.order]", "no table 'order'. Did you mean 'orders'"),
        ("[tables.orders]", "[table.orders]", "no setting table. Did you mean 'tables'"),
        ("order_id =", "oder_id =", "no column 'oder_id'. Did you mean 'order_id'"),
        ('order_id = "订单号"', "", "'order_id' .which purchase. is required"),
        ('from = "orders.csv"', 'form = "orders.csv"', "tables.orders.*from"),
        ('from = "orders.csv"', 'from = "orders.csv"\nencodng = "gbk"', "no setting tables.orders.encodng. Did you mean 'encoding'"),
        ('from = "orders.csv"', 'from = "orders.csv"\nencoding = "gb18300"', "no encoding 'gb18300'. Did you mean 'gb18030'"),
        ('from = "orders.csv"', 'from = "orders.csv"\ndelimiter = "||"', "cannot separate columns"),
        ('from = "orders.csv"', 'from = "orders.csv"\nkeep = "a b c"', "is not an SQL expression"),
        ('from = "orders.csv"', 'from = "orders.csv"\nkeep = "1; drop table x"', "is not an SQL expression"),
        ('from = "orders.csv"', 'from = "orders.csv"\none_row_per = "order"', "no column 'order' is mapped. Did you mean 'order_id'"),
        ('from = "orders.csv"', "from = []", "tables.orders.from"),
        ('{ value = "web" }', '{ valeu = "web" }', "is not a column; give"),
        ("[tables.orders]", "[tables.orders", "is not TOML.*line 6"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_told_with_file_key_and_what_would_do(tmp_path, old, new, told):
    content = BOOK + TABLE
    assert old in content
    path = write(tmp_path, content.replace(old, new))
    with pytest.raises(SettingsError, match=told) as error:
        read_settings(path)
    assert str(path) in str(error.value)


def test_a_missing_file_and_one_that_is_not_utf8(tmp_path):
    with pytest.raises(SettingsError, match="There is no settings file"):
        read_settings(tmp_path / "crmkit.toml")
    (tmp_path / "crmkit.toml").write_bytes('name = "店"'.encode("gb18030"))
    with pytest.raises(SettingsError, match="is not UTF-8"):
        read_settings(tmp_path)
