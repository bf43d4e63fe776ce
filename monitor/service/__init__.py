"""The running service: APScheduler's tick, the three flows, signals, readiness, drain, and the control socket.

Only this package and `cli` build concrete parts; everything below asks for protocols. `app` is where it begins; commands that only talk
to a running service import `control` alone.
"""
