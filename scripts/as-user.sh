#!/usr/bin/env bash
# Runs a command in a copy of this folder: as an ordinary user, below a folder that nobody else may
# enter. For root alone, which else would test what only root may do.
#   scripts/as-user.sh npm run security
set -euo pipefail
cd "$(dirname "$0")/.."

user=sluice-test
id "$user" > /dev/null 2>&1 ||
  useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$user"
home=$(mktemp -d /tmp/sluice-user.XXXXXX)
trap 'rm -rf "$home"' EXIT

mkdir "$home/sluice" "$home/tmp"
tar --create --exclude=./.git --exclude=./.sluice . | tar --extract --no-same-owner --directory "$home/sluice"
chown -R "$user:$user" "$home"
chmod 0700 "$home"

cd "$home/sluice"
setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs \
  env --unset=TEST_DATABASE_URL HOME="$home" USER="$user" TMPDIR="$home/tmp" \
  npm_config_cache="$home/npm" npm_config_update_notifier=false "$@"
