/** RunPod's pods over HTTP: what is refused and how, what a pod goes through, and what it costs. */
import { afterEach, describe, expect, it } from 'vitest';
import { KEY, type Pods, startPods } from './support.ts';

const open: Pods[] = [];
const start = async (...args: Parameters<typeof startPods>): Promise<Pods> => {
  const pods = await startPods(...args);
  open.push(pods);
  return pods;
};
afterEach(() => Promise.all(open.splice(0).map(({ sandbox }) => sandbox.close())));

const POD = { name: 'a', image: 'acme/train:1', gpu: { id: 'NVIDIA RTX A5000' }, disk: 20 };

describe("[O7] RunPod's pods", () => {
  it('go through PROVISIONING and STARTING to RUNNING, and say what they cost and what may be done', async () => {
    const { call, time } = await start();
    const { status, body } = await call('POST', '/pods', { ...POD, cloud: 'COMMUNITY', env: { LR: '0.1' } });
    expect(status).toBe(201);
    expect(body).toMatchObject({
      id: expect.stringMatching(/^[a-z0-9]{14}$/),
      name: 'a',
      status: 'PROVISIONING',
      actions: ['stop', 'terminate'],
      cost: 0.16,
      gpu: { id: 'NVIDIA RTX A5000', count: 1 },
      env: { LR: '0.1' },
      dataCenterId: null,
      runtime: null,
      startedAt: null,
      template: null,
    });
    await time.advance(2_000);
    expect((await call('GET', `/pods/${body.id}`)).body).toMatchObject({
      status: 'STARTING',
      startedAt: null,
    });
    await time.advance(13_000);
    expect((await call('GET', `/pods/${body.id}`)).body).toMatchObject({
      status: 'RUNNING',
      actions: ['stop', 'restart', 'terminate'],
      runtime: { uptime: 10, gpus: [{ util: expect.any(Number) }] },
      startedAt: expect.stringMatching(/^\d{4}-.*Z$/),
    });
  });

  it.each([
    [{ ...POD, bogus: 1, gpuCount: 2 }, ["$: additional properties 'bogus', 'gpuCount' not allowed"]],
    [{ image: 'x', gpu: { id: 'NVIDIA L40S' } }, ["$: missing property 'name'"]],
    [{ ...POD, gpu: { count: 0 } }, ["$.gpu: missing property 'id'", '$.gpu.count: minimum: got 0, want 1']],
    [{ ...POD, name: '' }, ['$.name: minLength: got 0, want 1']],
    [{ ...POD, cloud: 'ALL' }, ["$.cloud: value must be one of 'SECURE', 'COMMUNITY'"]],
    [{ ...POD, env: { A: 1 } }, ['$.env.A: got number, want string']],
    [{ ...POD, ports: '22/tcp' }, ['$.ports: got string, want array']],
    [
      { ...POD, mounts: { persistent: { size: 5 } } },
      ["$.mounts.persistent: missing property 'path'", '$.mounts.persistent.size: minimum: got 5, want 10'],
    ],
    [[], ['$: got array, want object']],
  ])('that do not fit the contract are a 422 which names each violation: %j', async (body, errors) => {
    const { call } = await start();
    const answer = await call('POST', '/pods', body);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    expect(answer).toMatchObject({
      status: 422,
      body: { title: 'Unprocessable Entity', status: 422, detail: 'Request validation failed.', errors },
    });
  });

  it.each([
    ['neither gpu nor cpu', { gpu: undefined }, /exactly one of gpu or cpu/],
    ['both', { cpu: { id: 'cpu3c', vcpuCount: 2 } }, /exactly one of gpu or cpu/],
    ['no image', { image: undefined }, /image is required/],
    ['no disk and no template', { disk: undefined }, /template id or pod configuration/],
    ['a GPU that nobody has', { gpu: { id: 'NVIDIA X1' } }, /no longer any instances available/],
    ['more GPUs than a host has', { gpu: { id: 'NVIDIA L40S', count: 9 } }, /no longer any instances/],
  ])('with %s are a 400 without a list', async (_, more, detail) => {
    const { call } = await start();
    const answer = await call('POST', '/pods', { ...POD, ...more });
    expect(answer).toMatchObject({
      status: 400,
      body: { title: 'Bad Request', detail: expect.stringMatching(detail) },
    });
    expect(answer.body.errors).toBeUndefined();
  });

  it('take a template once, field by field, and its environment key by key', async () => {
    const { call } = await start({
      templates: [
        { id: 'tpl1', name: 't', image: 'acme/t:2', disk: 30, cmd: ['a'], env: { A: '1', B: '2' } },
      ],
    });
    const { body } = await call('POST', '/pods', {
      name: 'x',
      gpu: POD.gpu,
      templateId: 'tpl1',
      env: { B: '3' },
    });
    expect(body).toMatchObject({
      image: 'acme/t:2',
      disk: 30,
      cmd: ['a'],
      env: { A: '1', B: '3' },
      template: null,
    });
    expect(JSON.parse(body.args)).toEqual({ cmd: ['a'] });
    expect((await call('POST', '/pods', { ...POD, templateId: 'none' })).status).toBe(404);
  });

  it('know keys that are missing, wrong, for reading only or for nothing', async () => {
    const { call, sandbox } = await start({
      keys: [{ key: KEY }, { key: 'rpa_READ', rights: 'read' }, { key: 'rpa_NONE', rights: 'none' }],
    });
    const bare = await fetch(`${sandbox.apiUrl}/pods`);
    expect([bare.status, await bare.json()]).toEqual([
      401,
      { title: 'Unauthorized', status: 401, detail: 'missing bearer token' },
    ]);
    expect((await call('GET', '/pods', undefined, 'rpa_OTHER')).status).toBe(401);
    expect((await call('GET', '/pods', undefined, 'rpa_READ')).status).toBe(200);
    expect(await call('POST', '/pods', POD, 'rpa_READ')).toMatchObject({
      status: 403,
      body: { title: 'Forbidden', detail: 'access denied' },
    });
    expect((await call('GET', '/pods', undefined, 'rpa_NONE')).status).toBe(403);
  });

  it('count requests in three windows, tell so on every answer, and refuse the one too many until its window ends', async () => {
    const { call, time } = await start({}, { quotas: { minute: 2, hour: 100, day: 1000 } });
    const first = await call('GET', '/pods');
    expect(first.headers.get('ratelimit')).toMatch(
      /^"minute";r=1;t=\d+, "hour";r=99;t=\d+, "day";r=999;t=\d+$/,
    );
    expect(first.headers.get('ratelimit-policy')).toBe(
      '"minute";q=2;w=60, "hour";q=100;w=3600, "day";q=1000;w=86400',
    );
    await call('GET', '/pods');
    const refused = await call('GET', '/pods');
    expect(refused).toMatchObject({
      status: 429,
      body: { title: 'Too Many Requests', detail: 'rate limit exceeded for the minute window' },
    });
    const wait = Number(refused.headers.get('retry-after'));
    expect(refused.headers.get('ratelimit')).toMatch(new RegExp(`^"minute";r=0;t=${wait}, `));
    await time.advance(wait * 1000);
    expect((await call('GET', '/pods')).status).toBe(200);
  });

  it('refuse a body of more than 102,400 bytes before they look who sent it', async () => {
    const { call } = await start();
    const env = { BIG: 'x'.repeat(102_400) };
    expect((await call('POST', '/pods', { ...POD, env }, 'rpa_OTHER')).status).toBe(413);
    expect((await call('POST', '/pods', 'no json')).status).toBe(400);
  });

  it('name what is not there, and the methods that are', async () => {
    const { call } = await start();
    expect(await call('GET', '/pods/none')).toMatchObject({ status: 404, body: { detail: 'pod not found' } });
    expect((await call('GET', '/networkvolumes')).status).toBe(404);
    const put = await call('PUT', '/pods', {});
    expect([put.status, put.headers.get('allow')]).toEqual([405, 'GET, POST']);
    expect((await call('GET', '/pods?desiredStatus=RUNNING')).status).toBe(200);
  });

  it('are listed newest first, page by page, with a cursor of this list alone', async () => {
    const { call, create } = await start({}, { pageSize: 2 });
    for (const name of ['one', 'two', 'three']) await create({ name });
    const names = ({ body }: Awaited<ReturnType<Pods['call']>>) =>
      body.pods.map((pod: { name: string }) => pod.name);
    const first = await call('GET', '/pods?limit=1000');
    expect(names(first)).toEqual(['three', 'two']);
    expect(first.body.pagination).toEqual({ nextCursor: expect.any(String), hasNextPage: true });
    const second = await call('GET', `/pods?cursor=${first.body.pagination.nextCursor}`);
    expect(names(second)).toEqual(['one']);
    expect(second.body.pagination).toEqual({ nextCursor: null, hasNextPage: false });
    const foreign = `/templates?cursor=${first.body.pagination.nextCursor}`;
    for (const path of [foreign, '/pods?cursor=1', '/pods?limit=0', '/pods?limit=1001', '/pods?limit=many']) {
      expect([path, (await call('GET', path)).status]).toEqual([path, 422]);
    }
  });

  it('allow the actions of their status, and answer 409 to others', async () => {
    const { call, create, time } = await start();
    const id = await create();
    const act = (action: string) => call('POST', `/pods/${id}/action`, { action });
    expect((await act('restart')).status).toBe(409);
    await time.advance(10_000);
    expect((await act('start')).status).toBe(409);
    expect((await act('restart')).body).toMatchObject({ status: 'RUNNING' });
    expect((await act('stop')).body).toMatchObject({
      status: 'EXITED',
      cost: 0,
      runtime: null,
      actions: ['start', 'terminate'],
    });
    expect((await act('stop')).status).toBe(409);
    expect((await act('start')).body).toMatchObject({ status: 'STARTING', cost: 0.27 });
    expect((await act('reset')).status).toBe(422);
    expect((await act('terminate')).status).toBe(204);
    expect((await act('start')).status).toBe(404);
  });

  it('are gone when they were deleted', async () => {
    const { call, create } = await start();
    const id = await create();
    expect(await call('DELETE', `/pods/${id}`)).toMatchObject({ status: 204, body: undefined });
    expect((await call('GET', `/pods/${id}`)).status).toBe(404);
    expect((await call('DELETE', `/pods/${id}`)).status).toBe(404);
    expect((await call('GET', `/pods/${id}/logs`)).status).toBe(404);
    expect((await call('GET', '/pods')).body.pods).toEqual([]);
  });

  it('cannot be stopped while they are locked', async () => {
    const { call, create, time } = await start();
    const id = await create();
    await time.advance(10_000);
    expect((await call('PATCH', `/pods/${id}`, { locked: true, name: 'kept' })).body).toMatchObject({
      name: 'kept',
      locked: true,
    });
    expect((await call('POST', `/pods/${id}/action`, { action: 'stop' })).status).toBe(400);
    expect((await call('PATCH', `/pods/${id}`, { gpu: {} })).status).toBe(422);
  });

  it('start their container again when its command ends, and bill on', async () => {
    const { call, create, time, sandbox } = await start();
    const id = await create({ cmd: ['python', 'train.py', '--epochs', '2', '--seconds-per-epoch=5'] });
    await time.advance(60_000);
    expect((await call('GET', `/pods/${id}`)).body).toMatchObject({ status: 'RUNNING', cost: 0.27 });
    const [pod] = sandbox.pods();
    expect(pod!.starts).toBeGreaterThan(2);
    expect(pod!.spent).toBeCloseTo(0.27 / 60, 3);
  });

  it('end with their command where they are told to', async () => {
    const { call, create, time, sandbox } = await start({}, { whenCommandEnds: 'exit' });
    const id = await create({ env: { EPOCHS: '2', SECONDS_PER_EPOCH: '5' } });
    await time.advance(3_600_000);
    expect((await call('GET', `/pods/${id}`)).body).toMatchObject({ status: 'EXITED', cost: 0 });
    expect(sandbox.pods()).toMatchObject([{ starts: 1, spent: expect.closeTo((0.27 * 17) / 3600, 3) }]);
  });

  it('two with one name are two, and both bill', async () => {
    const { create, sandbox } = await start();
    expect(await create()).not.toBe(await create());
    expect(sandbox.pods()).toHaveLength(2);
  });
});
