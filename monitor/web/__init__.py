"""The small HTTP server: `/healthz` for whoever watches the service, the callback for hubs.

Heavy to import (FastAPI, uvicorn), so whoever needs it imports it where a server is configured.
"""

from monitor.web.app import Callback, Health, make_app
from monitor.web.server import HttpServer

__all__ = ["Callback", "Health", "HttpServer", "make_app"]
