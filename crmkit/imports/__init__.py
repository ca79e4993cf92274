"""A firm's exports made into canonical tables."""

from crmkit.imports.ledger import FileRows, ImportReport, Refused, TableRows
from crmkit.imports.run import Progress, import_tables

__all__ = ["FileRows", "ImportReport", "Progress", "Refused", "TableRows", "import_tables"]
