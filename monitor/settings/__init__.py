"""The configuration folder as frozen values, and the commands' ways to edit, show and start one.

load     config_dir -> Settings, or SettingsError with every mistake of all files
edit     feeds and watches added to and taken out of the YAML files, comments kept
show     what is in effect, secrets as `***`
schema   JSON Schema of the files, for editors
starter  a complete configuration written into an empty folder
"""

from __future__ import annotations

from monitor.settings.load import check, load
from monitor.settings.schema import json_schema
from monitor.settings.show import show
from monitor.settings.starter import write_starter
from monitor.settings.values import ChannelSettings, Settings

__all__ = ["ChannelSettings", "Settings", "check", "json_schema", "load", "show", "write_starter"]
