#!/bin/sh
# The command for administrators, as /usr/local/bin/monitor: finds the configuration, the data and the secrets of the
# installed service, so that `monitor status` or `monitor channels test desk-mail` mean that service. Run it as root.
export MONITOR_CONFIG="${MONITOR_CONFIG:-/etc/monitor}"
export STATE_DIRECTORY="${STATE_DIRECTORY:-/var/lib/monitor}"
export CREDENTIALS_DIRECTORY="${CREDENTIALS_DIRECTORY:-/etc/monitor/credentials}"
exec /opt/monitor/bin/monitor "$@"
