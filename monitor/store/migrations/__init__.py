"""Migrations, oldest first in `versions/`; `monitor.store.migrating` runs them."""
