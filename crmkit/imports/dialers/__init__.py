"""Diallers' logs (Asterisk, VICIdial, FreeSWITCH) as canonical tables."""

from crmkit.imports.dialers.run import import_dialers, tables_of

__all__ = ["import_dialers", "tables_of"]
