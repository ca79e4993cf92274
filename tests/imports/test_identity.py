"""One id per person: by hand, against another library, and on the simulated firm."""

import random
import sys

import duckdb
import networkx
import pyarrow as pa
import pytest

from crmkit.errors import CrmkitError, InputError, ParameterError
from crmkit.imports.identity import resolve
from crmkit.simulate import simulate

COLUMNS = ("source_a", "id_a", "source_b", "id_b")


def found(*links: tuple, previous: dict | None = None, **how):
    """Resolve links given as tuples; `previous` maps (source, id) to a customer."""
    con = duckdb.connect()
    con.register("links", _table(links, COLUMNS))
    if previous is not None:
        rows = [(*key, who) for key, who in previous.items()]
        con.register("before", _table(rows, ("source", "source_id", "customer_id")))
        how["previous"] = "before"
    return resolve(con, "links", **how)


def _table(rows, names) -> pa.Table:
    columns = [pa.array([row[n] for row in rows], pa.string()) for n in range(len(names))]
    return pa.table(columns, names=list(names))


def people(result) -> dict:
    rows = result.identities.to_pylist()
    return {(row["source"], row["source_id"]): row["customer_id"] for row in rows}


def test_ids_seen_together_are_one_persons_across_any_number_of_links():
    result = found(
        ("crm", "C1", "phone", "+1"),
        ("cookie", "V9", "phone", "+1"),
        ("cookie", "V9", "email", "a@b"),
        ("crm", "C2", "cookie", "V8"),
        ("cookie", "V7", "cookie", "V6"),
    )
    who = people(result)
    assert {who["crm", "C1"], who["phone", "+1"], who["cookie", "V9"], who["email", "a@b"]} == {
        "C1"
    }
    assert who["cookie", "V8"] == "C2"
    assert who["cookie", "V7"] == who["cookie", "V6"]
    assert who["cookie", "V7"].startswith("P")  # nobody the CRM knows, and no id shown


def test_what_cannot_be_used_is_counted():
    result = found(
        ("crm", "C1", "phone", "+1"),
        ("phone", "+1", "crm", "C1"),  # the same, turned round
        ("crm", " C1 ", "phone", "+1"),
        ("crm", None, "phone", "+2"),
        ("crm", "C2", "phone", "  "),
        ("crm", "C3", "crm", "C3"),
    )
    assert dict(result.links) == {
        "given": 6, "kept": 1, "repeated": 2, "unusable": 3, "shared": 0, "apart": 0,
    }  # fmt: skip


def test_an_id_that_too_many_share_links_nobody_and_belongs_to_nobody():
    links = [("crm", f"C{n}", "phone", "+switch") for n in range(4)]
    result = found(*links, ("crm", "C0", "phone", "+own"), ("crm", "C9", "phone", "+own"))
    who = people(result)
    assert ("phone", "+switch") not in who
    assert [who["crm", f"C{n}"] for n in range(4)] == ["C0", "C1", "C2", "C3"]
    assert who["crm", "C9"] == "C0"  # two CRM ids on one number are one person's
    assert result.shared.to_pylist() == [{"source": "phone", "source_id": "+switch", "partners": 4}]
    assert result.links["shared"] == 4
    assert result.merged.to_pylist() == [{"customer_id": "C0", "source_id": "C9"}]
    assert people(found(*links, limits={"phone": 4}))["crm", "C3"] == "C0"


def test_the_id_of_a_person_stays_when_the_person_grows_and_is_retired_on_a_merge():
    first = people(found(("crm", "C5", "phone", "+5"), ("cookie", "V1", "cookie", "V2")))
    stranger = first["cookie", "V1"]
    second = found(
        ("crm", "C5", "phone", "+5"), ("cookie", "V1", "cookie", "V2"),
        ("cookie", "V1", "cookie", "V0"), ("crm", "C1", "phone", "+5"), previous=first,
    )  # fmt: skip
    who = people(second)
    assert who["cookie", "V0"] == stranger  # a smaller id joined; the name stays
    assert who["crm", "C1"] == "C5"  # the person was C5 before
    third = found(("cookie", "V1", "crm", "C5"), previous=who)
    assert people(third)["cookie", "V1"] == "C5"
    assert third.retired.to_pylist() == [{"previous": stranger, "customer_id": "C5"}]


def test_a_split_person_stays_where_its_crm_id_is():
    before = {("crm", "C1"): "C1", ("cookie", "V1"): "C1", ("cookie", "V2"): "C1"}
    result = found(("crm", "C1", "email", "a"), ("cookie", "V1", "cookie", "V2"), previous=before)
    who = people(result)
    assert who["crm", "C1"] == "C1"
    assert who["cookie", "V1"] == who["cookie", "V2"] != "C1"
    assert result.split.to_pylist() == [{"previous": "C1", "persons": 2}]


def test_the_name_of_a_split_person_is_not_given_twice():
    links = (("cookie", "V0", "cookie", "V1"), ("cookie", "V2", "cookie", "V1"),
             ("cookie", "V2", "cookie", "V3"))  # fmt: skip
    first = people(found(*links))
    name = first["cookie", "V0"]
    parted = (("cookie", "V0", "cookie", "W0"), *links[1:])
    result = found(*parted, previous=first)
    who = people(result)
    assert who["cookie", "V1"] == who["cookie", "V3"] == name  # most of the ids
    assert who["cookie", "V0"] == who["cookie", "W0"] != name
    assert result.split.to_pylist() == [{"previous": name, "persons": 2}]
    assert people(found(*parted, previous=who)) == who  # and so it stays


def test_an_id_that_somebody_else_had_does_not_make_one_person_of_two():
    links = (("crm", "C5", "cookie", "V1"), ("crm", "C1", "cookie", "V2"))
    result = found(*links, previous={("cookie", "V1"): "C1"})
    who = people(result)
    assert (who["crm", "C5"], who["cookie", "V1"]) == ("C5", "C5")
    assert (who["crm", "C1"], who["cookie", "V2"]) == ("C1", "C1")
    assert result.retired.num_rows == result.split.num_rows == 0


@pytest.mark.parametrize("seed", range(6))
def test_persons_and_names_match_one_to_one_from_run_to_run(seed):
    chance = random.Random(seed)
    kinds = ["crm", "cookie", "cookie", "email"]
    ids = [(chance.choice(kinds), f"I{n:02d}") for n in range(40)]
    before: dict = {}
    for _ in range(4):
        links = [(*chance.choice(ids), *chance.choice(ids)) for _ in range(25)]
        result = found(*links, previous=before, limits=dict.fromkeys(["cookie", "email"], 99))
        graph = networkx.Graph([(link[:2], link[2:]) for link in links if link[:2] != link[2:]])
        who = people(result)
        names = [{who[id_] for id_ in group} for group in networkx.connected_components(graph)]
        assert all(len(name) == 1 for name in names)
        assert len(set().union(*names)) == len(names)
        before = who


def test_ids_are_kept_apart_by_cutting_the_link_that_says_least():
    links = (
        ("crm", "C1", "email", "a@b"),
        ("email", "a@b", "cookie", "V1"),
        ("cookie", "V1", "email", "c@d"),
        ("crm", "C2", "email", "c@d"),
        ("crm", "C1", "phone", "+1"),
    )
    assert people(found(*links))["crm", "C2"] == "C1"
    result = found(*links, apart=[("crm", "C1", "crm", "C2")])
    who = people(result)
    assert (who["crm", "C1"], who["crm", "C2"]) == ("C1", "C2")
    assert who["phone", "+1"] == who["email", "a@b"] == "C1"
    assert who["email", "c@d"] == "C2"
    (cut,) = result.parted.to_pylist()
    assert "cookie" in (cut["source_a"], cut["source_b"])
    assert result.links["apart"] == 1


def test_ids_that_several_ways_link_are_still_kept_apart():
    links = [("crm", "C1", "cookie", f"V{n}") for n in range(3)]
    links += [("crm", "C2", "cookie", f"V{n}") for n in range(3)]
    links += [("crm", "C1", "crm", "C2")]
    result = found(*links, apart=[("crm", "C2", "crm", "C1"), ("crm", "C9", "crm", "C1")])
    assert people(result)["crm", "C2"] == "C2"
    assert result.links["apart"] == 4


def test_nothing_gives_nothing():
    result = found()
    assert result.identities.num_rows == 0
    assert set(result.links.values()) == {0}


def test_impossible_requests_are_refused():
    with pytest.raises(ParameterError, match="Give at least 1"):
        found(limits={"phone": 0})
    con = duckdb.connect()
    with pytest.raises(InputError, match="lack id_b; they have source_a, id_a, source_b"):
        resolve(con, "SELECT 'a' AS source_a, 'a' AS id_a, 'b' AS source_b")


@pytest.mark.parametrize("shape", ["sparse", "dense", "path", "star"])
def test_persons_are_the_components_that_networkx_finds(shape):
    chance = random.Random(shape)
    size = 400
    pairs = {
        "sparse": [(chance.randrange(size), chance.randrange(size)) for _ in range(size // 2)],
        "dense": [(chance.randrange(size), chance.randrange(size)) for _ in range(size * 2)],
        "path": [(n, n + 1) for n in chance.sample(range(size), size - 5)],
        "star": [(n % 7, n) for n in range(7, size)],
    }[shape]
    links = [("cookie", f"V{a:04d}", "cookie", f"V{b:04d}") for a, b in pairs if a != b]
    result = found(*links)
    graph = networkx.Graph([(link[1], link[3]) for link in links])
    groups: dict[str, set] = {}
    for (_, id_), who in people(result).items():
        groups.setdefault(who, set()).add(id_)
    assert {frozenset(g) for g in groups.values()} == {
        frozenset(g) for g in networkx.connected_components(graph)
    }
    chance.shuffle(links)
    turned = [(c, d, a, b) if chance.random() < 0.5 else (a, b, c, d) for a, b, c, d in links]
    assert found(*turned).identities.equals(result.identities)
    assert result.rounds <= 9


def _shares(con: duckdb.DuckDBPyConnection, table: str, truth: str) -> tuple[float, float]:
    """Precision and recall over pairs of ids of one person."""
    both, ours, true = con.execute(
        f"WITH met AS (SELECT t.person, o.customer_id FROM '{truth}' AS t LEFT JOIN {table} AS o"
        " USING (source, source_id)), pairs AS (SELECT"
        " (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM met WHERE customer_id IS NOT"
        " NULL GROUP BY person, customer_id)) AS both_, (SELECT sum(n * (n - 1) / 2) FROM (SELECT"
        " count(*) AS n FROM met WHERE customer_id IS NOT NULL GROUP BY customer_id)) AS ours,"
        " (SELECT sum(n * (n - 1) / 2) FROM (SELECT count(*) AS n FROM met GROUP BY person)) AS t)"
        " SELECT * FROM pairs"
    ).fetchone()
    return both / ours, both / true


def test_the_simulated_firm(tmp_path):
    simulate(preset="small", out=tmp_path)
    con = duckdb.connect()
    links = f"SELECT * FROM read_csv('{tmp_path}/raw/identity_links.csv', all_varchar = true)"
    truth = f"{tmp_path}/truth_identities.parquet"
    result = resolve(con, links)
    con.register("ours", result.identities)
    precision, recall = _shares(con, "ours", truth)
    assert precision > 0.999
    assert recall > 0.999
    # Without the rule of shared ids, switchboards make one person of several.
    con.register("naive", resolve(con, links, limits=dict.fromkeys(["phone"], 1000)).identities)
    assert _shares(con, "naive", truth)[0] < precision
    # What the firm had resolved by itself misses some ids and has some of somebody else.
    own = _shares(con, f"'{tmp_path}/identities.parquet'", truth)
    assert own[1] < recall


LINKED = """[identity]
links = "links*.csv"
apart = "apart.csv"
limits = {phone = 2}
"""
SEEN = (
    "source_a,id_a,source_b,id_b\n"
    "crm,C1,Phone,138 0013 8000\n"
    "crm,C2,phone,+86 13800138000\n"
    "crm,C3,email,Wang@Example.com\n"
    "email,wang@example.com,cookie,V1\n"
    "crm,C4,phone,not a number\n"
)


def test_an_import_makes_identities_of_links(shop):
    shop.file("links.csv", SEEN)
    shop.file("apart.csv", "source_a,id_a,source_b,id_b\n")
    report = shop.load(LINKED, more='country = "CN"')
    rows = report.table("identities")
    assert (rows.rows, rows.kept, rows.duplicates, rows.quarantined, rows.stored) == (5, 4, 0, 1, 6)
    who = {r[:2]: r[2] for r in shop.rows("identities", "source", "source_id", "customer_id")}
    assert who["crm", "C2"] == who["phone", "+8613800138000"] == "C1"
    assert who["email", "wang@example.com"] == who["cookie", "V1"] == "C3"
    assert [remark.rows for remark in rows.remarks] == [1]
    assert (shop.store / "identity" / "merged.csv").read_text().splitlines()[1:] == ['"C1","C2"']
    assert (shop.store / "identity").stat().st_mode & 0o777 == 0o700


def test_persons_can_be_parted_later_and_keep_their_names(shop):
    shop.file("links.csv", SEEN)
    shop.file("apart.csv", "source_a,id_a,source_b,id_b\n")
    shop.load(LINKED, more='country = "CN"')
    shop.file("apart.csv", "source_a,id_a,source_b,id_b\ncrm,C1,crm,C2\n")
    rows = shop.load(LINKED, more='country = "CN"').table("identities")
    assert sorted(r.rows for r in rows.refused) == [1, 1]
    who = {r[:2]: r[2] for r in shop.rows("identities", "source", "source_id", "customer_id")}
    assert (who["crm", "C1"], who["crm", "C2"]) == ("C1", "C2")
    assert [remark.words for remark in rows.remarks] == ["1 persons are now several."]


def test_links_without_a_column_and_identities_given_twice_are_refused(shop):
    shop.file("links.csv", "source_a,id_a,source_b\ncrm,C1,phone\n")
    with pytest.raises(InputError, match="The links lack id_b"):
        shop.load('[identity]\nlinks = "links.csv"\n')
    columns = '{source = "s", source_id = "i", customer_id = "c"}'
    table = f'[tables.identities]\nfrom = "x.csv"\ncolumns = {columns}\n'
    with pytest.raises(CrmkitError, match="Keep one of the two"):
        shop.load('[identity]\nlinks = "links.csv"\n' + table)


def test_likeness_without_splink_or_customers_says_what_to_do(shop, monkeypatch):
    monkeypatch.setitem(sys.modules, "splink", None)
    shop.file("links.csv", SEEN)
    shop.file("apart.csv", "source_a,id_a,source_b,id_b\n")
    asked = LINKED + "likeness = 0.8\n"
    with pytest.raises(InputError, match=r"no \[tables.customers\]"):
        shop.load(asked)
    shop.file("who.csv", "id,name\nC1,Wang\n")
    table = '[tables.customers]\nfrom = "who.csv"\ncolumns = {customer_id = "id", name = "name"}\n'
    with pytest.raises(InputError, match=r"pip install 'crmkit\[match\]'"):
        shop.load(asked + table)
    with pytest.raises(CrmkitError, match="likeness was given as 2"):
        shop.load(LINKED + "likeness = 2\n")
