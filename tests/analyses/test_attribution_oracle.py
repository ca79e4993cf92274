"""Attribution against an independent one in plain Python, on random streams."""

import importlib.util
from pathlib import Path

import ibis
import numpy as np
import pandas as pd
import pytest

from crmkit.analyses.attribution import attribution
from crmkit.analyses.attribution.models import MODELS

_SPEC = importlib.util.spec_from_file_location(
    "oracle_attribution", Path(__file__).with_name("oracle_attribution.py")
)
oracle = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(oracle)

TOUCHES = {
    "customer_id": "string",
    "occurred_at": "timestamp",
    "channel": "string",
    "kind": "string",
    "content": "string",
}
CONVERSIONS = {"customer_id": "string", "ordered_at": "timestamp", "amount": "decimal(18, 4)"}


def tables(touches, conversions):
    """The rows as ibis tables."""
    seen = pd.DataFrame(touches, columns=list(TOUCHES))
    won = pd.DataFrame(conversions, columns=list(CONVERSIONS)).astype({"amount": "float64"})
    schema = {**CONVERSIONS, "amount": "float64"}
    return ibis.memtable(seen, schema=TOUCHES), ibis.memtable(won, schema=schema).cast(CONVERSIONS)


def check(seed, people=None, **given):
    """The analysis of one random stream says what the oracle says."""
    touches, conversions = oracle.stream(seed, people)
    options = {**oracle.options(seed), **given}
    credit, facts, effects, values = oracle.attribution(touches, conversions, **options)
    found = attribution(*tables(touches, conversions), as_of=oracle.LAST, bootstrap=0, **options)
    got = found.credit.set_index(["model", "channel"])
    assert set(got.index) == {key[:2] for key in credit}
    for (model, channel, measure), wanted in credit.items():
        column = ("conversions", "revenue")[measure]
        number = got.loc[(model, channel), column]
        if np.isnan(number):  # nothing to share out
            assert wanted == 0
            continue
        # revenue is shared out in whole ten-thousandths
        assert number == pytest.approx(wanted, abs=1e-6 if measure == 0 else 2e-3), (model, channel)
    assert found.facts["copies"] == facts["copies"]
    assert found.facts["touches_pending"] == facts["touches_pending"]
    rows = found.channels.set_index("channel")
    for channel, (effect, _) in effects.items():
        assert rows.removal.fillna(0)[channel] == pytest.approx(float(effect or 0), abs=1e-9)
        assert rows.shapley[channel] == pytest.approx(float(values[channel][0]), abs=1e-9)
    return found


@pytest.mark.parametrize("seed", range(24))
def test_random_streams_of_a_few(seed):
    check(seed)


@pytest.mark.parametrize("transform", ["exposure", "first", "frequency", "unique"])
def test_random_streams_of_many(transform):
    """Two hundred customers each, whose paths know nothing of one another."""
    for seed in (501, 502):
        check(seed, people=100, transform=transform, order=seed - 500)


@pytest.mark.slow
def test_thousands_of_random_streams():
    for seed in range(1000, 1400):
        check(seed)
    for seed in range(2000, 2040):
        check(seed, people=200, order=1 + seed % 2)


def test_the_streams_have_what_they_should():
    """Ties, edges, duplicates, unknown channels, paths of every transform: the test can fail."""
    seen = {"copies": 0, "unknown": 0, "alone": 0, "open": 0, "edge": 0, "tie": 0}
    for seed in range(200):
        touches, conversions = oracle.stream(seed)
        options = oracle.options(seed)
        how = {k: options[k] for k in ("lookback", "transform", "open_paths", "start")}
        found, alone, facts = oracle.paths(touches, conversions, **how)
        seen["copies"] += facts["copies"] > 0
        seen["unknown"] += any("(unknown)" in path[1] for path in found)
        seen["alone"] += alone[0] > 0
        seen["open"] += any(path[5] == 0 for path in found)
        window = options["lookback"] * oracle.DAY
        seen["edge"] += any(path[4] and path[4] - path[2][0] == window for path in found)
        seen["tie"] += any(len(set(path[2])) < len(path[2]) for path in found)
    assert min(seen.values()) >= 20, seen
    assert set(MODELS) >= set(oracle.RULES)
