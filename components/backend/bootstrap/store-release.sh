#!/bin/sh
# Releases of Medusa on this instance. Example: sudo store-release status
exec /usr/bin/python3 -IB /usr/local/lib/store-release "$@"
