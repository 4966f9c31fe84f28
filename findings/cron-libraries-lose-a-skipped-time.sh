#!/usr/bin/env bash
# croner 11.0.1, cron-parser 5.10.6 (npm), Node's own zone tables: a daily time that clocks skip.
# Expected, since each runs 02:30 in Berlin on the day of the skip, when it ends: so with every zone's skip.
# Seen: croner loses the day where the skipped hour ends at midnight (Nuuk: 22:59 -> 00:00); cron-parser runs it in Nuuk no
# better, and loses the day too where less than an hour is skipped (Lord Howe: half of one).
# Signalbox has no such library (src/domain/cron.ts).
set -euo pipefail
tmp=$(mktemp -d); trap 'rm -rf "$tmp"' EXIT
cd "$tmp"
npm install --silent --no-save --prefix "$tmp" croner@11.0.1 cron-parser@5.10.6
cat > next.mjs <<'JS'
import assert from 'node:assert/strict';
import { Cron } from 'croner';
import { CronExpressionParser } from 'cron-parser';
const croner = (cron, zone, after) =>
  new Cron(cron, { timezone: zone, paused: true }).nextRun(new Date(after)).toISOString();
const parser = (cron, zone, after) =>
  CronExpressionParser.parse(cron, { tz: zone, currentDate: after }).next().toDate().toISOString();
const berlin = ['30 2 * * *', 'Europe/Berlin', '2026-03-28T12:00:00Z'];
assert.equal(croner(...berlin), '2026-03-29T01:00:00.000Z');
assert.equal(parser(...berlin), '2026-03-29T01:30:00.000Z');
const nuuk = ['43 23 * * *', 'America/Nuuk', '2025-03-29T12:00:00Z'];
// The skip ends at 2025-03-30T01:00Z; both wait for the next day.
assert.equal(croner(...nuuk), '2025-03-31T00:43:00.000Z');
assert.equal(parser(...nuuk), '2025-03-31T00:43:00.000Z');
const lordHowe = ['15 2 * * *', 'Australia/Lord_Howe', '2026-10-03T12:00:00Z'];
assert.equal(croner(...lordHowe), '2026-10-03T15:30:00.000Z');
assert.equal(parser(...lordHowe), '2026-10-04T15:15:00.000Z');
console.log('as seen: a day without its run in Nuuk (croner, cron-parser) and in Lord Howe (cron-parser)');
JS
node next.mjs
