"""The table of vendors' codes: what it must say, and how a damaged one is refused."""

import pytest

from crmkit import places, schema
from crmkit.errors import InputError
from crmkit.imports import import_tables
from crmkit.settings import read_settings
from crmkit.vendors import vendor_codes

# the reference's codes of carriers and platforms
TENCENT = {
    "202": "no_answer", "203": "rejected", "204": "powered_off", "205": "empty_number",
    "206": "busy", "207": "suspended", "208": "failed", "209": "cancelled", "210": "unreachable",
    "212": "blocked", "109": "blocked", "111": "blocked",
}  # fmt: skip
ALIYUN = {
    "200002": "busy", "200003": "no_answer", "200004": "empty_number", "200007": "unreachable",
    "200010": "powered_off", "200011": "suspended",
}  # fmt: skip
TWILIO = {
    "completed": "human", "busy": "busy", "failed": "failed", "no-answer": "no_answer",
    "canceled": "cancelled", "queued": "", "ringing": "", "in-progress": "",
}  # fmt: skip


def test_codes_of_the_reference():
    found = vendor_codes()
    for vendor, codes in (("tencent", TENCENT), ("aliyun", ALIYUN), ("twilio", TWILIO)):
        assert {code: found[vendor][code] for code in codes} == codes
    every = {result for codes in found.values() for result in codes.values()}
    assert every - {""} <= set(schema.CALL_RESULTS)


def test_an_export_is_mapped_by_a_line(tmp_path):
    """A code that says nothing is unknown; one that nobody knows goes to quarantine."""
    (tmp_path / "calls.csv").write_text(
        "id,at,code\n1,2025-03-03 10:00,205\n2,2025-03-03 10:01,201\n3,2025-03-03 10:02,999\n"
        "4,2025-03-03 10:03,busy\n"
    )
    toml = tmp_path / "crmkit.toml"
    toml.write_text(
        '[book]\nname="F"\ntimezone="Asia/Shanghai"\ncurrency="CNY"\nstore="s"\n'
        '[tables.calls]\nfrom="calls.csv"\n[tables.calls.columns]\ncall_id="id"\nstarted_at="at"\n'
        'result="code"\nraw_status="code"\n[tables.calls.values]\nresult="tencent"\n'
    )
    import pyarrow.parquet as pq

    report = import_tables(read_settings(toml))
    rows = pq.read_table(tmp_path / "s" / "calls.parquet").to_pylist()
    assert [(r["call_id"], r["result"], r["raw_status"]) for r in rows] == [
        ("1", "empty_number", "205"), ("2", None, "201"), ("4", "busy", "busy"),
    ]  # fmt: skip
    assert report.table("calls").quarantined == 1


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("vendor,code\na,1\n", "has no column result"),
        ("vendor,code,result\na,1,bussy\n", r"line 2: 'bussy' is no result.*Did you mean 'busy'"),
        ("vendor,code,result\na,1,busy\na,1,failed\n", "line 3: a has the code '1' twice"),
        ("vendor,code,result\n,1,busy\n", "line 2: vendor and code must both be given"),
        ("vendor,code,result\na\n", "line 2: vendor and code must both be given"),
    ],
)
def test_a_damaged_table_is_refused(tmp_path, monkeypatch, content, told):
    (tmp_path / "dialers").mkdir()
    (tmp_path / "dialers" / "codes.csv").write_text(content)
    monkeypatch.setattr(places, "templates", lambda: tmp_path)
    with pytest.raises(InputError, match=told):
        vendor_codes()


def test_a_spreadsheet_may_have_saved_it(tmp_path, monkeypatch):
    (tmp_path / "dialers").mkdir()
    saved = "\ufeffvendor,code,result\r\n天天呼,1,busy\r\n"
    (tmp_path / "dialers" / "codes.csv").write_bytes(saved.encode())
    monkeypatch.setattr(places, "templates", lambda: tmp_path)
    assert vendor_codes() == {"天天呼": {"1": "busy"}}
