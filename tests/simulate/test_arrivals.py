"""A list that has just come in: an import finds of each lead what was planted."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from crmkit.imports import import_tables
from crmkit.settings import read_settings
from crmkit.simulate import simulate

TOML = """
[book]
name = "Firm"
timezone = "Asia/Shanghai"
currency = "CNY"
country = "CN"

[tables.leads]
from = ["leads.parquet", "raw/new_leads.csv"]
timezone = "UTC"
columns = { %s }

[tables.lead_events]
from = "lead_events.parquet"
timezone = "UTC"
duplicates = "keep"
columns = { lead_id = "lead_id", occurred_at = "occurred_at", kind = "kind", agent_id = "agent_id" }

[tables.identities]
from = "identities.parquet"
columns = { source = "source", source_id = "source_id", customer_id = "customer_id" }

[leads]
protection_days = 15
do_not_call = "raw/do_not_call.csv"
blacklist = "raw/blacklist.csv"
"""
LEADS = ("lead_id", "customer_id", "list_id", "source", "created_at", "phone", "email", "chat")


@pytest.fixture(scope="module")
def firm(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = simulate(preset="small", out=tmp_path_factory.mktemp("firm"))
    columns = ", ".join(f'{name} = "{name}"' for name in LEADS)
    (folder / "import.toml").write_text(TOML % columns, encoding="utf-8")
    (folder / "import.toml").replace(folder / "crmkit.toml")
    return folder


def test_every_lead_is_found_as_planted(firm: Path) -> None:
    report = import_tables(read_settings(firm))
    planted = pq.read_table(firm / "truth_arrivals.parquet").to_pylist()
    stored = firm / "data" / "store"
    checks = pq.read_table(stored / "lead_checks.parquet").to_pylist()
    found = {row["lead_id"]: (row["verdict"], row["into_lead_id"]) for row in checks}
    assert {row["verdict"] for row in planted} == {
        "sound", "merged", "do_not_call", "unreachable", "blacklisted"
    }  # fmt: skip
    for row in planted:
        assert found[row["lead_id"]] == (row["verdict"], row["into_lead_id"])
    leads = report.table("leads")
    refused = sum(not row["stored"] for row in checks)
    assert (leads.rows, leads.quarantined) == (len(checks), refused)
