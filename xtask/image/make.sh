#!/bin/sh
# Makes the image that the Docker tests start, on a machine where no image can be pulled: a minimal Debian with its own
# PostgreSQL and an entrypoint that keeps the official image's contract. An image of that name is reused.
#
# usage: make.sh [--force] [TAG]        needs root, debootstrap and a Docker engine
set -eu

force=
if [ "${1:-}" = --force ]; then force=yes; shift; fi
tag=${1:-dbmigrate-test-postgres:15}
here=$(cd "$(dirname "$0")" && pwd)

if [ -z "$force" ] && docker image inspect "$tag" >/dev/null 2>&1; then
    echo "$tag is there"
    exit 0
fi

. /etc/os-release
# The mirror that this machine itself uses, if it says one; debootstrap's own default otherwise.
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources 2>/dev/null |
    grep -Ev '^ *#' | grep -Eo '(https?|file)://[^ ]+' | grep -v security | head -n 1 || true)

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM

debootstrap --variant=minbase --include="postgresql-${tag##*:}" "$VERSION_CODENAME" "$work/root" ${mirror:+"$mirror"}
install -m 755 "$here/entrypoint.sh" "$work/root/usr/local/bin/docker-entrypoint.sh"
rm -rf "$work/root/var/cache/apt" "$work/root/var/lib/apt/lists" "$work/root/usr/share/doc" \
    "$work/root/usr/share/man" "$work/root/usr/share/locale" "$work/root"/var/lib/postgresql/*/main

tar -C "$work/root" --numeric-owner -cf - . | docker import \
    --change 'ENTRYPOINT ["docker-entrypoint.sh"]' \
    --change 'CMD ["postgres"]' \
    --change 'ENV PGDATA=/var/lib/postgresql/data' \
    --change 'EXPOSE 5432' \
    - "$tag" >/dev/null
echo "$tag is made"
