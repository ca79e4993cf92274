"""The canonical tables and the page made of them."""

from pathlib import Path

import pytest

from crmkit import schema, tables_page
from crmkit.errors import ParameterError


def test_every_key_and_order_names_a_column():
    for table in schema.TABLES.values():
        assert set(table.key) <= set(table.names)
        assert set(table.order) <= set(table.names)
        assert table.time is None or table.time in table.names
        assert len(set(table.names)) == len(table.names)


def test_instants_have_no_zone_and_money_is_exact():
    types = schema.table("orders").schema()
    assert types["ordered_at"].timezone is None
    assert str(types["amount"]) == "decimal(18, 4)"


def test_personal_columns_are_marked():
    assert schema.table("customers").personal == ("name", "phone", "email")
    assert schema.table("lead_events").personal == ("note",)


def test_an_unknown_name_is_answered_with_the_nearest():
    with pytest.raises(ParameterError, match=r"Did you mean 'orders'\?"):
        schema.table("order")
    with pytest.raises(ParameterError, match=r"Did you mean 'customer_id'\?"):
        schema.table("orders").column("custmer_id")


def test_the_page_is_up_to_date():
    page = Path(__file__).resolve().parents[1] / "docs" / "tables.md"
    assert page.read_text(encoding="utf-8") == tables_page.markdown(), (
        "run: python -m crmkit.tables_page"
    )
