"""Who sees what: nobody anything personal, unless a role says so."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import crmkit as ck
from crmkit.errors import ParameterError, SettingsError
from crmkit.settings import read_settings

SETTINGS = """[book]
name = "Shop"
timezone = "UTC"
currency = "EUR"
store = "."

[roles.sales]
sees = ["phone"]
lists = ["rfm"]

[roles.analyst]
sees = ["customers.name", "agents.name", "note"]
users = ["nobody-of-this-name"]
"""


@pytest.fixture
def book(tmp_path):
    people = {"customer_id": ["a"], "name": ["王芳"], "phone": ["+8613800001234"]}
    pq.write_table(pa.table(people), tmp_path / "customers.parquet")
    file = tmp_path / "crmkit.toml"
    file.write_text(SETTINGS.replace('"note"', '"lead_events.note"'), encoding="utf-8")
    return file


def test_a_role_sees_its_columns_and_no_other(book):
    row = ck.connect(book, role="sales").customers.execute().iloc[0]
    assert (row["name"], row["phone"]) == ("王**", "+8613800001234")
    row = ck.connect(book).customers.execute().iloc[0]
    assert (row["name"], row["phone"]) == ("王**", "***1234")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"role": "sale"}, "no role 'sale'. Did you mean 'sales'.* There are: sales, analyst"),
        ({"role": "analyst"}, "is not for .*roles.analyst.users"),
        ({"unmasked": True}, "shown by role. Give role=... .sales, analyst."),
    ],
)
def test_who_has_no_right_is_told_why(book, asked, words):
    with pytest.raises(ParameterError, match=words):
        ck.connect(book, **asked)


def test_a_book_without_roles_says_where_they_come_from(book):
    book.write_text(SETTINGS.split("[roles", maxsplit=1)[0])
    with pytest.raises(ParameterError, match=r"no role 'sales'.*none; .roles. in crmkit.toml"):
        ck.connect(book, role="sales")
    assert ck.connect(book, unmasked=True).customers.execute().loc[0, "name"] == "王芳"


def test_a_column_that_is_not_personal_is_refused_with_the_nearest(book):
    book.write_text(SETTINGS.replace('"phone"', '"phones"').replace(', "note"', ""))
    with pytest.raises(SettingsError, match=r"roles.sales.sees .*Did you mean 'customers.phone'"):
        read_settings(book)
    book.write_text(SETTINGS.replace("lists", "list").replace(', "note"', ""))
    with pytest.raises(SettingsError, match=r"no setting roles.sales.list. Did you mean 'lists'"):
        read_settings(book)
