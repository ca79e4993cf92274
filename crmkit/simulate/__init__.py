"""A firm with a planted truth, for demos and for tests of every analysis.

The module can be called: `ck.simulate(preset="small", out="firm")` is `simulate` below.
"""

import sys
from pathlib import Path
from types import ModuleType

from crmkit.simulate.firm import Firm, firm
from crmkit.simulate.parts import (
    Buying,
    Category,
    Channel,
    Place,
    PriceChange,
    Promotion,
    Season,
    Spending,
)
from crmkit.simulate.plans import (
    Cause,
    Desk,
    Drive,
    Element,
    Field,
    Leak,
    Market,
    Medium,
    Remedy,
    Source,
)
from crmkit.simulate.world import World
from crmkit.simulate.write import simulate

__all__ = [
    "Buying",
    "Category",
    "Cause",
    "Channel",
    "Desk",
    "Drive",
    "Element",
    "Field",
    "Firm",
    "Leak",
    "Market",
    "Medium",
    "Place",
    "PriceChange",
    "Promotion",
    "Remedy",
    "Season",
    "Source",
    "Spending",
    "World",
    "firm",
    "simulate",
]


class _Simulator(ModuleType):
    """The module as a function of the same name, so that `ck.simulate(...)` does what it says."""

    def __call__(
        self,
        world: World | None = None,
        *,
        preset: str = "demo",
        seed: int | None = None,
        out: Path | str,
    ) -> Path:
        """Simulate a firm and write its book into a folder; see `simulate`."""
        return simulate(world, preset=preset, seed=seed, out=out)


sys.modules[__name__].__class__ = _Simulator
