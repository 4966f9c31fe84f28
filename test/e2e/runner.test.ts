/** The runner as it is started, asked over HTTP: what it starts, what it refuses, and what becomes of runs. */
import { existsSync, readFileSync } from 'node:fs';
import { truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { runsProcess } from '../../src/ground/processes.ts';
import { PROGRAM, RUNNER_TOKEN, RunnerHome } from '../fixtures/runner-process.ts';

const TEMPLATES = `
grace: 300ms
templates:
  say:
    description: Prints its arguments as JSON
    command: [node, -p, 'JSON.stringify(process.argv.slice(1))', '{text}', '--n={n}']
    terminal: pipe
    parameters:
      text: { type: text, pattern: '(?s).*', default: hello }
      n: { type: integer, min: 1, max: 9, default: 3 }
  fail: { command: [sh, -c, 'echo on its way; exit 7'] }
  missing: { command: [no-such-program-here] }
  env: { command: [sh, -c, 'env; test -t 1 && echo a terminal'], env: { SEED: 7 } }
  # Counts until its file is there.
  wait:
    command: [sh, -c, 'i=0; until test -e "$1"; do i=$((i+1)); echo "step $i"; sleep 0.05; done; echo released', sh, '{file}']
    parameters: { file: { type: text, pattern: '[a-z0-9/.-]+', default: go } }
  # Neither TERM nor a terminal that hangs up ends it, nor its child.
  stubborn:
    command: [sh, -c, 'trap "" TERM HUP; (trap "" TERM HUP; while :; do sleep 0.1; done) & echo child $!; while :; do sleep 0.1; done']
    terminal: pipe
`;

let home: RunnerHome;
afterEach(() => home.dispose());

async function started(yaml = TEMPLATES): Promise<void> {
  home = await RunnerHome.make(yaml);
  expect(await home.start(), home.stderr).toBeUndefined();
}

/** Where nobody waits for a process that has ended, its id stays for a while. */
const isRunning = (pid: number): Promise<boolean> => runsProcess(pid, undefined);
const release = (name = 'go'): Promise<void> => writeFile(join(home.folder, name), '');

describe.skipIf(!existsSync(PROGRAM))('a runner', () => {
  it('starts a run from a template, keeps what it prints and says how it ended', async () => {
    await started();
    const { status, body } = await home.run('say', 'say-1', { text: 'a b', n: 4 });
    expect(status).toBe(201);
    expect(body).toMatchObject({ id: 'say-1', template: 'say', parameters: { text: 'a b', n: '4' } });
    expect(await home.ended('say-1')).toMatchObject({
      state: 'completed',
      exit_code: 0,
      signal: null,
      size: 16,
    });
    expect(await home.log('say-1')).toBe('["a b","--n=4"]\n');

    await home.run('fail', 'fail-1');
    expect(await home.ended('fail-1')).toMatchObject({
      state: 'failed',
      exit_code: 7,
      reason: 'It exited with code 7.',
    });
    expect((await home.ask('GET', '/runs/fail-1/logs/download?plain=1')).body).toBe('on its way\n');
    await home.run('missing', 'missing-1');
    expect(await home.ended('missing-1')).toMatchObject({ state: 'failed', exit_code: 127 });
    expect(await home.log('missing-1')).toContain('no-such-program-here was not found');
    const { runs, total } = (await home.ask('GET', '/runs?limit=2')).body;
    expect([runs.map((run: { id: string }) => run.id), total]).toEqual([['missing-1', 'fail-1'], 3]);
    expect((await home.ask('GET', '/runs?name=SAY')).body.runs).toHaveLength(1);
  });

  it('lets no parameter become more than one argument', async () => {
    await started();
    const evil = [
      '; touch pwned',
      '$(touch pwned)',
      '`touch pwned`',
      '" && touch pwned #',
      "'; touch pwned; '",
      'a\nb',
      '{n}',
      '$1 $&',
      '../../etc',
      '🦊',
    ];
    for (const [index, text] of evil.entries()) {
      expect((await home.run('say', `evil-${index}`, { text })).status).toBe(201);
      await home.ended(`evil-${index}`);
      expect(JSON.parse(await home.log(`evil-${index}`))).toEqual([text, '--n=3']);
    }
    for (const folder of [home.folder, join(home.folder, 'runner-data'), process.cwd()])
      expect(existsSync(join(folder, 'pwned'))).toBe(false);
  });

  it('refuses what it cannot start, in words', async () => {
    await started();
    const refused = async (request: unknown): Promise<string> => {
      const { status, body } = await home.ask('POST', '/runs', request);
      expect(body.ok).toBe(false);
      return `${status} ${body.message} ${body.hint ?? ''}`.trim();
    };
    expect(await refused({ template: 'sya', name: 'a' })).toBe(
      '400 There is no template "sya". Did you mean say?',
    );
    expect(await refused({ template: 'say', name: '../a' })).toMatch(/^400 A run cannot be called "\.\.\/a"/);
    expect(await refused({ template: 'say', name: 'a', parameters: { n: 10, txt: '' } })).toMatch(
      /^400 say cannot be started: There is no parameter "txt".*n: expected a whole number from 1 to 9, but got "10"/,
    );
    expect(await refused({ template: 'say', name: 'a', parameters: { text: '--eval=x' } })).toMatch(
      /does not begin with a dash/,
    );
    expect(await refused({ template: 'say', name: 'a', command: ['id'] })).toMatch(/^400 .*command/);
    expect(await refused('{"template": "sa')).toMatch(/^400 The request cannot be read: it is not JSON/);
    expect(await refused('[]')).toMatch(/^400 The request cannot be read/);
    expect(await refused({ template: 'say', name: 'a', parameters: { text: 'x'.repeat(70_000) } })).toMatch(
      /^413 /,
    );
    expect((await home.ask('GET', '/runs')).body).toMatchObject({ runs: [], total: 0 });
    for (const [method, path, status] of [
      ['GET', '/runs/nothing', 404],
      ['POST', '/runs/nothing/cancel', 404],
      ['DELETE', '/runs/nothing', 404],
      ['GET', '/runs/nothing/logs', 404],
      ['GET', '/runs/..%2F..%2Fetc/logs', 404],
      ['GET', '/nowhere', 404],
      ['PUT', '/runs', 405],
      ['POST', '/templates', 405],
      ['GET', '/runs?limit=x', 400],
    ] as const)
      expect([method, path, (await home.ask(method, path)).status]).toEqual([method, path, status]);
  });

  it('takes the same request again for the same run, and another one of its name for a mistake', async () => {
    await started();
    expect((await home.run('say', 'twice', { n: 3 })).status).toBe(201);
    const again = await Promise.all([home.run('say', 'twice'), home.run('say', 'twice', { n: '3' })]);
    expect(again.map(({ status }) => status)).toEqual([200, 200]);
    await home.ended('twice');
    await home.end('SIGTERM');
    await home.start();
    expect((await home.run('say', 'twice')).body).toMatchObject({ id: 'twice', state: 'completed' });
    const other = await home.run('say', 'twice', { n: 4 });
    expect([other.status, other.body.message]).toEqual([
      409,
      'There is a run twice already, of say with other parameters.',
    ]);
    expect((await home.ask('GET', '/runs')).body.total).toBe(1);
  });

  it('tells templates without what they run, where and with which environment', async () => {
    await started();
    const { templates } = (await home.ask('GET', '/templates')).body;
    expect(templates[0]).toEqual({
      name: 'say',
      description: 'Prints its arguments as JSON',
      terminal: 'pipe',
      parameters: expect.objectContaining({ n: { type: 'integer', min: 1, max: 9, default: '3' } }),
    });
    expect(JSON.stringify(templates)).not.toMatch(/no-such-program|SEED|command|cwd/);
  });

  it('answers nobody without its token, and gives it to no run', async () => {
    await started();
    for (const path of ['/runs', '/templates', '/runs/x', '/runs/x/logs', '/api/training/logs/x', '/nowhere'])
      for (const authorization of [
        '',
        'Bearer',
        'Bearer wrong',
        `Basic ${RUNNER_TOKEN}`,
        `Bearer ${RUNNER_TOKEN}x`,
      ]) {
        const { status, headers } = await home.ask('GET', path, undefined, { authorization });
        expect([path, status, headers.get('www-authenticate')]).toEqual([path, 401, 'Bearer']);
      }
    const post = await home.ask('POST', '/runs', { template: 'say', name: 'a' }, { authorization: '' });
    expect(post.status).toBe(401);
    expect((await home.ask('GET', '/healthz', undefined, { authorization: '' })).status).toBe(200);
    await home.run('env', 'env-1');
    await home.ended('env-1');
    const log = await home.log('env-1');
    expect(log).toContain('SEED=7');
    expect(log).toContain('a terminal');
    expect(log).not.toContain(RUNNER_TOKEN);
    expect(log).not.toContain('RUNNER_TOKEN');
  });

  it('without a token answers programs of its machine only, and no web page', async () => {
    home = await RunnerHome.make(`withoutToken: true\n${TEMPLATES}`);
    expect(await home.start({})).toBeUndefined();
    const ask = async (headers: Record<string, string>): Promise<number> =>
      (await home.ask('GET', '/runs', undefined, { authorization: '', ...headers })).status;
    expect(await ask({})).toBe(200);
    expect(await ask({ origin: 'https://evil.example' })).toBe(403);
    // Node's own fetch sets the host itself.
    const { port } = new URL(home.url);
    const { request } = await import('node:http');
    const rebound = await new Promise<number>((resolve, reject) => {
      request(
        { host: '127.0.0.1', port, path: '/runs', headers: { host: `evil.example:${port}` } },
        (response) => resolve(response.resume().statusCode!),
      )
        .on('error', reject)
        .end();
    });
    expect(rebound).toBe(403);
  });

  it('takes no more runs at once than it may, and the next when one has ended', async () => {
    await started(`limits: { runs: 2 }\n${TEMPLATES}`);
    for (const name of ['one', 'two'])
      expect((await home.run('wait', name, { file: name })).status).toBe(201);
    const third = await home.run('say', 'three');
    expect([third.status, third.body.message]).toEqual([
      429,
      '2 runs are going on, and this runner takes 2 at a time: one, two.',
    ]);
    expect((await home.run('wait', 'two', { file: 'two' })).status).toBe(200);
    await release('one');
    await home.ended('one');
    expect((await home.run('say', 'three')).status).toBe(201);
  });

  it('takes no run whose log may not have room any more, until another one was removed', async () => {
    await started(`limits: { bytesPerRun: 4MiB, disk: 6MB }\n${TEMPLATES}`);
    expect((await home.run('wait', 'one')).status).toBe(201);
    const second = await home.run('say', 'two');
    expect(second.status).toBe(503);
    expect(second.body.message).toMatch(/no room for another run: runs take or may take 5\.\d MB of 6\.0 MB/);
    expect((await home.ask('DELETE', '/runs/one')).status).toBe(409);
    await release();
    await home.ended('one');
    expect((await home.ask('DELETE', '/runs/one')).status).toBe(200);
    expect((await home.ask('GET', '/runs/one')).status).toBe(404);
    expect((await home.ask('GET', '/runs/one/logs')).status).toBe(404);
    expect((await home.run('say', 'two')).status).toBe(201);
  });

  it('gives lines: the last thousand, or from any line on', async () => {
    await started();
    await home.run('wait', 'lines');
    await home.until('lines', ({ size }) => size > 30);
    await release();
    await home.ended('lines');
    const lines = async (query: string) => (await home.ask('GET', `/api/training/logs/lines${query}`)).body;
    const { total, logs } = await lines('');
    expect(logs).toHaveLength(total);
    expect(logs[0]).toBe('step 1');
    expect(await lines('?limit=2')).toMatchObject({
      logs: [`step ${total - 1}`, 'released'],
      offset: total - 2,
      total,
    });
    expect(await lines('?limit=2&offset=1')).toMatchObject({ logs: ['step 2', 'step 3'], offset: 1, total });
    expect(await lines('?offset=999999')).toMatchObject({ logs: [], total });
    const { times } = await lines('');
    const now = Date.now();
    expect(times.every((at: number) => at > now - 600_000 && at <= now)).toBe(true);
    expect(times).toEqual([...times].sort((a, b) => a - b));
    for (const [path, status, error] of [
      ['lines?limit=-1', 400, /limit= is "-1": expected a whole number/],
      ['lines?offset=1e9', 400, /offset= is "1e9"/],
      ['nothing', 404, /^There is no such run\.$/],
    ] as const) {
      const answer = await home.ask('GET', `/api/training/logs/${path}`);
      expect([answer.status, answer.body]).toEqual([
        status,
        { error: expect.stringMatching(error), code: expect.any(String) },
      ]);
    }
  });

  it('cancels a run with all that it started: first by asking, then by force', async () => {
    await started();
    await home.run('wait', 'polite');
    await home.until('polite', ({ size }) => size > 0);
    const asked = await home.ask('POST', '/runs/polite/cancel');
    expect([asked.status, asked.body.state]).toEqual([202, 'stopping']);
    expect(await home.ended('polite')).toMatchObject({
      state: 'stopped',
      signal: 'SIGTERM',
      exit_code: null,
    });
    const again = await home.ask('POST', '/runs/polite/cancel');
    expect([again.status, again.body.state]).toEqual([200, 'stopped']);

    await home.run('stubborn', 'stubborn');
    await home.until('stubborn', ({ size }) => size > 0);
    const child = Number(/child (\d+)/.exec(await home.log('stubborn'))![1]);
    const { pid } = await home.record('stubborn', 'training');
    await Promise.all([1, 2, 3].map(() => home.ask('POST', '/runs/stubborn/cancel')));
    expect(await home.ended('stubborn')).toMatchObject({ state: 'stopped', signal: 'SIGKILL' });
    for (const one of [pid, child]) await expect.poll(() => isRunning(one)).toBe(false);
  });

  it('follows a run by events to its end', async () => {
    await started();
    await home.run('wait', 'live');
    const response = await fetch(`${home.url}/runs/live/logs/stream`, {
      headers: { authorization: `Bearer ${RUNNER_TOKEN}` },
    });
    await release();
    const text = await response.text();
    const chunks = [...text.matchAll(/event: log\n(?:id: \d+\n)?data: (\{.*\})/g)].map(([, data]) =>
      Buffer.from(JSON.parse(data!).chunk, 'base64').toString(),
    );
    expect(chunks.join('')).toBe(await home.log('live'));
    expect(text).toMatch(/event: done\n(?:id: \d+\n)?data: \{.*"exit_code":0/);
  });
});

describe.skipIf(!existsSync(PROGRAM))('runs outlive their runner', () => {
  it('that is stopped or killed -9: the next one finds them going on, and their ends', async () => {
    await started();
    for (const name of ['first', 'second']) await home.run('wait', name, { file: name });
    await home.until('second', ({ size }) => size > 0);
    const before = await home.until('first', ({ size }) => size > 0);
    await home.end('SIGKILL');
    await release('first');
    // Nobody looks on while it ends.
    const { pid } = await home.record('first', 'capture');
    await expect.poll(() => isRunning(pid)).toBe(false);
    expect(await home.start(), home.stderr).toBeUndefined();
    const first = (await home.ask('GET', '/runs/first')).body;
    expect(first).toMatchObject({ state: 'completed', exit_code: 0, started_at: before.started_at });
    const second = (await home.ask('GET', '/runs/second')).body;
    expect(second).toMatchObject({ state: 'running' });
    await home.end('SIGTERM');
    await home.start();
    await release('second');
    expect(await home.ended('second')).toMatchObject({ state: 'completed', exit_code: 0 });
    for (const name of ['first', 'second']) {
      const lines = (await home.log(name)).trim().split(/\r?\n/);
      expect(lines.pop()).toBe('released');
      expect(lines).toEqual(lines.map((_, index) => `step ${index + 1}`));
    }
  });

  it('and can be cancelled by the next one, also when the last one died over it', async () => {
    await started();
    await home.run('stubborn', 'one');
    await home.until('one', ({ size }) => size > 0);
    await home.ask('POST', '/runs/one/cancel');
    await home.end('SIGKILL');
    await home.start();
    expect(await home.ended('one')).toMatchObject({ state: 'stopped', signal: 'SIGKILL' });
  });

  it('are lost, and never done, when nobody saw how they ended', async () => {
    await started();
    await home.run('wait', 'torn');
    await home.until('torn', ({ size }) => size > 0);
    const capture = await home.record('torn', 'capture');
    const training = await home.record('torn', 'training');
    process.kill(capture.pid, 'SIGKILL');
    // Its terminal hangs up with the process that held it.
    expect(await home.ended('torn')).toMatchObject({
      state: 'lost',
      exit_code: null,
      reason: 'Its process is gone, and nobody saw how it ended.',
    });
    await expect.poll(() => isRunning(training.pid)).toBe(false);
    expect(await home.log('torn')).toMatch(/^step 1\r?\n/);
    await home.end('SIGKILL');
    await home.start();
    expect((await home.ask('GET', '/runs/torn')).body).toMatchObject({ state: 'lost' });
  });

  it('count as going on while they do, although nobody keeps what they print any more', async () => {
    await started(`limits: { runs: 1 }\n${TEMPLATES}`);
    await home.run('stubborn', 'blind');
    await home.until('blind', ({ size }) => size > 0);
    const { pid } = await home.record('blind', 'training');
    process.kill((await home.record('blind', 'capture')).pid, 'SIGKILL');
    const run = await home.until('blind', ({ reason }) => reason !== undefined);
    expect(run).toMatchObject({
      state: 'running',
      reason: expect.stringContaining('how it ends will not be known'),
    });
    expect((await home.run('say', 'next')).status).toBe(429);
    await home.end('SIGKILL');
    await home.start();
    expect((await home.ask('GET', '/runs/blind')).body.state).toBe('running');
    await home.ask('POST', '/runs/blind/cancel');
    expect(await home.ended('blind')).toMatchObject({ state: 'lost' });
    expect(await isRunning(pid)).toBe(false);
  });

  it('and a run whose record is damaged takes no other with it', async () => {
    await started();
    for (const name of ['good', 'bad']) {
      await home.run('say', name);
      await home.ended(name);
    }
    await home.end('SIGTERM');
    await truncate(join(home.folder, 'runner-data/runs/bad/request.json'), 20);
    expect(await home.start()).toBeUndefined();
    expect((await home.ask('GET', '/runs')).body.runs.map((run: { id: string }) => run.id)).toEqual(['good']);
    expect((await home.run('say', 'bad')).status).toBe(409);
    expect(home.stderr).toContain('a run whose record cannot be read is left alone');
  });
});

describe.skipIf(!existsSync(PROGRAM))('a runner does not start', () => {
  it('twice on one folder', async () => {
    await started();
    const other = await RunnerHome.make(`dataDir: ${home.folder}/runner-data\n${TEMPLATES}`);
    try {
      expect(await other.start()).toBe(2);
      expect(other.stderr).toContain(`in use by another Signalbox: process ${home.pid}`);
      expect(other.stderr).toContain('dataDir in runner.yaml');
    } finally {
      await other.dispose();
    }
  });

  it.each([
    [
      'without a token',
      TEMPLATES,
      {},
      /RUNNER_TOKEN \(environment\): expected the token that callers must send, but it is not set/,
    ],
    [
      'with a short token',
      TEMPLATES,
      { RUNNER_TOKEN: 'hunter2' },
      /expected a secret of at least 16 .* but got 7 characters/,
    ],
    [
      'from half a file',
      'templates:\n  say: { command: [node, "-p',
      { RUNNER_TOKEN },
      /line 3, column \d+: this is not valid YAML/,
    ],
    ['without templates', 'templates: {}', { RUNNER_TOKEN }, /templates: expected one template or more/],
  ])('%s', async (_, yaml, env: Record<string, string>, words) => {
    home = await RunnerHome.make(yaml);
    expect(await home.start(env)).toBe(2);
    expect(home.stderr).toMatch(words);
    expect(home.stderr).not.toContain('hunter2');
    expect(existsSync(join(home.folder, 'runner-data'))).toBe(false);
  });

  it('where there is no file, or the port is taken', async () => {
    await started();
    const { port } = new URL(home.url);
    const yaml = readFileSync(join(home.folder, 'runner.yaml'), 'utf8').replace(
      '127.0.0.1:0',
      `127.0.0.1:${port}`,
    );
    const other = await RunnerHome.make('');
    await writeFile(join(other.folder, 'runner.yaml'), yaml);
    expect(await other.start()).toBe(2);
    expect(other.stderr).toContain(`Port ${port} cannot be used: EADDRINUSE.`);
    expect(other.stderr).toContain('set listen in runner.yaml to a free port');
    await other.dispose();
  });
});
