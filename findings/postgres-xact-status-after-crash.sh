#!/usr/bin/env bash
# PostgreSQL 15 (Debian), pg_xact_status(xid8): what became of a transaction whose COMMIT got no answer; the manual offers
# it for just that ("when the application and database server become disconnected while a COMMIT is in progress").
# Expected of a transaction that a crash has lost: aborted, or nothing.
# Seen: committed. The number was written nowhere, so after the crash a new transaction gets it, with another's rows, and
# the lost one is said to be committed. fsync is on; nothing is damaged, and no setting is unusual.
# Signalbox asks for a mark that each transaction leaves behind instead (src/stores/postgres/marks.ts).
set -euo pipefail
bin=$(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | tail -1) || true
[ -n "$bin" ] || { apt-get install -y -qq postgresql >/dev/null; bin=$(ls -d /usr/lib/postgresql/*/bin | tail -1); }
tmp=$(mktemp -d); chmod 755 "$tmp"
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
[ "$(id -u)" != 0 ] || chown postgres "$tmp"
cd "$tmp"
trap 'as "$bin/pg_ctl" -D "$tmp/data" -m immediate stop >/dev/null 2>&1; rm -rf "$tmp"' EXIT
as "$bin/initdb" -D data -U postgres -A trust >/dev/null
up() { as "$bin/pg_ctl" -D data -w -l log -o "-k $tmp -h ''" start >/dev/null; }
sql() { as "$bin/psql" -h "$tmp" -U postgres -qtAX -v ON_ERROR_STOP=1 "$@"; }
up
"$bin/postgres" --version
sql -c 'create table t (words text)' -c checkpoint
# A transaction that is under way when the server crashes: its COMMIT never comes.
mkfifo in; chmod 666 in
sql < in > lost & exec 3> in
echo "begin; insert into t values ('lost'); select pg_current_xact_id();" >&3
until [ -s lost ]; do :; done
lost=$(cat lost)
as "$bin/pg_ctl" -D data -m immediate stop >/dev/null
exec 3>&-; wait || true
up
status=$(sql -c "select pg_xact_status('$lost')" 2>&1 || true)
echo "transaction $lost, right after the crash: ${status:-nothing}"
next=$(sql -c "begin" -c "insert into t values ('another')" -c "select pg_current_xact_id()" -c "commit")
status=$(sql -c "select pg_xact_status('$lost')")
echo "the next transaction is $next; of $lost it is said now: $status; in the table: $(sql -c 'select words from t')"
[ "$next" = "$lost" ] && [ "$status" = committed ] && [ "$(sql -c 'select words from t')" = another ] ||
  { echo 'not as seen: the number is not given out again, or the status is right'; exit 1; }
