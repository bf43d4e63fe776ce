"""Reaching a publisher: fetching, parsing in a killable worker, when to come back, and how a feed is doing."""
