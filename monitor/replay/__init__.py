"""A recorded situation, served by local publishers and received by a local inbox: the demo and the regression test.

    scenario (loading) ─▶ publishers ─▶ the service, a child process ─▶ inbox
                              └────────── driver: one virtual clock ──────┘      ─▶ evidence ─▶ summary ─▶ view

The service is the real one, with its real jobs, sockets and store. Only its clock is moved from here.
"""

from monitor.replay.play import ReplayOptions, replay
from monitor.replay.result import ReplayResult
from monitor.replay.view import View, make_view

__all__ = ["ReplayOptions", "ReplayResult", "View", "make_view", "replay"]
