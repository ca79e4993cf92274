import itertools

import pytest

from crmkit.contacts import cell, chosen, code
from crmkit.errors import ParameterError
from crmkit.segmentation import SegmentTable


def test_every_cell_has_its_own_number():
    cells = list(itertools.product(range(1, 11), repeat=3))
    codes = [code(scores) for scores in cells]
    assert len(set(codes)) == 1000
    assert 0 not in codes
    assert [cell(number) for number in codes] == cells


def test_segments_are_chosen_by_key_or_name_of_any_language():
    table = SegmentTable.of("eleven")
    assert chosen(table, "lost") == ("lost",)
    assert chosen(table, ["Champions", "流失客户", "other"]) == ("champions", "lost", "other")
    with pytest.raises(ParameterError, match=r"'champion'. Did you mean 'champions'\?"):
        chosen(table, "champion")
