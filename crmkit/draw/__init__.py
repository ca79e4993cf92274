"""The chart kinds, drawn from tidy frames. Nothing here computes; every number comes in.

Each chart is drawn twice, 720 pixels wide and 380 pixels wide, with the same letter size, so that
it is read as well on a telephone. Title, subtitle and alternative text are words of the page, not
of the picture.
"""

from crmkit.draw.bars import bars, columns, histogram
from crmkit.draw.cover import balance
from crmkit.draw.crossing import crossing
from crmkit.draw.flow import EDGES, flow
from crmkit.draw.funnel import funnel
from crmkit.draw.funnel_plot import funnel_plot
from crmkit.draw.heat import triangle
from crmkit.draw.lines import curves
from crmkit.draw.page import page_map
from crmkit.draw.points import dots, scatter
from crmkit.draw.quadrant import Measure, quadrant
from crmkit.draw.sheet import words_of
from crmkit.draw.strips import strips
from crmkit.draw.timeline import lanes, stack
from crmkit.draw.week import week

__all__ = [
    "EDGES",
    "Measure",
    "balance",
    "bars",
    "columns",
    "crossing",
    "curves",
    "dots",
    "flow",
    "funnel",
    "funnel_plot",
    "histogram",
    "lanes",
    "page_map",
    "quadrant",
    "scatter",
    "stack",
    "strips",
    "triangle",
    "week",
    "words_of",
]
