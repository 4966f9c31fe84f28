/** `signalbox logs` of a use case that trains on SageMaker and on a runner, both with a job of one name. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { sandbox } from '../../sandbox/test/aws/support.ts';
import { seededAwsWorld } from '../../src/demo/use-cases.ts';
import { PROGRAM, RUNNER_TOKEN, RunnerHome } from '../fixtures/runner-process.ts';
import { run } from './in-memory.ts';

const BOT = { accessKeyId: 'AKIABOT', secretAccessKey: 'bot-secret' };
const JOB = 'defects-resnet50';
const before = { ...process.env };

describe.skipIf(!existsSync(PROGRAM))('[L1] logs of a name that two providers have', () => {
  let aws: Awaited<ReturnType<typeof sandbox>>;
  let runner: RunnerHome;
  let cwd: string;

  beforeEach(async () => {
    aws = await sandbox({ world: seededAwsWorld(Date.now(), BOT), quotas: 'off' });
    Object.assign(process.env, {
      AWS_ENDPOINT_URL: aws.url,
      AWS_ACCESS_KEY_ID: BOT.accessKeyId,
      AWS_SECRET_ACCESS_KEY: BOT.secretAccessKey,
    });
    runner = await RunnerHome.make('templates: { say: { command: [echo, printed on the runner] } }');
    expect(await runner.start(), runner.stderr).toBeUndefined();
    for (const name of [JOB, 'drill-1']) {
      await runner.run('say', name);
      await runner.ended(name);
    }
    cwd = mkdtempSync(join(tmpdir(), 'signalbox-cli-'));
  });
  afterEach(async () => {
    process.env = before;
    await aws.close();
    await runner.dispose();
    rmSync(cwd, { recursive: true, force: true });
  });

  function logs(job: string, baseUrl = runner.url) {
    writeFileSync(
      join(cwd, 'signalbox.yaml'),
      `useCases:
  - { id: line-3, name: Line 3, account: "123456789012", region: eu-west-1, externalId: line-3-6f1d0c0e,
      roleArn: "arn:aws:iam::123456789012:role/SignalboxAccess", channels: [C0LINE3], access: {},
      providers: { sagemaker: true, local: { baseUrl: "${baseUrl}", tokenEnv: LAB_TOKEN } } }
`,
    );
    const options = { cwd, env: { LAB_TOKEN: RUNNER_TOKEN } };
    return run(['logs', job, '--use-case', 'line-3', '--out', 'a.log'], options);
  }
  const written = () => readFileSync(join(cwd, 'a.log'), 'utf8');

  it('asks which one is meant, names both as they are written, and writes nothing', async () => {
    const { exitCode, stdout, stderr } = await logs(JOB);
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: '' });
    expect(stderr).toContain(`2 jobs are called ${JOB}, on different providers.`);
    expect(stderr).toContain(`Say which one you mean: sagemaker:${JOB} or local:${JOB}.`);
    expect(readdirSync(cwd)).not.toContain('a.log');
  });

  it('brings the one that is named', async () => {
    expect(await logs(`local:${JOB}`)).toMatchObject({ exitCode: 0 });
    expect(written()).toContain('printed on the runner');
    expect(await logs(`SageMaker:${JOB}`)).toMatchObject({ exitCode: 0 });
    expect(written()).not.toContain('printed on the runner');
    expect(written()).toMatch(new RegExp(`^# job +${JOB} \\(completed\\)`));
  });

  it('asks nothing where only one has it', async () => {
    expect(await logs('drill-1')).toMatchObject({ exitCode: 0 });
    expect(written()).toContain('printed on the runner');
  });

  it('names those with a similar name as they are typed, and says where other kinds are not looked at', async () => {
    const { exitCode, stderr } = await logs('drill-11');
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/Did you mean one of these\?\n +local:drill-1\n/);
    expect(stderr).toContain('Of SageMaker’s jobs only training jobs are looked at here.');
    expect((await logs('local:drill-11')).stderr).not.toContain('only training jobs');
  });

  it('says of one that does not answer that it does not, instead of that there is no such job', async () => {
    const { exitCode, stderr } = await logs('drill-2', 'http://127.0.0.1:1');
    expect(exitCode).toBe(5);
    expect(stderr).toContain('The local runner does not answer.');
  });
});
