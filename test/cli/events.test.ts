import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ACCOUNT, KEYS, REGION, sandbox } from '../../sandbox/test/aws/support.ts';
import { readEvents } from '../../src/cli/events.ts';
import { eventsRoutes } from '../../src/events/https.ts';
import { type HttpServer, startHttpServer } from '../../src/http/server.ts';
import { SILENT, trainingEvent } from '../events/support.ts';
import { testFolder } from '../fixtures/test-folder.ts';
import { run } from './in-memory.ts';

const SECRET = 'a-secret-of-32-characters-or-so!';
let cwd: string;
let server: HttpServer | undefined;

beforeEach(async () => {
  const aws = await sandbox();
  cwd = testFolder('cli');
  writeFileSync(
    join(cwd, 'signalbox.yaml'),
    `events: { queueUrl: "${aws.url}/${ACCOUNT}/signalbox-events", region: ${REGION} }
useCases:
  - { id: line-3, name: Line 3, account: "${ACCOUNT}", region: ${REGION}, channels: [C0LINE3], access: {} }
`,
  );
  vi.stubEnv('AWS_ENDPOINT_URL', aws.url);
  vi.stubEnv('AWS_ACCESS_KEY_ID', KEYS.accessKeyId);
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', KEYS.secretAccessKey);
});
afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.close();
  server = undefined;
});

const recorded = (text: string): string => {
  const path = join(cwd, 'events.jsonl');
  writeFileSync(path, text);
  return path;
};
const lines = [trainingEvent('a', 'InProgress'), trainingEvent('a', 'Failed')].map((event) =>
  JSON.stringify(event),
);

describe('[O3] signalbox events', () => {
  it('setup prints what it made, then that there is nothing to do; replay sends; the doctor looks', async () => {
    const first = await run(['events', 'setup'], { cwd });
    expect([first.exitCode, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toContain('+ created    rule signalbox-events');
    expect((await run(['events', 'setup'], { cwd })).stdout).not.toMatch(/created|updated/);
    const sent = await run(['events', 'replay', recorded(lines.join('\n')), '--fresh'], { cwd });
    expect([sent.exitCode, sent.stdout]).toEqual([0, '2 of 2 events sent\n']);
    const { stdout } = await run(['doctor', '--json'], { cwd });
    const { checks } = JSON.parse(stdout) as {
      checks: { about: string; title: string; status: string; detail: string }[];
    };
    expect(
      checks.filter(({ about }) => about === 'events').map(({ title, status }) => `${title}: ${status}`),
    ).toEqual(['queue: ok', 'queue policy: ok', 'dead letters: ok', 'rule: ok']);
    expect(checks.find(({ title }) => title === 'queue')?.detail).toContain('2 messages wait');
  });

  it('the doctor says what is missing and how to make it', async () => {
    const { stdout } = await run(['doctor'], { cwd });
    expect(stdout).toContain('there is no such queue');
    expect(stdout).toContain('signalbox events setup');
  });

  it('replay sends to a running bot, with its secret', async () => {
    const got: string[] = [];
    const receive = async (body: string) => {
      got.push(body);
      return 'stored' as const;
    };
    server = await startHttpServer([eventsRoutes({ intake: { receive }, secret: SECRET, log: SILENT })], {
      port: 0,
    });
    const url = `http://127.0.0.1:${server.port}`;
    const file = recorded(`[${lines.join(',')}]`);
    const sent = await run(['events', 'replay', file, '--url', url], {
      cwd,
      env: { SIGNALBOX_EVENTS_SECRET: SECRET },
    });
    expect([sent.exitCode, got]).toEqual([0, lines]);
    const refused = await run(['events', 'replay', file, '--url', url], {
      cwd,
      env: { SIGNALBOX_EVENTS_SECRET: `${SECRET}x` },
    });
    expect([refused.exitCode, refused.stderr]).toEqual([
      4,
      expect.stringContaining('SIGNALBOX_EVENTS_SECRET'),
    ]);
    const unset = await run(['events', 'replay', file, '--url', url], { cwd });
    expect([unset.exitCode, unset.stderr]).toEqual([2, expect.stringContaining('is not set')]);
  });

  it.each([
    ['a file that is not there', ['events', 'replay', 'nothing.json'], 3, /cannot be read/],
    ['an empty file', ['events', 'replay', 'empty.json'], 2, /no event/],
  ])('replay says of %s what to do', async (_what, args, code, message) => {
    writeFileSync(join(cwd, 'empty.json'), '\n');
    const { exitCode, stderr } = await run(args, { cwd });
    expect(exitCode).toBe(code);
    expect(stderr).toMatch(message);
  });
});

describe('recorded events', () => {
  it('are JSON lines, an array, or one; what is not JSON is sent as it is', () => {
    expect(readEvents(lines.join('\r\n'), false).bodies).toEqual(lines);
    expect(readEvents(`[${lines.join(',')}]`, false).bodies).toEqual(lines);
    expect(readEvents(lines[0]!, false).bodies).toEqual([lines[0]]);
    expect(readEvents(`${lines[0]}\nnot JSON\n`, true)).toMatchObject({
      unreadable: 1,
      bodies: [expect.any(String), 'not JSON'],
    });
  });

  it('get a new id and time when they are to be fresh', () => {
    const [fresh] = readEvents(
      JSON.stringify(trainingEvent('a', 'Failed', { LastModifiedTime: 1 })),
      true,
    ).bodies;
    const event = JSON.parse(fresh!) as { id: string; time: string; detail: { LastModifiedTime: number } };
    expect(event.id).not.toMatch(/^event-/);
    expect(event.detail.LastModifiedTime).toBeGreaterThan(1e12);
  });
});
