import pytest

from crmkit import text
from crmkit.errors import InputError, ParameterError
from crmkit.segmentation import OTHER, Box, SegmentTable

MIDDLE = (3.0, 3.0, 3.0)

# The ranges published as the example of the R package rfm (MIT), here as data for the check.
PUBLISHED = SegmentTable(
    "published",
    tuple(
        Box(name, f"{r0}..{r1}", f"{f0}..{f1}", f"{m0}..{m1}", name_en=name)
        for name, r0, r1, f0, f1, m0, m1 in [
            ("Champions", 5, 5, 5, 5, 5, 5),
            ("Potential Loyalist", 3, 5, 3, 5, 2, 5),
            ("Loyal Customers", 2, 4, 2, 4, 2, 4),
            ("Promising", 3, 4, 1, 3, 3, 5),
            ("New Customers", 4, 5, 1, 3, 1, 5),
            ("Can't Lose Them", 1, 2, 3, 4, 4, 5),
            ("At Risk", 1, 2, 2, 5, 4, 5),
            ("Need Attention", 1, 3, 3, 5, 3, 5),
            ("About To Sleep", 2, 3, 1, 3, 1, 4),
            ("Lost", 1, 1, 1, 5, 1, 5),
        ]
    ),
)


def test_the_tables_of_crmkit_cover_each_cell_once():
    assert SegmentTable.of("eleven").check().clean
    for means in [(1.0, 1.0, 1.0), (2.4, 3.9, 3.0), (4.99, 1.01, 2.0), (5.0, 5.0, 5.0)]:
        assert SegmentTable.of("eight").check(means=means).clean
    for bins in (2, 3, 4, 7):
        assert SegmentTable.of("eight").check(bins).clean


def test_they_have_eight_and_eleven_segments_in_both_languages():
    for name, size in (("eight", 8), ("eleven", 11)):
        table = SegmentTable.of(name)
        assert len(table.segments) == size
        for segment in table.segments:
            assert table.name(segment)
            assert table.action(segment).endswith(".")
            with text.reading(language="zh"):
                assert any("\u4e00" <= letter <= "\u9fff" for letter in table.name(segment))
                assert table.action(segment).endswith("。")
        assert table.with_role("core")
        assert table.with_role("at_risk")


@pytest.mark.parametrize(
    ("cell", "name"),
    [
        ((5, 5, 5), "重要价值客户"),
        ((5, 1, 5), "重要发展客户"),
        ((1, 5, 5), "重要保持客户"),
        ((1, 1, 5), "重要挽留客户"),
        ((5, 5, 1), "一般价值客户"),
        ((5, 1, 1), "一般发展客户"),
        ((1, 5, 1), "一般保持客户"),
        ((1, 1, 1), "一般挽留客户"),
    ],
)
def test_the_eight_classical_cells(cell, name):
    table = SegmentTable.of("eight")
    with text.reading(language="zh"):
        assert table.name(table.assign(cell, MIDDLE)) == name


def test_a_score_at_the_mean_is_low():
    table = SegmentTable.of("eight")
    assert table.assign((3, 3, 3), MIDDLE) == "general_win_back"
    assert table.assign((3, 3, 3), (2.999, 3, 3)) == "general_develop"


def test_the_check_finds_the_faults_of_a_published_table():
    found = PUBLISHED.check()
    assert len(found.doubled) == 58
    assert len(found.uncovered) == 10
    assert not found.clean
    assert found.doubled[5, 5, 5] == ("Champions", "Potential Loyalist")
    assert (5, 4, 1) in found.uncovered


def test_faults_count_by_the_first_row_and_as_other():
    assert PUBLISHED.assign((5, 5, 5), MIDDLE) == "Champions"
    assert PUBLISHED.assign((5, 4, 1), MIDDLE) == OTHER
    assert PUBLISHED.name(OTHER) == "Other"


def test_two_boxes_of_one_segment_may_overlap():
    boxes = (Box("all", "any", "any", "any"), Box("all", "5", "any", "any"))
    assert SegmentTable("x", boxes).check().clean


def written(folder, body, head="segment,name_en,recency,frequency,monetary"):
    path = folder / "own.csv"
    path.write_text(f"{head}\n{body}\n", encoding="utf-8-sig")
    return path


def test_a_table_of_the_firm(tmp_path):
    table = SegmentTable.of(written(tmp_path, "good,好,3-5,any,any\nbad,Bad,1..2,any,any"))
    assert table.title == "own"
    assert table.top == 5
    assert table.check().clean
    assert table.name("good") == "好"
    with text.reading(language="zh"):
        assert table.name("bad") == "Bad"  # no Chinese name given


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ("good,Good,6..5,any,any", "line 2: recency is '6..5'"),
        ("good,Good,top,any,any", "recency is 'top'"),
        ("good,Good,any,,any", "frequency is ''"),
        ("other,Other,any,any,any", "a key other than 'other'"),
        ("", "has no rows"),
    ],
)
def test_rows_that_cannot_be(tmp_path, body, words):
    with pytest.raises(InputError, match=words.replace(".", r"\.")):
        SegmentTable.of(written(tmp_path, body))


def test_a_missing_column_names_the_nearest(tmp_path):
    path = written(tmp_path, "a,A,any,any,any", "segment,name_en,recency,freqency,monetary")
    with pytest.raises(InputError, match=r"no column 'frequency'. Is it 'freqency'\?"):
        SegmentTable.of(path)


def test_an_unknown_role_names_the_nearest(tmp_path):
    head = "segment,name_en,recency,frequency,monetary,role"
    with pytest.raises(InputError, match=r"no role 'at_rsk'. Did you mean 'at_risk'\?"):
        SegmentTable.of(written(tmp_path, "a,A,any,any,any,at_rsk", head))


def test_a_file_in_another_encoding_is_refused(tmp_path):
    path = tmp_path / "own.csv"
    path.write_bytes("segment,name_en\n好,好\n".encode("gb18030"))
    with pytest.raises(InputError, match="not in UTF-8"):
        SegmentTable.of(path)


def test_an_unknown_table_names_the_nearest():
    with pytest.raises(ParameterError, match=r"'elven'. Did you mean 'eleven'\?"):
        SegmentTable.of("elven")


def test_ranges_must_fit_the_bins():
    with pytest.raises(ParameterError, match="made for scores 1 to 5, but bins is 4"):
        SegmentTable.of("eleven").made_for(4)
    assert SegmentTable.of("eight").made_for(4).title == "eight"
