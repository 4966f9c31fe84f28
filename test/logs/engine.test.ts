import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError, CancelledError } from '../../src/ground/errors.ts';
import { createLogEngine, type LogDownloadRequest, type LogProgress } from '../../src/logs/index.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import { PERFECT, SimulatedService, type SimulatedStream } from './simulated-service.ts';

const NOW = Date.UTC(2026, 10, 20, 12);

let dir: string;
let now: number;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'engine-'));
  now = NOW;
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const spoolDir = (): string => join(dir, 'spool');
const engine = () =>
  createLogEngine({
    spoolDir: spoolDir(),
    clock: { now: () => now },
    timing: {
      wait: async (ms) => {
        await new Promise((resolve) => setImmediate(resolve));
        now += ms;
      },
    },
  });

/** One event a second, the last one an hour ago. */
const stream = (
  name: string,
  count: number,
  message = (i: number): string => `${name} ${i}`,
): SimulatedStream => ({
  name: `job/${name}`,
  events: Array.from({ length: count }, (_, i) => ({
    time: NOW - 3_600_000 - (count - i) * 1000,
    message: message(i),
  })),
});

const request = (source: LogSource, more: Partial<LogDownloadRequest> = {}): LogDownloadRequest => ({
  source,
  to: NOW,
  form: 'raw',
  fileName: 'training-logs-job.log',
  ...more,
});

const lines = (text: string): string[] => text.split('\n').slice(0, -1);

describe('[L2] the file', () => {
  it('has the header, then time, stream and message of each event', async () => {
    const source = new SimulatedService([stream('algo-2', 1), stream('algo-10', 1)], PERFECT);
    const download = await engine().download(
      request(source, {
        form: 'lines',
        header: (facts) => `# ${facts.events} events of ${facts.streams.length} streams\n`,
      }),
    );
    const text = await readFile(download.files[0]!.path, 'utf8');
    expect(text.replace(/ +\n/, '\n')).toBe(
      [
        '# 2 events of 2 streams',
        '2026-11-20T10:59:59.000Z algo-2  algo-2 0',
        '2026-11-20T10:59:59.000Z algo-10 algo-10 0',
        '',
      ].join('\n'),
    );
    expect(download.files[0]).toMatchObject({
      name: 'training-logs-job.log',
      gzipped: false,
      bytes: Buffer.byteLength(text),
    });
    await download.dispose();
    await download.dispose();
    expect(await readdir(spoolDir())).toEqual([]);
  });

  it('is written exactly where it is asked for, and nothing beside it', async () => {
    const out = join(dir, 'here', 'out.log');
    const download = await engine().download(
      request(new SimulatedService([stream('algo-1', 25)], PERFECT), { out }),
    );
    expect(lines(await readFile(out, 'utf8'))).toHaveLength(25);
    await download.dispose();
    expect(await readdir(join(dir, 'here'))).toEqual(['out.log']);
    expect(await readdir(spoolDir())).toEqual([]);
  });

  it('holds a header that grew beyond the room kept for it', async () => {
    const header = (facts: { events: number }): string =>
      `# ${facts.events > 1000 ? 'many' : 'x'.repeat(5000)}\n`;
    for (const gzipAbove of [undefined, 10]) {
      const source = new SimulatedService([stream('algo-1', 25)], PERFECT);
      const download = await engine().download(request(source, { header, gzipAbove }));
      const bytes = await readFile(download.files[0]!.path);
      const text = (gzipAbove ? gunzipSync(bytes) : bytes).toString();
      expect(text.startsWith(`# ${'x'.repeat(5000)}\nalgo-1 0\n`)).toBe(true);
      expect(lines(text)).toHaveLength(26);
      await download.dispose();
    }
  });

  it('[L4] is gzipped above the limit, with the header in it', async () => {
    const source = new SimulatedService([stream('algo-1', 300)], PERFECT);
    const download = await engine().download(
      request(source, { gzipAbove: 1000, header: () => '# header\n' }),
    );
    expect(download.files).toMatchObject([{ name: 'training-logs-job.log.gz', gzipped: true }]);
    const text = gunzipSync(await readFile(download.files[0]!.path)).toString();
    expect(lines(text)).toHaveLength(301);
    expect(text.startsWith('# header')).toBe(true);
  });

  it('[L4] comes in numbered parts when it is larger than one may be, cut between lines', async () => {
    const source = new SimulatedService([stream('algo-1', 300)], PERFECT);
    const download = await engine().download(
      request(source, { partLimit: 1200, header: () => '# header\n' }),
    );
    expect(download.files.map(({ name }) => name)).toEqual([
      'training-logs-job.part-1-of-3.log',
      'training-logs-job.part-2-of-3.log',
      'training-logs-job.part-3-of-3.log',
    ]);
    const texts = await Promise.all(download.files.map(({ path }) => readFile(path, 'utf8')));
    for (const text of texts) expect(text.endsWith('\n')).toBe(true);
    expect(lines(texts.join(''))).toHaveLength(301);
  });

  it('[L6] is the final terminal picture with --plain', async () => {
    const messages = [
      '\r 10%|#  |\r 99%|###|',
      '\u001b[31mred\u001b[0m',
      'a longer line\rshort\u001b[K',
      'plain',
    ];
    const source = new SimulatedService([stream('algo-1', 4, (i) => messages[i]!)], PERFECT);
    const download = await engine().download(request(source, { form: 'plain' }));
    expect(lines(await readFile(download.files[0]!.path, 'utf8'))).toEqual([
      ' 99%|###|',
      'red',
      'short',
      'plain',
    ]);
  });
});

describe('[L6] narrowing', () => {
  it.each(['text', 'regex'] as const)('looks with --plain for what the reader sees (%s)', async (kind) => {
    const messages = [
      '\u001b[31mERROR\u001b[0m: \u001b[1mout of memory\u001b(B\u001b[m',
      'ERROR: out of memory, overwritten\rall good\u001b[K',
      '\u001b[31m31 steps',
    ];
    const source = new SimulatedService([stream('algo-1', 3, (i) => messages[i]!)], PERFECT);
    const found = async (pattern: string): Promise<string[]> => {
      const download = await engine().download(request(source, { form: 'plain', match: { kind, pattern } }));
      return download.files[0] ? lines(await readFile(download.files[0].path, 'utf8')) : [];
    };
    expect(await found('ERROR: out of memory')).toEqual(['ERROR: out of memory']);
    expect(await found('31m')).toEqual([]);
    expect(await found('31 steps')).toEqual(['31 steps']);
  });

  it('reads a tail from the end and stops early', async () => {
    const source = new SimulatedService([stream('algo-1', 1000), stream('algo-2', 1000)], PERFECT);
    const download = await engine().download(request(source, { tail: 15 }));
    expect(lines(await readFile(download.files[0]!.path, 'utf8'))).toHaveLength(15);
    expect(source.requests).toBeLessThanOrEqual(6);
  });

  it('reads of many streams only their last pages, however few lines are wanted', async () => {
    const streams = Array.from({ length: 50 }, (_, number) => stream(`algo-${number}`, 140));
    const source = new SimulatedService(streams, PERFECT);
    const download = await engine().download(request(source, { tail: 5 }));
    expect(lines(await readFile(download.files[0]!.path, 'utf8'))).toHaveLength(5);
    expect(source.requests).toBeLessThan(3 * streams.length);
  });

  it('asks only the streams that are wanted, by name, short name or prefix', async () => {
    const source = new SimulatedService(
      [stream('algo-1', 5), stream('algo-2', 5), stream('driver', 5)],
      PERFECT,
    );
    for (const [wanted, events] of [
      [['algo-2'], 5],
      [['job/driver'], 5],
      [['algo-*'], 10],
    ] as const) {
      const download = await engine().download(request(source, { streams: wanted }));
      expect(download.facts.events).toBe(events);
    }
    await expect(engine().download(request(source, { streams: ['algo-7'] }))).rejects.toMatchObject({
      code: 'invalid_input',
      hint: expect.stringContaining('algo-1, algo-2, driver'),
    });
  });

  it('[K4] keeps a machine apart from the one that it replaced, also while both print', async () => {
    const start = NOW / 1000 - 7200;
    const source = new SimulatedService(
      [`algo-1-${start + 60}`, `algo-2-${start}`, `algo-1-${start}`].map((name) => stream(name, 30)),
      PERFECT,
    );
    const list = source.listStreams.bind(source);
    source.listStreams = async () =>
      (await list()).map((one) => ({ ...one, shortName: one.shortName.replace(/-\d{10}$/, '') }));
    const textOf = async (streams?: readonly string[]) => {
      const asked = { form: 'lines' as const, ...(streams ? { streams } : {}) };
      const download = await engine().download(request(source, asked));
      const text = await readFile(download.files[0]!.path, 'utf8');
      await download.dispose();
      return { facts: download.facts, said: lines(text).map((line) => line.slice(25).split(/ +/)) };
    };
    const { said, facts } = await textOf();
    expect(said).toHaveLength(90);
    const called = {
      'algo-1': `algo-1-${start}`,
      'algo-1/2': `algo-1-${start + 60}`,
      'algo-2': `algo-2-${start}`,
    };
    for (const [column, name] of said) expect(called[column as keyof typeof called]).toBe(name);
    expect(facts.streams.map(({ shortName }) => shortName)).toEqual(Object.keys(called));
    expect((await textOf(['algo-1'])).said).toHaveLength(60);
    expect((await textOf(['algo-1/2'])).said).toHaveLength(30);
  });

  it('takes a regular expression that would hang another engine', async () => {
    const source = new SimulatedService([stream('algo-1', 20, (i) => `${'a'.repeat(5000)}${i}`)], PERFECT);
    const download = await engine().download(
      request(source, { match: { kind: 'regex', pattern: '^(a+)+7$' } }),
    );
    expect(download.facts.events).toBe(2 - 1);
  });

  it.each([
    [{ match: { kind: 'regex', pattern: 'a(' } } as const, 'invalid_input'],
    [{ match: { kind: 'regex', pattern: '(?=look)' } } as const, 'invalid_input'],
    [{ match: { kind: 'text', pattern: '' } } as const, 'invalid_input'],
    [{ tail: 0 }, 'invalid_input'],
    [{ from: NOW + 1 }, 'invalid_input'],
  ])('refuses %j before asking the service', async (more, code) => {
    const source = new SimulatedService([stream('algo-1', 5)], PERFECT);
    await expect(engine().download(request(source, more))).rejects.toMatchObject({ code });
    expect(source.requests).toBe(0);
  });
});

describe('what may go wrong', () => {
  it('[L7] says that there is no log yet when there is no stream', async () => {
    await expect(engine().download(request(new SimulatedService([], PERFECT)))).rejects.toMatchObject({
      code: 'not_found',
    });
  });

  it('[L4] can be cancelled at any time, and leaves nothing behind', async () => {
    for (let after = 0; after < 12; after++) {
      const source = new SimulatedService([stream('algo-1', 500)], PERFECT);
      const controller = new AbortController();
      let seen = 0;
      source.onRequest = () => {
        if (seen++ === after) controller.abort();
      };
      await expect(engine().download(request(source), { signal: controller.signal })).rejects.toBeInstanceOf(
        CancelledError,
      );
      expect(await readdir(spoolDir())).toEqual([]);
    }
  });

  it('[L9] gives up with the cause when the service stays away, and continues from there when asked again', async () => {
    const streams = [stream('algo-1', 500), stream('algo-2', 500)];
    const source = new SimulatedService(streams, PERFECT);
    source.onRequest = () => {
      if (source.requests > 40) throw new AppError('unavailable', 'Gone.');
    };
    await expect(engine().download(request(source))).rejects.toMatchObject({ code: 'unavailable' });
    expect(await readdir(spoolDir())).toHaveLength(1);

    const again = new SimulatedService(streams, PERFECT);
    const download = await engine().download(request(again, { to: NOW + 60_000 }));
    expect(download.resumed).toBe(true);
    const fresh = await engine().download(request(new SimulatedService(streams, { ...PERFECT, seed: 2 })));
    expect(fresh.resumed).toBe(false);
    expect(await readFile(download.files[0]!.path)).toEqual(await readFile(fresh.files[0]!.path));
    expect(again.requests).toBeLessThan(80);
  });

  it.each([
    ['one by one', 0],
    ['before anything else is answered', 50],
  ])(
    'goes on when the tokens of all chains have become invalid, as after a night of sleep: %s',
    async (_, turns) => {
      const streams = [1, 2, 3, 4, 5].map((n) => stream(`algo-${n}`, 500));
      const source = new SimulatedService(streams, PERFECT);
      let forgotten = false;
      source.onRequest = () => {
        if (forgotten || source.requests < 60) return;
        forgotten = true;
        source.forgetTokens();
      };
      const readPage = source.readPage.bind(source);
      source.readPage = async (asked, signal) => {
        if (forgotten && asked.token === undefined)
          for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
        return readPage(asked, signal);
      };
      const download = await engine().download(request(source));
      expect(lines(await readFile(download.files[0]!.path, 'utf8'))).toHaveLength(2500);
      expect(source.requests).toBeLessThan(320);
    },
  );

  it('does not continue after the hour, and removes what was left', async () => {
    const source = new SimulatedService([stream('algo-1', 500)], PERFECT);
    source.onRequest = () => {
      if (source.requests > 20) throw new AppError('unavailable', 'Gone.');
    };
    await expect(engine().download(request(source))).rejects.toMatchObject({ code: 'unavailable' });
    now += 3_700_000;
    const download = await engine().download(request(new SimulatedService([stream('algo-1', 5)], PERFECT)));
    expect(download.resumed).toBe(false);
    await download.dispose();
    expect(await readdir(spoolDir())).toEqual([]);
  });

  it('[O5] keeps what it has when the process shuts down', async () => {
    const source = new SimulatedService([stream('algo-1', 500)], PERFECT);
    const controller = new AbortController();
    source.onRequest = () => {
      if (source.requests >= 20) controller.abort(new AppError('unavailable', 'Shutting down.'));
    };
    await expect(engine().download(request(source), { signal: controller.signal })).rejects.toBeInstanceOf(
      CancelledError,
    );
    const download = await engine().download(request(new SimulatedService([stream('algo-1', 500)], PERFECT)));
    expect(download.resumed).toBe(true);
    expect(download.facts.events).toBe(500);
  });

  it.each([
    ['of a process that was killed', 2 ** 22 + 1],
    // In a container every process of the bot has the same.
    ['of an earlier process of the same pid', process.pid],
  ])('removes the finished files %s', async (_, pid) => {
    const left = join(spoolDir(), 'download-abc-1');
    await mkdir(left, { recursive: true });
    await writeFile(join(left, 'part-1'), 'x');
    const manifest = {
      version: 1,
      key: 'abc',
      pid,
      createdAt: 0,
      touchedAt: 0,
      bootedAt: 0,
      state: 'active',
      streams: [],
      distrusted: [],
    };
    await writeFile(join(left, 'manifest.json'), JSON.stringify(manifest));
    const download = await engine().download(request(new SimulatedService([stream('algo-1', 5)], PERFECT)));
    await download.dispose();
    expect(await readdir(spoolDir())).toEqual([]);
  });

  it('ends when the service answers with empty pages for ever', async () => {
    const source = new SimulatedService([stream('algo-1', 5)], { ...PERFECT, empty: 1, emptyRun: 1_000_000 });
    await expect(engine().download(request(source))).rejects.toMatchObject({ code: 'timeout' });
  });

  it('[L4] answers before the work when the disk is too small for what the source says it has', async () => {
    const source = new SimulatedService([stream('algo-1', 5)], PERFECT);
    const huge: LogSource = {
      id: 'huge',
      listStreams: async () => [{ name: 'job/algo-1', shortName: 'algo-1', bytes: 2 ** 60 }],
      readPage: (page, signal) => source.readPage(page, signal),
    };
    await expect(engine().download(request(huge))).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringContaining('disk'),
    });
    expect(source.requests).toBe(0);
  });

  it('says so when a stream was not in time order', async () => {
    const late = stream('algo-1', 100);
    late.events.push({ time: NOW - 3_650_000, message: 'late' });
    const download = await engine().download(
      request(new SimulatedService([{ ...late, unordered: true }], PERFECT)),
    );
    expect(download.notes).toEqual([expect.stringContaining('out of time order')]);
    const text = lines(await readFile(download.files[0]!.path, 'utf8'));
    expect(text).toHaveLength(101);
    expect(text.indexOf('late')).toBe(51);
  });
});

describe('[L4] progress', () => {
  it('rises from listing to writing, and ends at the whole', async () => {
    const seen: LogProgress[] = [];
    const source = new SimulatedService([stream('algo-1', 500)], { ...PERFECT, throttle: 0.3 });
    source.onRequest = () => {
      now += 200;
    };
    await engine().download(request(source), { onProgress: (progress) => seen.push(progress) });
    expect(seen[0]!.phase).toBe('listing');
    expect(seen.at(-1)).toMatchObject({ events: 500, fraction: 1 });
    for (let i = 1; i < seen.length; i++)
      expect(seen[i]!.fraction).toBeGreaterThanOrEqual(seen[i - 1]!.fraction);
    expect(seen.some(({ throttled }) => throttled)).toBe(true);
  });
});

describe('[L5] requests', () => {
  it('are about as many as reading in sequence takes', async () => {
    const source = new SimulatedService([stream('algo-1', 4000), stream('algo-2', 4000)], PERFECT);
    await engine().download(request(source));
    expect(source.requests).toBeLessThanOrEqual(802 * 1.04);
  });

  it('that all wait at once, as throttled ones do, are no leak in the eyes of the process', async () => {
    const warnings: string[] = [];
    const listen = ({ name, message }: Error): void => void warnings.push(`${name}: ${message}`);
    process.on('warning', listen);
    const streams = Array.from({ length: 30 }, (_, i) => stream(`algo-${i}`, 5));
    const service = new SimulatedService(streams, PERFECT);
    const refused = new Set<string>();
    const source: LogSource = {
      id: service.id,
      listStreams: () => service.listStreams(),
      readPage: async (page, signal) => {
        if (refused.has(page.stream)) return service.readPage(page, signal);
        refused.add(page.stream);
        throw new AppError('rate_limited', 'slower, please');
      },
    };
    // The wait of the product, which listens to the signal; only shorter.
    const wait = async (ms: number, signal: AbortSignal): Promise<void> => {
      await delay(1, undefined, { signal }).catch(() => undefined);
      now += ms;
    };
    const download = await createLogEngine({
      spoolDir: spoolDir(),
      clock: { now: () => now },
      timing: { wait },
    }).download(request(source));
    await new Promise((resolve) => setImmediate(resolve));
    process.off('warning', listen);
    expect(download.facts.events).toBe(150);
    expect(warnings).toEqual([]);
  });

  it('are two for a log of one page', async () => {
    const source = new SimulatedService([stream('algo-1', 7)], PERFECT);
    await engine().download(request(source));
    expect(source.requests).toBe(2);
  });
});
