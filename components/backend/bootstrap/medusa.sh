#!/bin/sh
# Medusa's command line in the release that serves, with its environment, as the user medusa.
# Example: sudo medusa db:migrate --execute-safe-links
exec /usr/local/sbin/store-release run "$@"
