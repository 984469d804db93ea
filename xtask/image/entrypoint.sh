#!/bin/sh
# The contract of the official PostgreSQL image, as far as throwaway servers rely on it: POSTGRES_USER, POSTGRES_PASSWORD,
# POSTGRES_DB, PGDATA, arguments passed on to `postgres`, port 5432, and a server that is started once for the set-up and
# once more for good.
set -eu

bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
export PATH="$bin:$PATH" PGDATA="${PGDATA:-/var/lib/postgresql/data}" LANG=C.UTF-8

if [ "${1:-}" = postgres ]; then shift; fi

if [ "$(id -u)" = 0 ]; then
    mkdir -p "$PGDATA" /var/run/postgresql
    chown postgres:postgres "$PGDATA" /var/run/postgresql
    chmod 700 "$PGDATA"
    exec setpriv --reuid=postgres --regid=postgres --init-groups "$0" "$@"
fi

if [ ! -s "$PGDATA/PG_VERSION" ]; then
    user=${POSTGRES_USER:-postgres}
    database=${POSTGRES_DB:-$user}
    if [ -z "${POSTGRES_PASSWORD:-}" ]; then
        echo "POSTGRES_PASSWORD is not set" >&2
        exit 1
    fi
    printf '%s\n' "$POSTGRES_PASSWORD" >/tmp/password
    initdb --username="$user" --pwfile=/tmp/password --auth-local=trust --auth-host=scram-sha-256 \
        --encoding=UTF8 --locale=C.UTF-8 --no-sync
    rm -f /tmp/password
    echo "host all all all scram-sha-256" >>"$PGDATA/pg_hba.conf"
    pg_ctl -w -o "-c listen_addresses=" start
    if [ "$database" != postgres ]; then
        psql -v ON_ERROR_STOP=1 --username="$user" --dbname=postgres --command="CREATE DATABASE \"$database\""
    fi
    pg_ctl -w -m fast stop
fi

exec postgres -c listen_addresses='*' "$@"
