"""One id per person: ids that were seen together are one person's, unless too many share them."""

from crmkit.imports.identity.resolve import LIMITS, Resolved, resolve

__all__ = ["LIMITS", "Resolved", "resolve"]
