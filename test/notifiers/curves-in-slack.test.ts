/** Curves that are posted by themselves where Slack takes no charts: words, and a picture in the same thread. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, beforeEach, expect, it } from 'vitest';
import type { Fault } from '#sandbox';
import { curvesMessage } from '../../src/blocks/curves.ts';
import { curvePictures } from '../../src/charts/png.ts';
import { summarise } from '../../src/domain/curve-summary.ts';
import type { TrainingJob } from '../../src/domain/jobs.ts';
import { createMetricReader } from '../../src/metrics/reader.ts';
import { CurveTeller, type CurveTellerDeps } from '../../src/notifiers/curves.ts';
import { Outbox } from '../../src/slack/outbox.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { editBudget } from '../fixtures/edit-budget.ts';
import { type OutboxSlack, startOutboxSlack } from '../slack/outbox-slack.ts';

const CHANNEL = 'C0LINE3';
const CARD = 'card/lab/local:press-1';
const USE_CASE = { id: 'lab', name: 'Lab' };
const JOB: TrainingJob = {
  ...{ name: 'press-1', useCase: 'lab', provider: 'local' },
  ...{ state: 'completed', status: 'EXITED_0', createdAt: 1, endedAt: 2 },
};

let slack: OutboxSlack;
beforeEach(async () => {
  slack = await startOutboxSlack();
});
afterEach(() => slack.close());

/** @returns the message with the curves, and the pictures that followed, each with the thread it went to */
async function posted(log: string, faults: Fault[]) {
  const clock = { now: () => Date.now() };
  const store = await openLowdbStore(join(slack.dir, 'data'));
  const outbox = new Outbox({
    ...{ client: slack.newClient(), store, clock, log: pino({ level: 'silent' }), admins: () => [] },
    ...{ postInterval: 1, backoff: [1, 5], edits: editBudget({ clock, interval: 1 }) },
  });
  const reader = createMetricReader();
  reader.feed(Buffer.from(log));
  const { series } = reader.end();
  const summary = summarise(series, new Set(), { values: 5, charts: 1 });
  const found = {
    ...{ job: JOB, useCase: USE_CASE, series, linesRead: 2, droppedNames: 0, streamsLeft: 0 },
    ...{ unusable: [], noLog: false },
  };
  await store.changeJob('lab', 'local:press-1', () => ({
    ...{ job: JOB, seenAt: 1, curves: { ...summary, readAt: 1 } },
  }));
  const errors: unknown[] = [];
  const pictures: { thread: string | undefined; png: Buffer }[] = [];
  const teller = new CurveTeller(
    {
      useCases: [USE_CASE],
      ...{ store, clock, team: 'T', onError: (error: unknown) => void errors.push(error) },
      curves: {
        reader: { read: async () => ({ ...found, reported: new Set() }) },
        pictures: curvePictures(),
      },
      files: {
        deliver: async ({ files, thread }: { files: { path: string }[]; thread?: string }) => {
          for (const { path } of files) pictures.push({ thread, png: await readFile(path) });
          return { shared: Promise.resolve(true) };
        },
      },
    } as unknown as CurveTellerDeps,
    new AbortController().signal,
  );
  outbox.listen({ posted: (record) => teller.posted(record) });
  await outbox.start();
  await outbox.post(CARD, CHANNEL, { text: 'the card' });
  await outbox.drain();
  await slack.post('/sandbox/faults', faults);
  const message = curvesMessage({ ...found, summary, reported: [], by: undefined });
  await outbox.post('card/lab/local:press-1/told/curves', CHANNEL, message, { thread: CARD });
  await outbox.drain();
  await teller.idle();
  await outbox.stop();
  await store.close();
  expect(errors).toEqual([]);
  const [card, curves] = await slack.posted(CHANNEL);
  return { card: card!.ts, thread: curves!.thread_ts, blocks: JSON.stringify(curves!.blocks), pictures };
}

const FALLING = 'epoch 1 loss=0.9\nepoch 2 loss=0.4\n';
const PNG = Buffer.from([0x89, 0x50, 0x4e, 0x47]);

it('[W8] a chart that Slack takes needs no picture', async () => {
  const { blocks, pictures } = await posted(FALLING, []);
  expect(blocks).toContain('data_visualization');
  expect(pictures).toEqual([]);
});

it('[W8] a chart that Slack refuses is words, and a picture in the thread of its card', async () => {
  const refusal: Fault = { on: 'chat.postMessage', kind: 'invalid_blocks', times: 1 };
  const { card, thread, blocks, pictures } = await posted(FALLING, [refusal]);
  expect(thread).toBe(card);
  expect(blocks).not.toContain('data_visualization');
  expect(blocks).toContain('`loss` *0.4* at epoch 2');
  expect(pictures.map((picture) => picture.thread)).toEqual([card]);
  expect(pictures[0]!.png.subarray(0, 4)).toEqual(PNG);
});

it('[W8] a curve with gaps, which no chart of Slack can show, is followed by a picture as well', async () => {
  const { card, pictures } = await posted('epoch 1 loss=0.9\nepoch 2 loss=nan\nepoch 3 loss=0.5\n', []);
  expect(pictures.map((picture) => picture.thread)).toEqual([card]);
});
