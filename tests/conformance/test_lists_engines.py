"""Lists give equal results on DuckDB and on PySpark."""

import pandas as pd
import pytest

from crmkit.analyses.lists import lists
from crmkit.schema import TABLES

pytestmark = pytest.mark.spark


@pytest.fixture(scope="module")
def tables():
    from crmkit.simulate.dialer import LeadBatch, dial
    from crmkit.simulate.floor import Floor

    floor = Floor(agents=10, trunks=30, days=2, timezone="Europe/London")
    return dial(floor, LeadBatch.draw(floor, 1500), engine="python").tables()


def test_lists_are_equal(on_both, tables):
    calls, codes = (
        on_both(tables[name], dict(TABLES[name].schema().items()))
        for name in ("calls", "dispositions")
    )
    leads = on_both(
        pd.DataFrame(
            {
                "lead_id": [f"L{n}" for n in range(600)],
                "list_id": ["list-1", "list-2", None] * 200,
                "created_at": [pd.Timestamp("2025-03-01")] * 600,
            }
        ),
        {"lead_id": "string", "list_id": "string", "created_at": "timestamp"},
    )
    found = [
        lists(rows, known, flags, as_of="2025-03-05", timezone="Europe/London")
        for rows, known, flags in zip(calls, leads, codes, strict=True)
    ]
    for name in ("lists", "ages", "dead"):
        one, other = (getattr(result, name) for result in found)
        pd.testing.assert_frame_equal(one, other, check_dtype=False)
    assert found[0].lists.dialled.sum() > 500
