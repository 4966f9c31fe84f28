#!/usr/bin/env bash
# Node (npm package `node` 20.20.2 and 22.12.0, Linux) under nohup: it sets every signal that its parent had ignored back to its
# default when it starts, the hang-up included, and nothing of its interface tells that it was ignored. So `nohup node program.js`
# dies when the terminal is closed, where `nohup sleep 60` does not. Expected: what nohup ignores stays ignored, as with other
# programs. Exits non-zero if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null

code_after_hangup() { # <command…>: its exit code when it is hung up under nohup
  nohup "$@" >output 2>&1 &
  local pid=$!
  until [ -s ready ]; do sleep 0.05; done
  rm ready
  kill -HUP "$pid"
  sleep 0.5
  local code=survived
  kill -0 "$pid" 2>/dev/null || { wait "$pid" && code=0 || code=$?; }
  kill -9 "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null || true
  echo "$code"
}

shell=$(code_after_hangup bash -c 'echo 1 >ready; exec sleep 60')
echo "nohup sleep: $shell"
[ "$shell" = survived ] || { echo 'nohup does not do what it should here'; exit 2; }
for version in 20.20.2 22.12.0; do
  npm install --silent --no-save "node@$version" >/dev/null 2>&1
  node=node_modules/node/bin/node
  "$node" --version
  code=$(code_after_hangup "$node" -e "require('fs').writeFileSync('ready', '1'); setInterval(() => {}, 1000)")
  echo "nohup node $version: $code"
  [ "$code" = 129 ] || { echo "changed: expected 129, which is 128 + SIGHUP"; exit 1; }
done
