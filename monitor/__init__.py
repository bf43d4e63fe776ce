"""Watches feeds for new reports on a developing situation and tells people what is new."""

__version__ = "0.1.0"
