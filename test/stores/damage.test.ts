/** What somebody else does to the data folder: the same state afterwards, or a refusal that names the file. */
import { cp, mkdir, mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AppError } from '../../src/ground/errors.ts';
import type { Store } from '../../src/ports/store.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { alert, eventRecord, post } from '../contract/notifications.ts';
import { AT, attempt, component, jobRecord, record, seen } from '../contract/store-records.ts';

let root: string;
/** Folders as a kill and as a close leave them. */
let killed: string;
let closed: string;
let expected: unknown;

const JOBS = 6;
const OPTIONS = { auditKept: 6, attemptsKept: 6, now: () => AT };

async function everything(store: Store): Promise<unknown> {
  const histories = Array.from({ length: JOBS }, (_, n) =>
    store.listAttempts({ useCase: 'line-3', job: `train-${n}` }),
  );
  return structuredClone({
    audit: await store.listAudit({ limit: 1_000 }),
    jobs: await store.listJobs({ limit: 1_000 }),
    attempts: await Promise.all(histories),
    components: await store.listComponents({}),
    events: await store.listEvents({ state: 'pending', limit: 100 }),
    posts: await store.listUnsent(),
    alerts: await store.listAlerts({ limit: 100 }),
    timers: await store.listTimers(),
  });
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'signalbox-damage-'));
  const live = join(root, 'live');
  killed = join(root, 'killed');
  closed = join(root, 'closed');
  const store = await openLowdbStore(live, OPTIONS);
  for (let n = 0; n < JOBS; n++) {
    const job = `train-${n}`;
    await store.changeJob('line-3', job, () => jobRecord(job));
    for (const end of ['FAILED', 'COMPLETED']) {
      const one = attempt({ job, askedAt: AT + n });
      await store.addAttempt(one);
      await store.changeAttempt(one.id, seen(end, AT + n));
    }
    await store.appendAudit(record({ at: AT + n, subject: job }));
    await store.appendAudit(record({ at: AT + n, subject: `${job} again` }));
  }
  // These are in the journal alone.
  await store.addComponent(component('1.0.0'));
  await store.addEvent(eventRecord('event-1'));
  await store.changePost('post-1', () => post('post-1'));
  await store.changeAlertOfGroup({ useCase: 'line-3', group: 'group-a', subject: 'subject-a' }, () =>
    alert('a'),
  );
  await store.putTimer({ id: 'timer-1', kind: 'digest', dueAt: AT } as never);
  expected = await everything(store);
  await cp(live, killed, { recursive: true, filter: (path) => !path.includes('in-use') });
  await store.close();
  await cp(live, closed, { recursive: true });
});
afterAll(() => rm(root, { recursive: true, force: true }));

type Damage =
  | { kind: 'deleted' }
  | { kind: 'cut'; to: number }
  | { kind: 'replaced'; by: string }
  | { kind: 'a folder' };

async function damage(path: string, how: Damage): Promise<void> {
  if (how.kind === 'cut') return truncate(path, Math.floor((await readFile(path)).length * how.to));
  if (how.kind === 'replaced') return writeFile(path, how.by);
  await rm(path);
  if (how.kind === 'a folder') await mkdir(path);
}

/** @returns what a start makes of it */
async function startWith(
  folder: string,
  file: string,
  how: Damage,
): Promise<{ state?: unknown; refusal?: AppError }> {
  const copy = await mkdtemp(join(root, 'copy-'));
  try {
    await cp(folder, copy, { recursive: true });
    const before = await readFile(join(copy, file));
    await damage(join(copy, file), how);
    const remains =
      how.kind === 'deleted' || how.kind === 'a folder' ? undefined : await readFile(join(copy, file));
    let store: Store;
    try {
      store = await openLowdbStore(copy, OPTIONS);
    } catch (refusal) {
      // Nothing is written over what is left.
      if (remains) expect(await readFile(join(copy, file))).toEqual(remains);
      expect(before.length).toBeGreaterThan(0);
      return { refusal: refusal as AppError };
    }
    try {
      return { state: await everything(store) };
    } catch (refusal) {
      return { refusal: refusal as AppError };
    } finally {
      await store.close();
    }
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
}

const SMALL_JSON = [
  ...[
    '',
    ' ',
    'null',
    'true',
    '0',
    '1',
    '"x"',
    '[]',
    '{}',
    '[1]',
    '{"version":2}',
    '\ufeff{}',
    '{"n":1}\n',
    '{}\n',
    'null\n',
  ],
  '{"version":1,"nextSeq":1,"audit":[]}',
  '{"version":2,"upTo":0,"nextSeq":1,"audit":[],"jobs":[],"attempts":[],"components":[],"archivedJobs":[]}',
  '{"version":2,"upTo":"12","nextSeq":1,"audit":[],"jobs":[],"attempts":[],"components":[],"archivedJobs":[]}',
];
const anyDamage: fc.Arbitrary<Damage> = fc.oneof(
  fc.constant<Damage>({ kind: 'deleted' }),
  fc.constant<Damage>({ kind: 'a folder' }),
  fc.double({ min: 0, max: 0.999, noNaN: true }).map((to): Damage => ({ kind: 'cut', to })),
  fc
    .oneof(fc.constantFrom(...SMALL_JSON), fc.json({ maxDepth: 2 }))
    .map((by): Damage => ({ kind: 'replaced', by })),
);
const FILES = {
  killed: [
    'state.json',
    'state.backup.json',
    'journal.jsonl',
    'journal-end',
    'attempts-archive.jsonl',
    'audit-archive.jsonl',
  ],
  closed: ['state.json', 'state.backup.json', 'attempts-archive.jsonl', 'audit-archive.jsonl'],
};

describe('[O1] one file of the data folder, deleted, cut off or replaced', () => {
  it('is every file that there is', async () => {
    expect((await readdir(killed)).sort()).toEqual([...FILES.killed].sort());
    expect((await readdir(closed)).sort()).toEqual([...FILES.closed].sort());
  });

  it('leads to the same state or to a refusal that names it, never to a silent loss', async () => {
    const anyFile = fc.oneof(
      fc.constantFrom(...FILES.killed).map((file) => ({ folder: 'killed' as const, file })),
      fc.constantFrom(...FILES.closed).map((file) => ({ folder: 'closed' as const, file })),
    );
    await fc.assert(
      fc.asyncProperty(anyFile, anyDamage, async ({ folder, file }, how) => {
        const { state, refusal } = await startWith(folder === 'killed' ? killed : closed, file, how);
        if (refusal === undefined) {
          expect(state).toEqual(expected);
          return;
        }
        expect(refusal).toMatchObject({ code: 'internal', hint: expect.stringMatching(/\w/) });
        expect(`${refusal.message} ${refusal.hint}`).toContain(file);
        expect(refusal.message).not.toContain('cannot be written');
      }),
      { numRuns: 150 },
    );
  }, 120_000);

  it.each(['deleted', 'null', 'empty'])(
    'a state file that is %s names its backup, which brings everything back',
    async (what) => {
      const copy = await mkdtemp(join(root, 'copy-'));
      await cp(killed, copy, { recursive: true });
      const path = join(copy, 'state.json');
      const journal = await readFile(join(copy, 'journal.jsonl'));
      if (what === 'deleted') await rm(path);
      else await writeFile(path, what === 'null' ? 'null' : '');
      const refusal = await openLowdbStore(copy, OPTIONS).catch((error: AppError) => error);
      expect(refusal).toMatchObject({
        code: 'internal',
        message: expect.stringMatching(/^Damaged data: the state file /),
      });
      expect((refusal as AppError).hint).toContain('state.backup.json');
      expect(await readFile(join(copy, 'journal.jsonl'))).toEqual(journal);
      await cp(join(copy, 'state.backup.json'), path);
      const store = await openLowdbStore(copy, OPTIONS);
      expect(await everything(store)).toEqual(expected);
      await store.close();
    },
  );

  it('refuses a journal that begins in the middle where neither state nor backup is left', async () => {
    const copy = await mkdtemp(join(root, 'copy-'));
    await cp(killed, copy, { recursive: true });
    await rm(join(copy, 'state.json'));
    await rm(join(copy, 'state.backup.json'));
    await expect(openLowdbStore(copy, OPTIONS)).rejects.toMatchObject({
      message: expect.stringMatching(/line 1 of the journal .* is change \d+, but expected change 1/),
    });
  });

  it.each(['attempts-archive.jsonl', 'audit-archive.jsonl'])(
    'refuses to begin anew beside %s, when that alone is left',
    async (archive) => {
      const copy = await mkdtemp(join(root, 'copy-'));
      await cp(join(closed, archive), join(copy, archive));
      await expect(openLowdbStore(copy, OPTIONS)).rejects.toMatchObject({
        code: 'internal',
        message: expect.stringContaining(`the archive ${join(copy, archive)} is there`),
      });
      expect(await readdir(copy)).toEqual([archive]);
    },
  );

  it('refuses a line taken out of the middle of the journal', async () => {
    const copy = await mkdtemp(join(root, 'copy-'));
    await cp(killed, copy, { recursive: true });
    const lines = (await readFile(join(copy, 'journal.jsonl'), 'utf8')).split('\n');
    lines.splice(1, 1);
    await writeFile(join(copy, 'journal.jsonl'), lines.join('\n'));
    await expect(openLowdbStore(copy, OPTIONS)).rejects.toMatchObject({
      message: expect.stringMatching(/^Damaged data: line 2 of the journal /),
    });
  });

  it.each([
    ['upTo', '"12"', 'has "12" as upTo instead of a whole number'],
    ['jobs', '{}', 'has an object as jobs instead of a list'],
    ['attempts', '[null]', 'has null instead of a record in attempts[0]'],
    ['audit', '[{"seq":1,"at":"then","actor":{}}]', 'has "then" as at instead of a number in audit[0]'],
    ['notifications', '{"alert":3}', 'has 3 as notifications.alert instead of a list'],
  ])('says of a wrong %s what came and what was expected', async (member, value, words) => {
    const copy = await mkdtemp(join(root, 'copy-'));
    await cp(closed, copy, { recursive: true });
    const state = JSON.parse(await readFile(join(copy, 'state.json'), 'utf8')) as object;
    await writeFile(
      join(copy, 'state.json'),
      JSON.stringify({ ...state, [member]: JSON.parse(value) as unknown }),
    );
    await expect(openLowdbStore(copy, OPTIONS)).rejects.toMatchObject({
      code: 'internal',
      message: `Damaged data: the state file ${join(copy, 'state.json')} ${words}.`,
    });
  });

  it('reads files that an editor has given a byte order mark', async () => {
    const copy = await mkdtemp(join(root, 'copy-'));
    await cp(killed, copy, { recursive: true });
    for (const file of ['state.json', 'journal.jsonl'])
      await writeFile(join(copy, file), `\ufeff${await readFile(join(copy, file), 'utf8')}`);
    const store = await openLowdbStore(copy, OPTIONS);
    expect(await everything(store)).toEqual(expected);
    await store.close();
  });
});
