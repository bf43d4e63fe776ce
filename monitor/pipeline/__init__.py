"""The product in one screen: three flows, joined by the store.

    poll     fetch ▶ parse ▶ what is new                          ▶ commit A
    decide   intake ▶ diff ▶ match ▶ story ▶ alert ▶ render       ▶ commit B
    deliver  claimed rows ▶ send ▶ outcome                        ▶ commit C

This package holds the order of the steps and none of their rules. Each flow reads, decides and commits without a gap; a
crash before a commit repeats the flow from the same rows, with the same keys.
"""

from monitor.pipeline.deciding import Decided, Memory, decide, deliveries_of
from monitor.pipeline.delivering import deliver
from monitor.pipeline.polling import poll
from monitor.pipeline.setup import Setup

__all__ = ["Decided", "Memory", "Setup", "decide", "deliver", "deliveries_of", "poll"]
