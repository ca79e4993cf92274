"""Attribution of the simulated firm, whose touches caused purchases that are known."""

import datetime as dt
import json

import ibis
import numpy as np
import pytest

from crmkit.analyses.attribution import attribution
from crmkit.analyses.attribution.models import MODELS, evaluated, resampled
from crmkit.simulate import simulate


@pytest.fixture(scope="module")
def firm(tmp_path_factory):
    """The small firm: its tables and the truth."""
    folder = tmp_path_factory.mktemp("firm")
    simulate(preset="small", out=folder)
    truth = json.loads((folder / "truth.json").read_text(encoding="utf-8"))
    read = ibis.duckdb.connect().read_parquet
    orders = read(folder / "orders.parquet")
    kept = orders.filter(orders.customer_id.notnull(), ~orders.refunded, orders.amount > 0)
    return read(folder / "touches.parquet"), kept, truth


@pytest.fixture(scope="module")
def found(firm):
    touches, orders, truth = firm
    days = truth["days_met"]
    return attribution(
        touches,
        orders,
        as_of=days["last"],
        start=days["first"],
        timezone="Asia/Shanghai",
        bootstrap=100,
    )


def caused(truth):
    """Purchases that each medium caused."""
    return {row["channel"]: row["seen"]["purchases_caused"] for row in truth["touch_channels"]}


def test_conversions_are_the_purchases_of_the_days_met(firm, found):
    _, orders, truth = firm
    first = dt.datetime.fromisoformat(truth["days_met"]["first"]) - dt.timedelta(hours=8)
    end = dt.datetime.fromisoformat(truth["days_met"]["last"]) + dt.timedelta(hours=16)
    inside = orders.filter(orders.ordered_at >= first, orders.ordered_at < end)
    assert found.conversions == inside.count().execute()
    assert found.revenue == pytest.approx(float(inside.amount.sum().execute()))


def test_models_credit_more_than_was_caused(firm, found):
    """Attribution cannot tell what would have happened anyway: every model credits nearly all."""
    _, _, truth = firm
    total = sum(caused(truth).values())
    credited = found.credit[found.credit.channel != "(no touch)"].groupby("model").conversions.sum()
    assert (credited > 1.5 * total).all()


def test_the_distance_of_each_model_is_known_with_its_interval(firm, found):
    _, _, truth = firm
    away = found.against(caused(truth)).set_index("model")
    assert set(away.index) == set(MODELS)
    assert ((away.distance > 0.1) & (away.distance < 0.6)).all()
    assert (away.distance_low < away.distance_high).all()
    # the last touch is often direct or a search for the brand, and these cause nothing
    assert away.distance["last"] > away.distance["last_non_direct"]


def test_channels_that_only_harvest_are_credited_all_the_same(firm, found):
    """The brand's search words cause nothing here, and every model pays them."""
    _, _, truth = firm
    nothing = [name for name, n in caused(truth).items() if n == 0]
    rows = found.credit[found.credit.channel.isin(nothing)]
    assert len(nothing) == 2
    assert (rows.groupby("model").conversions.sum() > 0).all()


@pytest.mark.slow
def test_intervals_cover_the_credit_of_a_larger_firm():
    """Credit in small samples of customers lies within its interval as often as it says.

    Each firm draws its customers from one law; the truth is the credit of a very large firm.
    """
    rng = np.random.default_rng(8)
    inside, firms = np.zeros((len(MODELS), 3)), 200
    large = [_shares(np.random.default_rng(9 + k), 60_000, 0)[0] for k in range(4)]
    truth = np.mean(large, axis=0)
    for _ in range(firms):
        share, drawn = _shares(rng, 1_500, 200)
        low, high = np.quantile(drawn, [0.025, 0.975], axis=0)
        inside += (low <= truth) & (truth <= high)
        assert share.shape == truth.shape
    cover = inside / firms
    assert cover.min() > 0.90, cover
    assert 0.93 < cover.mean() < 0.97, cover.mean()


def _shares(rng, customers, draws):
    """Shares of conversions by model and channel of a drawn firm, and those of its bootstrap.

    Counted here in numpy, customer by customer into 256 groups, as the engine does.
    """
    from scipy import sparse

    from crmkit.analyses.attribution.answer import Counts, Moves, Sets

    groups, n = 256, 3
    group = rng.integers(0, groups, customers)
    loyal = rng.gamma(2.0, 0.5, customers)
    rules = np.zeros((groups, n, 6, 2))
    alone = np.zeros((groups, 2))
    moves, ends = np.zeros((groups, n + 1, n)), np.zeros((groups, n, 2))
    sets = np.zeros((groups, 1 << n, 2))
    for who in range(customers):
        for _ in range(rng.poisson(1 + loyal[who])):
            path = rng.choice(n, p=[0.5, 0.3, 0.2], size=rng.integers(1, 4))
            path = [c for k, c in enumerate(path) if k == 0 or path[k - 1] != c]
            won = rng.random() < 0.1 * loyal[who] * (1 + path.count(2))
            g, before = group[who], n
            for channel in path:
                moves[g, before, channel] += 1
                before = channel
            ends[g, path[-1], int(not won)] += 1
            mask = sum(1 << c for c in set(path))
            sets[g, mask, int(won)] += 1
            if not won:
                continue
            for k, channel in enumerate(path):
                shares = _rule_shares(k, len(path))
                rules[g, channel, :, 0] += shares
        alone[group[who], 0] += rng.poisson(0.05)
    origin, target = np.meshgrid([0, 1, 2, -1], [0, 1, 2], indexing="ij")
    zeros = np.zeros((groups, n))
    counts = Counts(
        channels=n,
        groups=groups,
        rules=rules,
        moves=Moves(
            origin=origin.ravel(),
            target=target.ravel(),
            owner=np.arange(n),
            count=sparse.csr_array(moves.reshape(groups, -1)),
            converted=sparse.csr_array(ends[..., 0]),
            value=sparse.csr_array(zeros),
            lost=sparse.csr_array(ends[..., 1]),
        ),
        sets=Sets(
            masks=np.arange(1, 1 << n),
            paths=sparse.csr_array(sets[:, 1:].sum(axis=2)),
            converting=sparse.csr_array(sets[:, 1:, 1]),
            conversions=sparse.csr_array(sets[:, 1:, 1]),
            value=sparse.csr_array(np.zeros((groups, (1 << n) - 1))),
        ),
        alone=alone,
        constant=np.zeros(2),
    )
    whole = evaluated(counts, np.ones((1, groups)), game="rate").credit[0, :, :n, 0]
    if draws == 0:
        return whole, None
    weights = resampled(groups, draws, rng)
    return whole, evaluated(counts, weights, game="rate").credit[:, :, :n, 0]


def _rule_shares(place, length):
    """First, last, last non-direct (none is direct), linear, by position, decay (a day each)."""
    first, last = float(place == 0), float(place == length - 1)
    middle = 0.4 if first or last else 0.2 / max(length - 2, 1)
    position = 1 / length if length <= 2 else middle
    decay = 2.0**place / (2.0**length - 1)
    return [first, last, last, 1 / length, position, decay]
