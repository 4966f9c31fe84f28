#!/usr/bin/env bash
# @slack/socket-mode 3.1.0 (with ws 8.18.3 as the server): `disconnect()` is called while a reconnecting client waits for its
# new address from `apps.connections.open`. Expected: no socket is opened any more. Seen: as soon as the address comes, the
# client connects, says `connected`, and holds the socket open, so that payloads are still sent to an app that was shut down.
# Exits non-zero if that changes.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
npm install --silent --no-save @slack/socket-mode@3.1.0 ws@8.18.3 >/dev/null 2>&1

cat >client.cjs <<'JS'
const http = require('node:http');
const { once } = require('node:events');
const { SocketModeClient } = require('@slack/socket-mode');
const { WebSocketServer } = require('ws');

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
(async () => {
  const sockets = [];
  let held;
  const server = http.createServer((request, response) => {
    request.resume();
    const answer = () =>
      response
        .setHeader('content-type', 'application/json')
        .end(JSON.stringify({ ok: true, url: `ws://127.0.0.1:${server.address().port}/link` }));
    if (sockets.length === 0) answer();
    else held = answer;
  });
  new WebSocketServer({ server }).on('connection', (socket) => {
    sockets.push(socket);
    socket.send(JSON.stringify({ type: 'hello', num_connections: 1 }));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');

  const client = new SocketModeClient({
    appToken: 'xapp-1',
    clientPingTimeout: 200,
    clientOptions: { slackApiUrl: `http://127.0.0.1:${server.address().port}/api/` },
    logLevel: 'error',
  });
  await client.start();
  sockets[0].close();
  while (!held) await pause(20);
  void client.disconnect();
  await pause(300);
  let said = 0;
  client.on('connected', () => said++);
  held();
  await pause(1500);
  const open = sockets.slice(1).filter(({ readyState }) => readyState === 1).length;
  console.log(`after disconnect(): ${sockets.length - 1} opened, ${open} still open, "connected" ${said} times`);
  process.exit(open === 1 && said === 1 ? 0 : 1);
})();
JS
node client.cjs || { echo 'changed: expected 1 opened, 1 still open, "connected" once'; exit 1; }
