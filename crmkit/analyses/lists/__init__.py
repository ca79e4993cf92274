"""Which lists are used up, and which of their numbers are not worth a dial."""

from crmkit.analyses.lists.question import lists
from crmkit.analyses.lists.result import Lists

__all__ = ["Lists", "lists"]
