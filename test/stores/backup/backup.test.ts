/** The data folder in one file: whole while the bot writes, and put back only as it was. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { gunzipSync, gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { openFileRunLogs } from '../../../src/runs/file-run-logs.ts';
import { backUp } from '../../../src/stores/backup/backup.ts';
import { MANIFEST } from '../../../src/stores/backup/manifest.ts';
import { restore } from '../../../src/stores/backup/restore.ts';
import { padding, tarEnd, tarHeader } from '../../../src/stores/backup/tar.ts';
import { openLowdbStore } from '../../../src/stores/lowdb.ts';
import { alert, eventRecord, post } from '../../contract/notifications.ts';
import { AT, attempt, component, jobRecord, record, seen } from '../../contract/store-records.ts';

const OPTIONS = { auditKept: 6, attemptsKept: 6, now: () => AT };
const RUN = 'line-3~local~press-1';
const LONG_RUN = `line-3~local~${'w'.repeat(150)}`;
const clock = { now: () => AT };

let root: string;
/** A data folder with something in each of its files, open: journal and state are both there. */
let live: string;
let whole: string;
let expected: unknown;
let close: () => Promise<void>;

async function everything(folder: string): Promise<unknown> {
  const store = await openLowdbStore(folder, OPTIONS);
  const logs = await openFileRunLogs({ folder: join(folder, 'runs'), clock });
  try {
    return structuredClone({
      audit: await store.listAudit({ limit: 1_000 }),
      jobs: await store.listJobs({ limit: 1_000 }),
      attempts: await Promise.all(
        Array.from({ length: 6 }, (_, n) => store.listAttempts({ useCase: 'line-3', job: `train-${n}` })),
      ),
      components: await store.listComponents({}),
      events: await store.listEvents({ state: 'pending', limit: 100 }),
      posts: await store.listUnsent(),
      alerts: await store.listAlerts({ limit: 100 }),
      runs: await Promise.all(
        [RUN, LONG_RUN].map(async (id) => Buffer.from((await logs.read(id, 0, 1000)).bytes).toString()),
      ),
    });
  } finally {
    await logs.close();
    await store.close();
  }
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'signalbox-backup-'));
  live = join(root, 'live');
  const store = await openLowdbStore(live, OPTIONS);
  for (let n = 0; n < 6; n++) {
    const job = `train-${n}`;
    await store.changeJob('line-3', job, () => jobRecord(job));
    for (const end of ['FAILED', 'COMPLETED']) {
      const one = attempt({ job, askedAt: AT + n });
      await store.addAttempt(one);
      await store.changeAttempt(one.id, seen(end, AT + n));
    }
    await store.appendAudit(record({ at: AT + n, subject: job }));
  }
  await store.addComponent(component('1.0.0'));
  await store.addEvent(eventRecord('event-1'));
  await store.changePost('post-1', () => post('post-1'));
  await store.changeAlertOfGroup({ useCase: 'line-3', group: 'group-a', subject: 'subject-a' }, () =>
    alert('a'),
  );
  const logs = await openFileRunLogs({ folder: join(live, 'runs'), clock });
  for (const id of [RUN, LONG_RUN]) {
    await logs.create(id);
    await logs.append(id, 0, Buffer.from(`epoch 1 of ${id.length}\n`));
  }
  for (const folder of ['library', 'spool', 'run-times']) await mkdir(join(live, folder));
  await writeFile(join(live, 'library', 'piece'), 'read before');
  await writeFile(join(live, 'run-times', RUN), 'times');
  await writeFile(join(live, 'audit-cli.jsonl'), `${JSON.stringify(record({ at: AT }))}\n`);
  whole = join(root, 'whole.tar.gz');
  await backUp(live, whole);
  close = async () => {
    await logs.close();
    await store.close();
  };
  const copy = join(root, 'copy');
  await cp(live, copy, { recursive: true, filter: (path) => !path.includes('in-use') });
  expected = await everything(copy);
});
afterAll(async () => {
  await close();
  await rm(root, { recursive: true, force: true });
});

let at: string;
beforeEach(async () => {
  at = await mkdtemp(join(root, 'one-'));
});
afterEach(() => rm(at, { recursive: true, force: true }));

/** That nothing is left beside it either. */
const isUntouched = async (): Promise<void> => expect(await readdir(at)).toEqual([]);

describe('a backup', () => {
  it('gives back all that was stored, logs of runs too, while the bot holds the folder', async () => {
    await restore(whole, join(at, 'data'));
    expect(await everything(join(at, 'data'))).toEqual(expected);
  });

  it('is what any tar can list, without the library, what is under way, and locks', () => {
    const { status, stdout } = spawnSync('tar', ['tzf', whole], { encoding: 'utf8' });
    expect(status).toBe(0);
    const names = stdout.trim().split('\n');
    expect(names).toContain('state.json');
    expect(names).toContain(`runs/${LONG_RUN}/state`);
    expect(names.at(-1)).toBe(MANIFEST);
    expect(names.filter((name) => /library|spool|in-use|writer-|backup\.json/.test(name))).toEqual([
      MANIFEST,
    ]);
  });

  it('is readable for its own user alone, and is not replaced unasked', async () => {
    const path = join(at, 'backup');
    await backUp(live, path);
    expect((await stat(path)).mode & 0o077).toBe(0);
    await expect(backUp(live, path)).rejects.toMatchObject({ code: 'conflict' });
    await backUp(live, path, { replace: true });
  });

  it('of a folder without anything is refused, and leaves no file', async () => {
    await expect(backUp(join(root, 'nowhere'), join(at, 'backup'))).rejects.toMatchObject({
      code: 'not_found',
    });
    await isUntouched();
  });

  it('that cannot be written says so, and leaves no file', async () => {
    await expect(backUp(live, join(at, 'no', 'such', 'folder'))).rejects.toMatchObject({
      code: 'unavailable',
    });
    await isUntouched();
  });

  it('that is cancelled leaves no file', async () => {
    const reason = new Error('enough');
    await expect(backUp(live, join(at, 'backup'), { signal: AbortSignal.abort(reason) })).rejects.toBe(
      reason,
    );
    await isUntouched();
  });

  it('has everything that was acknowledged before it began, however the bot writes meanwhile', async () => {
    const folder = join(at, 'data');
    const writer = spawn(
      process.execPath,
      ['--import', 'tsx', join(import.meta.dirname, '../../fixtures/store-writer.ts'), folder, '0'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    let acknowledged = 0;
    const lines = createInterface({ input: writer.stdout });
    lines.on('line', (line) => {
      acknowledged = Math.max(acknowledged, Number(line));
    });
    try {
      await once(lines, 'line');
      for (let nth = 0; nth < 25; nth++) {
        const before = acknowledged;
        const path = join(at, `backup-${nth}`);
        await backUp(folder, path);
        await restore(path, join(at, `restored-${nth}`));
        const store = await openLowdbStore(join(at, `restored-${nth}`), { auditKept: 16 });
        const numbers = new Set((await store.listAudit({ limit: 1_000_000 })).map((one) => one.at));
        await store.close();
        const missing = Array.from({ length: before }, (_, n) => n + 1).filter((n) => !numbers.has(n));
        // Of three writers at once, the numbers just before the last may not have been acknowledged yet.
        expect(missing.filter((n) => n <= before - 3)).toEqual([]);
        await once(lines, 'line');
      }
      expect(acknowledged).toBeGreaterThan(25);
    } finally {
      writer.kill('SIGKILL');
      if (writer.exitCode === null && writer.signalCode === null) await once(writer, 'exit');
    }
  });

  it('that is killed in the middle has no name, and what is left of it is refused', async () => {
    const folder = join(at, 'data');
    await cp(live, folder, { recursive: true, filter: (path) => !path.includes('in-use') });
    // Long enough that it is seen at work.
    await writeFile(join(folder, 'audit-cli.jsonl'), Buffer.alloc(60_000_000, 'a line of it\n'));
    const path = join(at, 'backup');
    const worker = spawn(
      process.execPath,
      [
        '--import',
        'tsx',
        '--input-type=module',
        '-e',
        `import { backUp } from ${JSON.stringify(join(import.meta.dirname, '../../../src/stores/backup/backup.ts'))};
         await backUp(${JSON.stringify(folder)}, ${JSON.stringify(path)});`,
      ],
      { stdio: 'inherit' },
    );
    await expect
      .poll(
        () =>
          stat(`${path}.partial`).then(
            ({ size }) => size,
            () => 0,
          ),
        { interval: 2, timeout: 60_000 },
      )
      .toBeGreaterThan(0);
    worker.kill('SIGKILL');
    await once(worker, 'exit');
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(restore(`${path}.partial`, join(at, 'restored'))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining(`${path}.partial is not complete`),
    });
    await expect(stat(join(at, 'restored'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

describe('restoring', () => {
  it('refuses a folder with anything in it, and names it', async () => {
    await writeFile(join(at, 'notes.txt'), '');
    await expect(restore(whole, at)).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('notes.txt'),
    });
    expect(await readdir(at)).toEqual(['notes.txt']);
  });

  it('takes an empty folder, and one that is not there yet', async () => {
    await mkdir(join(at, 'empty'));
    await restore(whole, join(at, 'empty'));
    await restore(whole, join(at, 'deep/down'));
    expect(await everything(join(at, 'empty'))).toEqual(await everything(join(at, 'deep/down')));
  });

  it('refuses what is cut off anywhere, and leaves the place as it was', async () => {
    const bytes = await readFile(whole);
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 0, max: bytes.length - 1 }), async (length) => {
        const path = join(root, 'cut');
        await writeFile(path, bytes.subarray(0, length));
        await expect(restore(path, join(at, 'data'))).rejects.toMatchObject({
          code: 'invalid_input',
          message: expect.stringContaining(path),
        });
        await isUntouched();
      }),
      { numRuns: 100 },
    );
  });

  it('refuses what was changed anywhere, compressed or not', async () => {
    const compressed = await readFile(whole);
    const tar = gunzipSync(compressed);
    await fc.assert(
      fc.asyncProperty(fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true }), async (inside, place) => {
        const bytes = Buffer.from(inside ? tar : compressed);
        // Behind the gzip header, whose time and name of a system mean nothing.
        const where = 10 + Math.floor(place * (bytes.length - 11));
        bytes[where]! ^= 0x21;
        const path = join(root, 'changed');
        await writeFile(path, inside ? gzipSync(bytes, { level: 1 }) : bytes);
        const done = await restore(path, join(at, 'data')).then(
          () => true,
          (error: { code: string }) => {
            expect(error.code).toBe('invalid_input');
            return false;
          },
        );
        // What fills a block up says nothing.
        if (done) {
          expect(inside).toBe(true);
          expect(await everything(join(at, 'data'))).toEqual(expected);
          await rm(join(at, 'data'), { recursive: true });
        }
        await isUntouched();
      }),
      { numRuns: 100 },
    );
  });

  /** An archive whose files nobody's backup has. */
  async function made(...files: [name: string, content: string][]): Promise<string> {
    const parts = files.flatMap(([name, content]) => {
      const bytes = Buffer.from(content);
      return [tarHeader(name, bytes.length, AT), bytes, padding(bytes.length)];
    });
    const path = join(root, 'made');
    await writeFile(path, gzipSync(Buffer.concat([...parts, tarEnd()])));
    return path;
  }

  it.each([
    '../evil',
    '/etc/evil',
    'runs/../../evil/state',
    'runs/./state',
    'runs/a/../../../evil',
    'in-use.json',
    'library/piece',
    'state.json/../x',
    'runs/a\\..\\b/state',
    'signalbox.yaml',
  ])('writes no file of the name %s', async (name) => {
    await expect(restore(await made([name, 'x']), join(at, 'data'))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('belongs in no backup'),
    });
    await isUntouched();
  });

  it('follows no link, whatever it is called', async () => {
    const header = tarHeader('state.json', 0, AT);
    header.write('2', 156);
    let sum = 8 * 0x20;
    for (let n = 0; n < 512; n++) if (n < 148 || n >= 156) sum += header[n]!;
    header.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
    const path = join(root, 'linked');
    await writeFile(path, gzipSync(Buffer.concat([header, tarEnd()])));
    await expect(restore(path, join(at, 'data'))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('something else than files'),
    });
  });

  it('refuses a file that would not fit on the disk before it writes any of it', async () => {
    const path = join(root, 'large');
    await writeFile(path, gzipSync(tarHeader('state.json', 8 ** 11 - 1, AT)));
    await expect(restore(path, join(at, 'data'))).rejects.toMatchObject({
      // Where a disk has more than 8 GiB free, the file ends too early instead.
      code: expect.stringMatching(/^(?:unavailable|invalid_input)$/),
    });
    await isUntouched();
  });

  it('refuses what a later version wrote, what is something else, and what is not there', async () => {
    const later = await made([MANIFEST, '{"format":2,"madeAt":"","files":[]}']);
    await expect(restore(later, join(at, 'data'))).rejects.toMatchObject({
      message: expect.stringContaining('later version'),
    });
    const other = join(root, 'other');
    await writeFile(other, 'useCases: []');
    await expect(restore(other, join(at, 'data'))).rejects.toMatchObject({
      code: 'invalid_input',
      message: expect.stringContaining('none of Signalbox'),
    });
    await expect(restore(join(root, 'missing'), join(at, 'data'))).rejects.toMatchObject({
      code: 'not_found',
    });
    await isUntouched();
  });

  it('refuses a backup of what was damaged already, and says what', async () => {
    const folder = join(at, 'damaged');
    await cp(live, folder, { recursive: true, filter: (path) => !path.includes('in-use') });
    await writeFile(join(folder, 'state.json'), '{"version":2,');
    await backUp(folder, join(root, 'of-damaged'), { replace: true });
    await expect(restore(join(root, 'of-damaged'), join(at, 'data'))).rejects.toMatchObject({
      code: 'internal',
      message: expect.stringContaining('state.json'),
    });
    expect(await readdir(at)).toEqual(['damaged']);
  });
});
