"""Which campaign, creative and search word a visit or touch came with."""

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from crmkit.simulate.firm import named
from crmkit.simulate.met import Met
from crmkit.simulate.touches import NONE

__all__ = ["campaign_of", "campaigns", "utm_columns"]

Wholes = npt.NDArray[np.int64]
_DAY = 86_400
_CREATIVES = ("素材A", "素材B", "素材C")


def campaigns(met: Met) -> list[tuple[int, str]]:
    """Every campaign as medium and name; those of the media first, then the drives."""
    media = met.world.market.media
    usual = [(m, name) for m, medium in enumerate(media) for name in medium.campaigns]
    names = [medium.name for medium in media]
    return usual + [
        (names.index(d.medium) if d.medium in names else NONE, d.name)
        for d in met.world.market.drives
    ]


def campaign_of(met: Met, who: Wholes, at: Wholes, medium: Wholes) -> Wholes:
    """The position of a campaign of the medium: the same for a touch and the visit it began."""
    counts = np.array([len(m.campaigns) for m in met.world.market.media] or [0])
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])
    drawn = before[medium] + _mixed(who, at, 1) % np.maximum(counts[medium], 1)
    return np.where(counts[medium] > 0, drawn, NONE)


def utm_columns(
    met: Met, who: Wholes, at: Wholes, medium: Wholes, drive: Wholes
) -> dict[str, pa.Array]:
    """The columns channel, campaign, medium, content, keyword; null where there is none."""
    media = met.world.market.media
    usual = sum(len(m.campaigns) for m in media)
    campaign = np.where(drive == NONE, campaign_of(met, who, at, medium), usual + drive)
    words = [(m, word) for m, one in enumerate(media) for word in one.keywords]
    counts = np.array([len(m.keywords) for m in media] or [0])
    before = np.concatenate([[0], np.cumsum(counts)[:-1]])
    keyword = before[medium] + _mixed(who, at, 2) % np.maximum(counts[medium], 1)
    paid = np.array([m.kind == "paid" for m in media] or [False])[medium]
    content = np.where(paid, _mixed(who, at, 3) % len(_CREATIVES), NONE)
    return {
        "channel": named([m.name for m in media], medium),
        "campaign": named([name for _, name in campaigns(met)], campaign),
        "medium": named([None if m.kind == "direct" else m.medium for m in media], medium),
        "content": named(_CREATIVES, content),
        "keyword": named([w for _, w in words], np.where(counts[medium] > 0, keyword, NONE)),
    }


def _mixed(who: Wholes, at: Wholes, salt: int) -> Wholes:
    """A number that looks random, from person, day and question (splitmix64)."""
    keys = who.astype(np.uint64) * np.uint64(1_000_003) + (at // _DAY).astype(np.uint64)
    keys = keys * np.uint64(8) + np.uint64(salt)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((keys ^ (keys >> np.uint64(31))) >> np.uint64(8)).astype(np.int64)
