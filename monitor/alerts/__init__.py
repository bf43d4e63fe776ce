"""Alerts: what is told to whom (policy, pure), and how it reads (rendering; the only user of jinja2)."""
