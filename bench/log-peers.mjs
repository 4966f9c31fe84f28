// The same log by the JavaScript SDK, as an app would read it: node log-peers.mjs sequential|parallel GROUP PREFIX OUT
import { open } from 'node:fs/promises';
import {
  CloudWatchLogsClient,
  DescribeLogStreamsCommand,
  paginateGetLogEvents,
} from '@aws-sdk/client-cloudwatch-logs';

const [how, logGroupName, logStreamNamePrefix, out] = process.argv.slice(2);
const client = new CloudWatchLogsClient({});
const { logStreams } = await client.send(
  new DescribeLogStreamsCommand({ logGroupName, logStreamNamePrefix }),
);
const pages = ({ logStreamName }) =>
  paginateGetLogEvents(
    { client, stopOnSameToken: true },
    { logGroupName, logStreamName, startFromHead: true },
  );
const file = await open(out, 'w');
const write = (events) => file.write(events.map(({ message }) => `${message}\n`).join(''));

if (how === 'parallel') {
  // One request on its way for each stream, everything sorted in memory.
  const each = await Promise.all(
    logStreams.map(async (stream) => {
      const events = [];
      for await (const page of pages(stream)) for (const event of page.events) events.push(event);
      return events;
    }),
  );
  const all = each.flat().sort((a, b) => a.timestamp - b.timestamp);
  for (let i = 0; i < all.length; i += 20_000) await write(all.slice(i, i + 20_000));
} else {
  // One request at a time; the streams are merged as they come.
  const heads = logStreams.map((stream) => ({
    pages: pages(stream)[Symbol.asyncIterator](),
    events: [],
    at: 0,
    over: false,
  }));
  const fill = async (head) => {
    while (!head.over && head.at >= head.events.length) {
      const { value, done } = await head.pages.next();
      head.over = Boolean(done);
      head.events = value?.events ?? [];
      head.at = 0;
    }
  };
  for (const head of heads) await fill(head);
  let batch = [];
  for (;;) {
    const next = heads
      .filter((head) => !head.over)
      .reduce((a, b) => (a && a.events[a.at].timestamp <= b.events[b.at].timestamp ? a : b), undefined);
    if (!next) break;
    if (batch.push(next.events[next.at++]) === 10_000) {
      await write(batch);
      batch = [];
    }
    if (next.at >= next.events.length) await fill(next);
  }
  await write(batch);
}
await file.close();
