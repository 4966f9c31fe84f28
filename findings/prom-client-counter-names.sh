#!/usr/bin/env bash
# prom-client 15.1.3 (npm), the usual Prometheus client for Node: three of its default metrics are gauges with the names of
# counters (nodejs_active_handles_total, …_requests_total, …_resources_total). `promtool check metrics` (Debian's
# prometheus) exits with 3 over them, so a bot that lints its own /metrics cannot keep the defaults as they are.
# Exits non-zero once that has changed.
set -euo pipefail
command -v promtool >/dev/null || { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends prometheus >/dev/null; }
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
npm init -y >/dev/null
npm install --silent --no-audit --no-fund prom-client@15.1.3
node -e "
const { Registry, collectDefaultMetrics } = require('prom-client');
const register = new Registry();
collectDefaultMetrics({ register });
register.metrics().then((text) => process.stdout.write(text));
setTimeout(() => process.exit(), 500);
" >metrics.txt
promtool --version 2>&1 | head -1
grep -E '^# TYPE nodejs_active_[a-z]+_total' metrics.txt
status=0
promtool check metrics <metrics.txt >complaints.txt 2>&1 || status=$?
cat complaints.txt
[ "$status" -eq 3 ] && [ "$(grep -c 'non-counter metrics should not have "_total" suffix' complaints.txt)" -eq 3 ]
