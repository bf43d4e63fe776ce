"""The running service: APScheduler's tick, the three flows, signals, readiness, drain, and the control socket.

Only this package and `cli` build concrete parts; everything below asks for protocols.
"""

from monitor.service.app import run_once, run_service

__all__ = ["run_once", "run_service"]
