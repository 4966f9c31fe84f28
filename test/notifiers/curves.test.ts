/** The picture below curves that were posted by themselves: when it follows, and what is read for it. */
import { describe, expect, it } from 'vitest';
import { lastValueAlone } from '../../src/domain/curve-summary.ts';
import { CurveTeller, type CurveTellerDeps } from '../../src/notifiers/curves.ts';

const CARD = 'card/lab/local:press-1';
const point = (x: number, value: number) => ({ x, value });
const LOSS = {
  ...lastValueAlone({ name: 'loss', value: 0.4 }),
  ...{ points: [point(1, 0.9), point(2, 0.4)], count: 2, first: point(1, 0.9), max: point(1, 0.9) },
};

/** @returns how often the log was read, and the files that followed, once the message with the curves has arrived */
async function afterPosting(how: { plainer?: boolean; needsPicture: boolean; parent?: boolean }) {
  let reads = 0;
  const sent: string[] = [];
  const errors: unknown[] = [];
  const useCase = { id: 'lab', name: 'Lab' };
  const deps = {
    useCases: [useCase],
    store: {
      getPost: async () => (how.parent === false ? undefined : { posted: { channel: 'C0LAB', ts: '1.0' } }),
      getJob: async () => ({ curves: { needsPicture: how.needsPicture } }),
    },
    curves: {
      reader: {
        read: async () => {
          reads += 1;
          return { job: { name: 'press-1' }, useCase, series: [LOSS], reported: new Set() };
        },
      },
      pictures: { draw: async () => Buffer.from('a picture') },
    },
    files: {
      deliver: async ({ files }: { files: { name: string }[] }) => {
        sent.push(...files.map(({ name }) => name));
        return { shared: Promise.resolve(true) };
      },
    },
    onError: (error: unknown) => void errors.push(error),
  };
  const teller = new CurveTeller(deps as unknown as CurveTellerDeps, new AbortController().signal);
  await teller.posted({
    key: `${CARD}/told/curves`,
    thread: CARD,
    posted: { channel: 'C0LAB', ts: '2.0', at: 0, ...(how.plainer ? { plainer: true } : {}) },
  });
  const waitedFor = reads;
  await teller.idle();
  expect(errors).toEqual([]);
  // The channel's next messages do not wait for the log to be read.
  expect(waitedFor).toBe(0);
  return { reads, sent };
}

describe('[W8] curves that have arrived in a thread', () => {
  it('are not read again where their charts say it all', async () => {
    expect(await afterPosting({ needsPicture: false })).toEqual({ reads: 0, sent: [] });
  });

  it('are followed by a picture where no chart could say it all, or Slack took none', async () => {
    const followed = { reads: 1, sent: ['curves-press-1.png'] };
    expect(await afterPosting({ needsPicture: true })).toEqual(followed);
    expect(await afterPosting({ plainer: true, needsPicture: false })).toEqual(followed);
  });

  it('are not read again where their card is gone', async () => {
    const cardGone = { plainer: true, needsPicture: true, parent: false };
    expect(await afterPosting(cardGone)).toEqual({ reads: 0, sent: [] });
  });
});
