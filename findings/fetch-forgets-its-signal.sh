#!/usr/bin/env bash
# `fetch` of Node 20.20.2 (undici 6.24.1) and 22.23.3 (undici 6.28.1), asked with a signal and `redirect: 'error'`. A body is being
# read that goes on, nothing else of the request is held, garbage is collected, and the signal is aborted. Expected: the read
# rejects and the connection is closed, as both do without a collection, and with `redirect: 'follow'` even after one. Seen: neither;
# the signal is forgotten and the body goes on for as long as the other side sends. Node 24.21.0 (undici 7.29.1) closes it always.
# Exits non-zero if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"

cat >abort.mjs <<'JS'
import { createServer } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

async function ends(redirect, collect) {
  let isClosed = false;
  const server = createServer((_, response) => {
    response.write('piece');
    const timer = setInterval(() => response.write('piece'), 50);
    response.on('close', () => {
      clearInterval(timer);
      isClosed = true;
    });
  });
  await new Promise((done) => server.listen(0, '127.0.0.1', done));
  const controller = new AbortController();
  const ask = async () => {
    const response = await fetch(`http://127.0.0.1:${server.address().port}/`, { signal: controller.signal, redirect });
    return response.body;
  };
  const body = await ask();
  let isRejected = false;
  const reading = (async () => {
    for await (const _ of body);
  })().catch(() => {
    isRejected = true;
  });
  for (let round = 0; round < 10; round += 1) {
    await sleep(100);
    if (collect) globalThis.gc();
  }
  controller.abort();
  await sleep(1_000);
  const result = isRejected && isClosed ? 'ends' : isRejected || isClosed ? 'half ends' : 'goes on';
  server.closeAllConnections();
  server.close();
  await reading;
  return `${redirect}, ${collect ? 'garbage collected' : 'none collected'}: ${result}`;
}

const seen = [];
for (const redirect of ['follow', 'error']) for (const collect of [false, true]) seen.push(await ends(redirect, collect));
console.log(seen.join('\n'));
JS

ended='follow, none collected: ends
follow, garbage collected: ends
error, none collected: ends
error, garbage collected: '
for one in '20.20.2 goes on' '22.23.3 goes on' '24.21.0 ends'; do
  read -r version expected <<<"$one"
  mkdir "$version"
  (cd "$version" && npm init -y >/dev/null && npm install --silent --no-save "node@$version" >/dev/null 2>&1)
  node="$version/node_modules/node/bin/node"
  [ "$("$node" --version)" = "v$version" ]
  said=$("$node" --expose-gc abort.mjs)
  printf 'Node %s\n%s\n' "$version" "$said"
  [ "$said" = "$ended$expected" ] || { echo "changed: expected \"$expected\" in the last line"; exit 1; }
done
