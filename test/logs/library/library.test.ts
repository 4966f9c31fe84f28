import { readFile, rm, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { AppError, CancelledError } from '../../../src/ground/errors.ts';
import type { LogEngine } from '../../../src/logs/index.ts';
import { CountedService, type Lab, MINUTE, NOW, openLab, stream, textOf, whole } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

/** A promise that is settled from outside. */
function gate() {
  let open = (): void => undefined;
  const opened = new Promise<void>((resolve) => {
    open = resolve;
  });
  return { open, opened };
}

/** Resolves as soon as something is so. */
const until = (isSo: () => boolean): Promise<void> =>
  vi.waitFor(() => expect(isSo()).toBe(true), { timeout: 60_000, interval: 1 });

describe('[L11] a log is read once', () => {
  it('the second time costs one event, and the file is the same', async () => {
    const service = new CountedService([stream('algo-1', 300), stream('algo-2', 200)]);
    const header = ({ events }: { events: number }): string => `# ${events} events\n\n`;
    const first = await textOf(lab.engine().download(whole(service, { header })));
    const { pages } = service;
    expect(pages).toBeGreaterThan(40);
    expect(first).toBe(await textOf(lab.plainEngine().download(whole(service, { header, keep: undefined }))));
    service.pages = 0;
    // Another process, later.
    lab.now += 86_400_000;
    const again = await lab.engine().download(whole(service, { header, to: lab.now }));
    expect(again.facts).toMatchObject({ events: 500, streams: [{ events: 300 }, { events: 200 }] });
    expect(await textOf(Promise.resolve(again))).toBe(first);
    expect([service.pages, service.checks]).toEqual([0, 1]);
    expect(lab.problems).toEqual([]);
  });

  it('in every form, narrowed in every way, as the engine gives it', async () => {
    const service = new CountedService([
      {
        name: 'job/algo-1',
        events: Array.from({ length: 120 }, (_, i) => ({
          time: NOW - 7_000_000 + i * 500,
          message: `\r ${i}%\r loss ${i}${'\n'.repeat(i % 3)}`,
        })),
      },
      {
        name: 'job/algo-10',
        events: Array.from({ length: 80 }, (_, i) => ({
          time: NOW - 7_000_000 + i * 700,
          message: `\u001b[32m${i}\u001b[0m`,
        })),
      },
    ]);
    await textOf(lab.engine({ pieceBytes: 500 }).download(whole(service)));
    service.pages = 0;
    const ways = [
      { form: 'raw' },
      { form: 'plain' },
      { form: 'plain', tail: 30 },
      { match: { kind: 'text', pattern: 'loss 1' } },
      { match: { kind: 'regex', pattern: '(?m)9$' }, tail: 3 },
      { from: NOW - 6_990_000 },
      { to: NOW - 6_980_000, form: 'raw' },
      { streams: ['algo-10'] },
      { tail: 7 },
      { gzipAbove: Number.POSITIVE_INFINITY },
      { partLimit: 900 },
      { gzipAbove: Number.POSITIVE_INFINITY, partLimit: 900 },
    ] as const;
    for (const way of ways) {
      const kept = await lab.engine().download(whole(service, way));
      expect(service.pages, JSON.stringify(way)).toBe(0);
      const read = await lab.plainEngine().download(whole(service, { ...way, keep: undefined }));
      service.pages = 0;
      expect(kept.facts, JSON.stringify(way)).toEqual(read.facts);
      expect(
        kept.files.every(({ bytes }) => bytes <= (('partLimit' in way && way.partLimit) || Infinity)),
      ).toBe(true);
      expect(await textOf(Promise.resolve(kept)), JSON.stringify(way)).toBe(
        await textOf(Promise.resolve(read)),
      );
    }
  });

  it('of a running job only what is new is read', async () => {
    const service = new CountedService([], { pageEvents: 10 });
    for (let minute = 1; minute <= 20; minute++) {
      for (let i = 0; i < 100; i++) {
        service.arrive('job/algo-1', {
          time: NOW + (minute - 1) * MINUTE + i * 600,
          message: `${minute} ${i}`,
        });
      }
      lab.now = NOW + minute * MINUTE;
      const text = await textOf(
        lab.engine().download(whole(service, { to: lab.now, keep: { edition: '1', endedAt: undefined } })),
      );
      expect(text.split('\n')).toHaveLength(minute * 100 + 1);
    }
    const { pages } = service;
    service.pages = 0;
    await textOf(lab.plainEngine().download(whole(service, { to: lab.now, keep: undefined })));
    expect(pages / service.pages).toBeLessThan(1.3);
  });

  it('by ten people at once it is fetched once', async () => {
    const service = new CountedService([stream('algo-1', 300)]);
    const engine = lab.engine();
    const alone = new CountedService([stream('algo-1', 300)]);
    await textOf(lab.plainEngine().download(whole(alone, { keep: undefined })));
    const texts = await Promise.all(
      Array.from({ length: 10 }, (_, i) =>
        textOf(engine.download(whole(service, i % 2 ? { form: 'raw' } : {}))),
      ),
    );
    expect(new Set(texts.map((text) => text.split('\n').length))).toEqual(new Set([301]));
    expect(service.pages).toBeLessThan(1.5 * alone.pages);
    expect(service.checks).toBe(9);
  });
});

describe('[L11] what may still change', () => {
  it('is read again, and late events are in the next download', async () => {
    const service = new CountedService([]);
    const running = { keep: { edition: '1', endedAt: undefined } };
    for (let i = 0; i < 100; i++)
      service.arrive('job/algo-1', { time: NOW - 100_000 + i * 1000, message: `${i}` });
    await textOf(lab.engine().download(whole(service, running)));
    service.arrive('job/algo-1', { time: NOW - 5_500, message: 'late' });
    const text = await textOf(lab.engine().download(whole(service, running)));
    expect(text).toContain('late');
  });

  it('a stream that has been silent for long does not hold the others back, and has its place when it speaks', async () => {
    const service = new CountedService([stream('algo-2', 1)]);
    const running = { keep: { edition: '1', endedAt: undefined } };
    let minute = 0;
    const ask = async (): Promise<string> => {
      minute += 1;
      for (let i = 0; i < 60; i++) {
        service.arrive('job/algo-1', { time: NOW + minute * MINUTE + i * 1000, message: `${minute} ${i}` });
      }
      lab.now = NOW + (minute + 1) * MINUTE;
      service.pages = 0;
      return textOf(lab.engine().download(whole(service, { to: lab.now, ...running })));
    };
    while (minute < 12) await ask();
    // 6 pages of news and their ends, not 66.
    expect(service.pages).toBeLessThan(14);
    service.arrive('job/algo-2', { time: lab.now - 5 * MINUTE, message: 'late' });
    const text = await ask();
    expect(text).toBe(
      await textOf(lab.plainEngine().download(whole(service, { to: lab.now, keep: undefined }))),
    );
    expect(text).toContain('algo-2 late');
    expect(await ask()).toContain('algo-2 late');
  });

  it('a stream that begins before what is kept ends takes its place', async () => {
    const service = new CountedService([stream('algo-1', 50)]);
    const running = (to: number) => ({ to, keep: { edition: '1', endedAt: undefined } });
    await textOf(lab.engine({ pieceBytes: 100 }).download(whole(service, running(NOW))));
    service.arrive('job/algo-02', { time: NOW - 60 * MINUTE - 20_500, message: 'from the start' });
    const text = await textOf(lab.engine().download(whole(service, running(NOW))));
    expect(text).toBe(await textOf(lab.plainEngine().download(whole(service, { keep: undefined }))));
    expect(text).toContain('algo-02 from the start');
  });

  it('what comes later than any rule allows is in a fresh download, and in all after it', async () => {
    const service = new CountedService([stream('algo-1', 50)]);
    await textOf(lab.engine().download(whole(service)));
    service.arrive('job/algo-1', { time: NOW - 61 * MINUTE, message: 'a day late' });
    expect(await textOf(lab.engine().download(whole(service)))).not.toContain('a day late');
    expect(await textOf(lab.engine().download(whole(service, { fresh: true })))).toContain('a day late');
    expect(await textOf(lab.engine().download(whole(service)))).toContain('a day late');
  });

  it('a fresh download does not share a reading that began before it', async () => {
    const service = new CountedService([stream('algo-1', 50)]);
    const { open, opened } = gate();
    service.beforePage = () => opened;
    const engine = lab.engine();
    const first = textOf(engine.download(whole(service)));
    await until(() => service.pages > 0);
    lab.now += 1;
    const fresh = textOf(engine.download(whole(service, { fresh: true })));
    open();
    expect(await fresh).toBe(await first);
    const { pages } = service;
    const alone = new CountedService([stream('algo-1', 50)]);
    await textOf(lab.plainEngine().download(whole(alone, { keep: undefined })));
    expect(pages).toBeGreaterThan(1.5 * alone.pages);
  });

  it('a fresh download of a part does not go on from what an interrupted one has left', async () => {
    const service = new CountedService([stream('algo-1', 300)]);
    const part = { from: NOW - 64 * MINUTE };
    const stop = new AbortController();
    service.beforePage = () => {
      if (service.pages > 20) stop.abort(new AppError('unavailable', 'Signalbox is restarting.'));
    };
    await expect(lab.engine().download(whole(service, part), { signal: stop.signal })).rejects.toThrow();
    service.beforePage = undefined;
    service.arrive('job/algo-1', { time: NOW - 64 * MINUTE + 500, message: 'a day late' });
    const download = await lab.engine().download(whole(service, { ...part, fresh: true }));
    expect(download.resumed).toBe(false);
    expect(await textOf(Promise.resolve(download))).toContain('a day late');
  });

  it('what a fresh download has brought is not lost to one that looked at what was kept before it', async () => {
    const service = new CountedService([stream('algo-1', 50), stream('algo-2', 50)]);
    const engine = lab.engine();
    const running = (to: number) => ({ to, keep: { edition: '1', endedAt: undefined } });
    await textOf(engine.download(whole(service, running(NOW))));
    const list = service.listStreams.bind(service);
    const { open, opened } = gate();
    const again = gate();
    // It knows of one stream and has to ask again.
    const listing = list().then((streams) => streams.slice(0, 1));
    service.listStreams = async () => {
      again.open();
      await opened;
      return list();
    };
    lab.now += 20 * MINUTE;
    const other = textOf(engine.download(whole(service, { ...running(lab.now), listing })));
    await again.opened;
    service.listStreams = list;
    service.arrive('job/algo-1', { time: NOW - 61 * MINUTE, message: 'a day late' });
    const fresh = await textOf(engine.download(whole(service, { ...running(lab.now), fresh: true })));
    expect(fresh).toContain('a day late');
    lab.now += 20 * MINUTE;
    open();
    await other;
    expect(await textOf(engine.download(whole(service, running(lab.now))))).toContain('a day late');
  });

  it('a stream whose order is not that of time is sorted and not kept', async () => {
    const { events } = stream('algo-1', 50);
    events.splice(3, 0, ...events.splice(40, 1));
    const service = new CountedService([{ name: 'job/algo-1', events, unordered: true }]);
    const download = await lab.engine().download(whole(service));
    expect(download.notes.join()).toContain('out of time order');
    await download.dispose();
    expect(await lab.kept()).toEqual([]);
  });

  it('what a clock that was ahead has kept is not trusted', async () => {
    const service = new CountedService([stream('algo-1', 50)]);
    lab.now = NOW + 3_600_000;
    await textOf(lab.engine().download(whole(service)));
    lab.now = NOW;
    service.pages = 0;
    await textOf(lab.engine().download(whole(service)));
    expect(service.pages).toBeGreaterThan(1);
    expect(lab.problems.join()).toContain('read in the future');
  });

  it('a job that was made again under the same name has a log of its own', async () => {
    const service = new CountedService([stream('algo-1', 50)]);
    await textOf(lab.engine().download(whole(service)));
    const again = new CountedService([stream('algo-1', 5)]);
    const text = await textOf(
      lab.engine().download(whole(again, { keep: { edition: '2', endedAt: NOW - 60 * MINUTE } })),
    );
    expect(text.split('\n')).toHaveLength(6);
  });

  it('a stream that was deleted is not given out of what is kept', async () => {
    const service = new CountedService([stream('algo-1', 50), stream('algo-2', 50)]);
    await textOf(lab.engine().download(whole(service)));
    service.remove('job/algo-2');
    expect(await textOf(lab.engine().download(whole(service)))).not.toContain('algo-2');
  });
});

describe('[L8] rights', () => {
  it('a reader whose right was withdrawn gets nothing of what is kept', async () => {
    const service = new CountedService([stream('algo-1', 50)]);
    await textOf(lab.engine().download(whole(service)));
    const refused = new AppError('permission_denied', 'No.');
    service.beforePage = () => {
      throw refused;
    };
    await expect(lab.engine().download(whole(service))).rejects.toBe(refused);
  });

  it('nor does one who waits for somebody else’s reading', async () => {
    const service = new CountedService([stream('algo-1', 50)]);
    const theirs = new CountedService([stream('algo-1', 50)]);
    theirs.beforePage = () => {
      throw new AppError('permission_denied', 'No.');
    };
    const engine = lab.engine();
    const allowed = textOf(engine.download(whole(service)));
    await expect(engine.download(whole(theirs))).rejects.toMatchObject({ code: 'permission_denied' });
    expect((await allowed).split('\n')).toHaveLength(51);
  });

  it('one who may read does not suffer from the refusal of the one who began', async () => {
    const theirs = new CountedService([stream('algo-1', 50)]);
    const { open, opened } = gate();
    theirs.beforePage = async () => {
      await opened;
      throw new AppError('permission_denied', 'No.');
    };
    const engine = lab.engine();
    const refused = engine.download(whole(theirs));
    refused.catch(() => undefined);
    await until(() => theirs.pages > 0);
    const mine = new CountedService([stream('algo-1', 50)]);
    const allowed = textOf(engine.download(whole(mine)));
    await until(() => mine.checks > 0);
    open();
    await expect(refused).rejects.toMatchObject({ code: 'permission_denied' });
    expect((await allowed).split('\n')).toHaveLength(51);
  });
});

describe('[L4] cancelling', () => {
  it('one of two leaves the other one the reading', async () => {
    const service = new CountedService([stream('algo-1', 300)]);
    const { open, opened } = gate();
    service.beforePage = ({ limit }) => (limit === 1 ? undefined : opened);
    const engine = lab.engine();
    const cancel = new AbortController();
    const one = engine.download(whole(service), { signal: cancel.signal });
    const other = textOf(engine.download(whole(service)));
    await until(() => service.checks > 0);
    cancel.abort();
    await expect(one).rejects.toBeInstanceOf(CancelledError);
    open();
    expect((await other).split('\n')).toHaveLength(301);
  });

  it('both ends it', async () => {
    const service = new CountedService([stream('algo-1', 300)]);
    const cancel = new AbortController();
    service.beforePage = () => {
      if (service.pages > 5) cancel.abort();
    };
    const engine = lab.engine();
    const both = [1, 2].map(() => engine.download(whole(service), { signal: cancel.signal }));
    for (const end of await Promise.allSettled(both)) {
      expect(end).toMatchObject({ status: 'rejected', reason: expect.any(CancelledError) });
    }
    await until(() => service.inFlight === 0);
    expect(await lab.kept()).toEqual([]);
  });

  it('a restart leaves what was read, and the next download goes on from there', async () => {
    const service = new CountedService([stream('algo-1', 300)]);
    const stop = new AbortController();
    service.beforePage = () => {
      if (service.pages > 20) stop.abort(new AppError('unavailable', 'Signalbox is restarting.'));
    };
    await expect(lab.engine().download(whole(service), { signal: stop.signal })).rejects.toBeInstanceOf(
      CancelledError,
    );
    service.beforePage = undefined;
    service.pages = 0;
    const download = await lab.engine().download(whole(service));
    expect(download.resumed).toBe(true);
    expect(service.pages).toBeLessThan(20);
    expect((await textOf(Promise.resolve(download))).split('\n')).toHaveLength(301);
  });
});

describe('what can go wrong with the folder costs a reading, never a download', () => {
  it('a piece that was changed is said, and read again from there on', async () => {
    const service = new CountedService([stream('algo-1', 1000)]);
    const text = await textOf(lab.engine({ pieceBytes: 2000 }).download(whole(service)));
    const segment = (await lab.kept()).find(({ path }) => path.includes('segment'))!;
    const bytes = await readFile(segment.path);
    bytes[Math.floor(bytes.length * 0.7)]! ^= 1;
    await writeFile(segment.path, bytes);
    const all = service.pages;
    service.pages = 0;
    expect(await textOf(lab.engine({ pieceBytes: 2000 }).download(whole(service)))).toBe(text);
    expect(lab.problems).toEqual([
      expect.stringMatching(/segment-\w+ cannot be used from byte \d+ on: the checksum is wrong/),
    ]);
    expect(service.pages).toBeLessThan(all / 2);
    service.pages = 0;
    expect(await textOf(lab.engine().download(whole(service)))).toBe(text);
    expect(service.pages).toBe(0);
  });

  it('the folder is deleted while it is in use', async () => {
    const service = new CountedService([stream('algo-1', 300)]);
    const engine = lab.engine();
    const text = await textOf(engine.download(whole(service)));
    await rm(lab.dir, { recursive: true });
    expect(await textOf(engine.download(whole(service)))).toBe(text);
    service.beforePage = () => rm(lab.dir, { recursive: true, force: true });
    expect(await textOf(engine.download(whole(service, { fresh: true })))).toBe(text);
  });

  it('a folder that cannot be written leaves everything as without it', async () => {
    await writeFile(`${dirname(lab.dir)}/library`, 'a file');
    const service = new CountedService([stream('algo-1', 300)]);
    for (const _ of [1, 2]) {
      expect((await textOf(lab.engine().download(whole(service)))).split('\n')).toHaveLength(301);
    }
    expect(lab.problems.length).toBeGreaterThan(0);
  });

  it('a log that is larger than all of the room is not kept', async () => {
    const service = new CountedService([stream('algo-1', 3000)]);
    await textOf(lab.engine({ disk: 1000 }).download(whole(service)));
    expect(lab.problems).toEqual([
      expect.stringMatching(/would take \d+ bytes, and logs.library.disk is 1000/),
    ]);
    expect(await lab.kept()).toEqual([]);
  });

  it('the least recently used goes where there is no room, and what is old', async () => {
    const logs = [1, 2, 3].map((seed) => new CountedService([stream('algo-1', 300)], { seed }));
    const first = lab.engine();
    const size = async (): Promise<number> => (await lab.kept()).reduce((sum, { bytes }) => sum + bytes, 0);
    await textOf(first.download(whole(logs[0]!)));
    const one = await size();
    const engine = lab.engine({ disk: one * 2.5, keepFor: 100 * MINUTE });
    for (const at of [1, 0, 2]) {
      lab.now += MINUTE;
      await textOf(engine.download(whole(logs[at]!)));
    }
    expect(await size()).toBeLessThan(one * 2.5);
    for (const log of logs) log.pages = 0;
    for (const log of [logs[0]!, logs[2]!]) await textOf(engine.download(whole(log)));
    expect(logs.map(({ pages }) => pages)).toEqual([0, 0, 0]);
    lab.now += 101 * MINUTE;
    await engine.sweep!();
    expect(await lab.kept()).toEqual([]);
  });

  it('members are put into the file as they are', async () => {
    const service = new CountedService([stream('algo-1', 3000)]);
    await textOf(lab.engine({ pieceBytes: 10_000 }).download(whole(service)));
    const download = await lab.engine().download(whole(service));
    const file = await readFile(download.files[0]!.path);
    const segment = await readFile((await lab.kept()).find(({ path }) => path.includes('segment'))!.path);
    // The first member of the segment is the beginning of the file.
    expect(file.subarray(0, 200)).toEqual(segment.subarray(0, 200));
    expect(gunzipSync(file).toString().split('\n')).toHaveLength(3001);
    await download.dispose();
  });
});

describe('[L11] what is followed', () => {
  const ended = NOW - 60 * MINUTE;
  const follow = async (engine: LogEngine, service: CountedService): Promise<string> => {
    const request = { source: service, keep: { edition: '1', endedAt: ended }, form: 'raw' as const };
    const chunks = engine.follow(
      { ...request, from: { offset: 0 }, endedAt: async () => ended },
      new AbortController().signal,
    );
    let text = '';
    for await (const { bytes } of chunks) text += Buffer.from(bytes).toString();
    return text;
  };

  it('is not asked for again where it is kept, and kept where it was asked for', async () => {
    const service = new CountedService([stream('algo-1', 900)]);
    const asPrinted = await follow(lab.plainEngine(), service);
    const { pages } = service;
    expect(pages).toBeGreaterThan(90);
    const first = lab.engine();
    service.pages = 0;
    expect(await follow(first, service)).toBe(asPrinted);
    expect(service.pages).toBeGreaterThan(90);
    service.pages = 0;
    expect(await follow(lab.engine(), service)).toBe(asPrinted);
    expect(service.pages).toBeLessThan(5);
    service.pages = 0;
    expect(await textOf(first.download(whole(service, { form: 'raw' })))).toBe(asPrinted);
    expect(service.pages).toBeLessThan(5);
    expect(lab.problems).toEqual([]);
  });
});
