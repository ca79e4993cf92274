"""Drawings fit for a report: no styles, no stray ids, hover text."""

import re

from crmkit import svg

DRAWING = """<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"
 width="720pt" height="10pt" viewBox="0 0 720 10" version="1.1">
 <metadata>when and by whom</metadata>
 <defs><style type="text/css">*{stroke-linejoin: round}</style></defs>
 <g id="figure_1"><g id="mark0"><path d="M0 0"
 clip-path="url(#p1)" style="fill: #2b63c6; opacity: 0.5"/></g>
 <text style="font: 12.5px 'Noto Sans SC'; fill: #1f2430">a &lt; b</text></g>
 <defs><clipPath id="p1"><rect/></clipPath></defs></svg>"""


def _clean() -> str:
    return svg.clean(DRAWING, prefix="f", alt='he said "x" <y>', hovers={"mark0": "1 < 2"})


def test_nothing_a_content_security_policy_forbids_is_left():
    assert "style" not in _clean()
    assert "metadata" not in _clean()


def test_styles_become_attributes():
    assert 'fill="#2b63c6"' in _clean()
    assert 'opacity="0.5"' in _clean()
    assert 'font-size="12.5"' in _clean()


def test_only_ids_in_use_stay_and_carry_the_prefix():
    assert re.findall(r' id="([^"]+)"', _clean()) == ["f-p1"]
    assert "url(#f-p1)" in _clean()


def test_words_are_escaped():
    assert "<title>1 &lt; 2</title>" in _clean()
    assert 'aria-label="he said &quot;x&quot; &lt;y&gt;"' in _clean()
    assert 'role="img"' in _clean()


def test_the_page_gives_the_colours():
    themed = svg.themed(_clean())
    assert 'fill="var(--ck-accent, #2b63c6)"' in themed
    assert "font-family" not in themed
