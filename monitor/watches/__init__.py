"""Keywords: watches compiled to one index, reports in, matches with reasons out.

The list form (`any`, `all`, `none`) lives here; the query language compiles to the same index when it comes, and expands its
words through `language` before it does.
"""

from monitor.watches.index import WatchIndex, compile_watches

__all__ = ["WatchIndex", "compile_watches"]
