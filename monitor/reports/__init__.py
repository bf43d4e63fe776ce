"""Identity and diff: entries and what is stored become changes (new, revised, same, buried)."""

from monitor.reports.diff import changes, new_report_id
from monitor.reports.identity import keys_of

__all__ = ["changes", "keys_of", "new_report_id"]
