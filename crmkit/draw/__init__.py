"""The chart kinds, drawn from tidy frames. Nothing here computes; every number comes in.

Each chart is drawn twice, 720 pixels wide and 380 pixels wide, with the same letter size, so that
it is read as well on a telephone. Title, subtitle and alternative text are words of the page, not
of the picture.
"""

from crmkit.draw.bars import bars, columns, histogram
from crmkit.draw.heat import triangle
from crmkit.draw.lines import curves
from crmkit.draw.points import dots, scatter
from crmkit.draw.sheet import words_of

__all__ = ["bars", "columns", "curves", "dots", "histogram", "scatter", "triangle", "words_of"]
