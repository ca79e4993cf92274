"""The section [leads] of the settings: which leads an import lets in."""

from typing import Annotated

from pydantic import Field

from crmkit.setting_types import Encoding, Listed, Part

__all__ = ["LeadSettings"]


class LeadSettings(Part):
    """The section [leads]: which leads an import lets in, and whose those are that come again.

    `protection_days`, how long a person stays with the owner of a lead; `do_not_call` and
    `blacklist`, files with a column `id` (numbers, mail addresses, open ids) and, where given,
    `since`, a day; `most`, how often a person may be given out within `within_days`.
    """

    protection_days: Annotated[int, Field(ge=1)] = 30
    do_not_call: Listed = ()
    blacklist: Listed = ()
    encoding: Encoding = "utf-8"
    most: Annotated[int, Field(ge=1)] = 3
    within_days: Annotated[int, Field(ge=1)] = 30
