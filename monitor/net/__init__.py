"""Reaching other machines: one guarded HTTP client for feeds and channels, and what HTTP headers mean."""
