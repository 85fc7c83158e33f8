#!/bin/sh
# redis-cli of the service {name}, for operators (root); the password is in no argument that others can see.
# Example: sudo redis-{name}-cli INFO memory
set -eu
file=/etc/redis/operator-{name}.env
if [ ! -r "$file" ]; then
    echo "redis-{name}-cli: $file can be read by root only: use sudo." >&2
    exit 1
fi
. "$file"
export REDISCLI_AUTH
exec redis-cli -h {address} -p {port} --user operator --no-auth-warning "$@"
