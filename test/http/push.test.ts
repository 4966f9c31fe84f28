import { describe, expect, it } from 'vitest';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { PUSH_TOKEN, pushingUseCase, pushServer } from '../fixtures/push-server.ts';

const ID = 'line-3~push~bert-1';

function setUp(logs = new MemoryRunLogs()) {
  const server = pushServer(logs);
  const post = async (path: string, body?: string | object, token = PUSH_TOKEN) => {
    const response = await server(`http://signalbox.test/push/runs/${path}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${token}` },
      body: typeof body === 'object' ? JSON.stringify(body) : body,
    });
    const answer: Record<string, unknown> = {
      status: response.status,
      ...((await response.json()) as object),
    };
    return answer;
  };
  const begin = async (body?: object) => (await post('bert-1', body)) as unknown as { writer: string };
  const kept = async () => Buffer.from((await logs.read(ID, 0, 10_000)).bytes).toString();
  return { logs, server, post, begin, kept };
}

describe('pushed runs', () => {
  it('takes a run from its first byte to its end [P4]', async () => {
    const { post, logs, kept } = setUp();
    const begun = await post('bert-1', { host: 'pod-7' });
    expect(begun).toMatchObject({ status: 200, run_id: ID, size: 0 });
    const writer = String(begun.writer);
    expect(await post(`bert-1/logs?offset=0&writer=${writer}`, 'epoch 1\r')).toEqual({
      status: 200,
      size: 8,
    });
    expect(await post(`bert-1/logs?offset=8&writer=${writer}`, 'epoch 2\n')).toEqual({
      status: 200,
      size: 16,
    });
    const finish = { exit_code: 0, signal: null, final_size: 16, writer };
    expect(await post('bert-1/finish', finish)).toEqual({ status: 200, size: 16 });
    expect(await kept()).toBe('epoch 1\repoch 2\n');
    expect((await logs.info(ID))?.end).toEqual({ state: 'completed', exitCode: 0, signal: null, at: 7 });
    expect(await post('bert-1/finish', finish)).toEqual({ status: 200, size: 16 });
  });

  it.each([
    [{ exit_code: 3 }, 'failed'],
    [{ exit_code: null, signal: 'SIGKILL' }, 'failed'],
    [{ exit_code: null, state: 'lost' }, 'lost'],
    [{ exit_code: null, signal: 'SIGTERM', state: 'stopped' }, 'stopped'],
  ])('takes the end as it was: %o is %s', async (end, state) => {
    const { post, begin, logs } = setUp();
    const { writer } = await begin();
    await post('bert-1/finish', { ...end, final_size: 0, writer });
    expect((await logs.info(ID))?.end?.state).toBe(state);
  });

  it('says where the log goes on, to whoever sends from elsewhere or the same twice', async () => {
    const { post, begin, kept } = setUp();
    const { writer } = await begin();
    const logs = `bert-1/logs?writer=${writer}`;
    await post(`${logs}&offset=0`, 'abc');
    for (const offset of [0, 2, 4, 2 ** 50])
      expect(await post(`${logs}&offset=${offset}`, 'abc')).toMatchObject({
        status: 409,
        reason: 'offset',
        size: 3,
      });
    expect(await post('bert-1/finish', { exit_code: 0, final_size: 9, writer })).toMatchObject({
      status: 409,
      reason: 'offset',
      size: 3,
    });
    expect(await kept()).toBe('abc');
  });

  it('takes no more of a run from the one before, once another sends it', async () => {
    const { post, begin, kept } = setUp();
    const first = await begin();
    await post(`bert-1/logs?offset=0&writer=${first.writer}`, 'abc');
    const second = await post('bert-1');
    expect(second).toMatchObject({ status: 200, size: 3 });
    const replaced = { status: 409, reason: 'replaced', size: 3 };
    expect(await post(`bert-1/logs?offset=3&writer=${first.writer}`, 'x')).toMatchObject(replaced);
    expect(await post('bert-1/gap', { from: 3, to: 5, writer: first.writer })).toMatchObject(replaced);
    const finish = { exit_code: 0, final_size: 3, writer: first.writer };
    expect(await post('bert-1/finish', finish)).toMatchObject(replaced);
    await post(`bert-1/logs?offset=3&writer=${second.writer}`, 'def');
    expect(await kept()).toBe('abcdef');
  });

  it('takes nothing from the one before either, if another one begins by another instance just then', async () => {
    const logs = new MemoryRunLogs();
    const elsewhere = setUp(logs);
    let meanwhile = async (): Promise<unknown> => undefined;
    const here = setUp(
      new Proxy(logs, {
        get(target, name) {
          if (name !== 'append') {
            const value = Reflect.get(target, name);
            return typeof value === 'function' ? value.bind(target) : value;
          }
          return async (...given: Parameters<MemoryRunLogs['append']>) => {
            await meanwhile();
            return target.append(...given);
          };
        },
      }),
    );
    const { writer } = await here.begin();
    // Requests of the same sender that come by both: each counts once.
    meanwhile = async () => {
      meanwhile = async () => undefined;
      expect(await elsewhere.post(`bert-1/logs?offset=0&writer=${writer}`)).toMatchObject({ status: 200 });
    };
    expect(await here.post(`bert-1/logs?offset=0&writer=${writer}`, 'abc')).toEqual({ status: 200, size: 3 });
    let second = '';
    meanwhile = async () => {
      meanwhile = async () => undefined;
      second = (await elsewhere.begin()).writer;
    };
    expect(await here.post(`bert-1/logs?offset=3&writer=${writer}`, 'def')).toMatchObject({
      status: 409,
      reason: 'replaced',
    });
    expect(await elsewhere.post(`bert-1/logs?offset=3&writer=${second}`, 'ghi')).toMatchObject({ size: 6 });
    expect(await here.kept()).toBe('abcghi');
  });

  it('does not take another run for the same because it has its name', async () => {
    const { post } = setUp();
    expect(await post('bert-1', { key: 'k1' })).toMatchObject({ status: 200 });
    expect(await post('bert-1', { key: 'k1' })).toMatchObject({ status: 200 });
    for (const body of [{ key: 'k2' }, {}])
      expect(await post('bert-1', body)).toMatchObject({
        status: 409,
        message: 'There is another run of the name bert-1.',
      });
  });

  it('keeps a run and who sends it over a restart', async () => {
    const { logs, begin } = setUp();
    const { writer } = await begin();
    const { post, kept } = setUp(logs);
    expect(await post(`bert-1/logs?offset=0&writer=${writer}`, 'abc')).toEqual({ status: 200, size: 3 });
    expect(await kept()).toBe('abc');
  });

  it('marks what was lost on the way here', async () => {
    const { post, begin, logs } = setUp();
    const { writer } = await begin();
    expect(await post('bert-1/gap', { from: 0, to: 5, writer })).toEqual({ status: 200, size: 5 });
    expect(await logs.info(ID)).toMatchObject({ size: 5, gaps: [{ from: 0, to: 5, reason: 'lost' }] });
  });

  it('adds nothing to a run that has ended, and says so', async () => {
    const { post, begin } = setUp();
    const { writer } = await begin();
    await post('bert-1/finish', { exit_code: 0, final_size: 0, writer });
    expect(await post(`bert-1/logs?offset=0&writer=${writer}`, 'x')).toMatchObject({
      status: 409,
      reason: 'ended',
    });
    expect(await post('bert-1')).toMatchObject({ status: 200, ended: true, size: 0, writer });
  });

  it('notes that a silent run was heard of', async () => {
    const { post, begin, logs } = setUp();
    const { writer } = await begin();
    const cursors = new Set<string | undefined>();
    for (let i = 0; i < 3; i++) {
      expect(await post(`bert-1/logs?offset=0&writer=${writer}`)).toEqual({ status: 200, size: 0 });
      cursors.add((await logs.info(ID))?.cursor);
    }
    expect(cursors.size).toBe(3);
  });

  it('lets in nobody without the token', async () => {
    const { post, server } = setUp();
    expect(await post('bert-1', {}, 'a-wrong-token')).toMatchObject({
      status: 401,
      message: 'The bearer token is a wrong one.',
    });
    const response = await server('http://signalbox.test/push/runs/bert-1', { method: 'POST' });
    expect(response.status).toBe(401);
  });

  it('knows the use case by its token, and lets a missing one in nowhere', async () => {
    const logs = new MemoryRunLogs();
    const server = pushServer(logs, [
      pushingUseCase('line-3', undefined),
      pushingUseCase('harbor', 'harbors-token'),
      pushingUseCase('twin-a', 'one-for-two'),
      pushingUseCase('twin-b', 'one-for-two'),
    ]);
    const post = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` };
      const response = await server('http://signalbox.test/push/runs/x', { method: 'POST', headers });
      return { status: response.status, ...((await response.json()) as object) };
    };
    expect(await post('harbors-token')).toMatchObject({ status: 200, run_id: 'harbor~push~x' });
    expect(await post('one-for-two')).toMatchObject({
      status: 409,
      message: expect.stringMatching(/Several use cases/),
    });
    expect(await post('')).toMatchObject({ status: 401 });
    expect(await post('undefined')).toMatchObject({ status: 401 });
  });

  it.each([
    ['b%20ert', {}, /not a name of a run/],
    ['line~push', {}, /not a name of a run/],
    ['..%2Fx', {}, /not a name of a run/],
    ['bert-1', '{', /not JSON/],
    ['bert-1', { hots: 'x' }, /cannot be read/],
    ['bert-1/logs?writer=x', 'x', /\?offset= is missing/],
    ['bert-1/logs?writer=x&offset=-1', 'x', /\?offset= is "-1": expected a whole number/],
    ['bert-1/logs?writer=x&offset=1e3', 'x', /expected a whole number/],
    ['bert-1/logs?writer=x&offset=1152921504606846976', 'x', /from 0 to 9007199254740991/],
    [
      'bert-1/finish',
      { exit_code: 7, state: 'completed', final_size: 0, writer: 'x' },
      /state: only a run whose exit_code is 0 is completed/,
    ],
    ['bert-1/finish', { exit_code: null, state: 'completed', final_size: 0, writer: 'x' }, /state: only/],
    [
      'bert-1/finish',
      { exit_code: 0, signal: 'SIGKILL', final_size: 0, writer: 'x' },
      /signal: a process has an exit_code or was ended by a signal/,
    ],
    ['bert-1/finish', { exit_code: '0', final_size: 0, writer: 'x' }, /exit_code/],
    ['bert-1/finish', { exit_code: 0, signal: 'kill', final_size: 0, writer: 'x' }, /signal/],
    ['bert-1/gap', { from: 0, to: -2, writer: 'x' }, /to/],
  ])('refuses what it cannot read, and says what was expected: %s', async (path, body, message) => {
    const { post } = setUp();
    expect(await post(path, body)).toMatchObject({ status: 400, message: expect.stringMatching(message) });
  });

  it('takes a megabyte at a time', async () => {
    const { post, begin } = setUp();
    const { writer } = await begin();
    const path = `bert-1/logs?offset=0&writer=${writer}`;
    expect(await post(path, 'x'.repeat(1_048_577))).toMatchObject({ status: 413 });
    expect(await post(path, 'x'.repeat(1_048_576))).toEqual({ status: 200, size: 1_048_576 });
  });

  it('takes no bytes that were encoded on the way: they would stand in the log as they are', async () => {
    const { begin, server, kept } = setUp();
    const { writer } = await begin();
    const send = (encoding: string) =>
      server(`http://signalbox.test/push/runs/bert-1/logs?offset=0&writer=${writer}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${PUSH_TOKEN}`, 'content-encoding': encoding },
        body: 'abc',
      });
    const refused = await send('gzip');
    expect(refused.status).toBe(415);
    expect(((await refused.json()) as { message: string }).message).toContain('sent as "gzip"');
    expect(await kept()).toBe('');
    expect((await send('identity')).status).toBe(200);
    expect(await kept()).toBe('abc');
  });

  it('knows no run that was not begun', async () => {
    const { post } = setUp();
    expect(await post('bert-1/logs?offset=0&writer=x', 'abc')).toMatchObject({ status: 404 });
  });
});
