/** The program against the sandbox: the log of a job without Slack, and the doctor. */
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type DemoSandbox, startDemoSandbox } from '../../src/demo/sandbox.ts';
import { CancelledError } from '../../src/ground/errors.ts';
import type { AuditRecord } from '../../src/ports/audit-trail.ts';
import { type RunOptions, run } from './in-memory.ts';

const MANIFEST = resolve(import.meta.dirname, '../../manifest.yml');

let sandbox: DemoSandbox;
let dataDir: string;
let cwd: string;
let env: Record<string, string>;
const before = { ...process.env };

beforeAll(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'signalbox-cli-'));
  sandbox = await startDemoSandbox({ dataDir, manifestPath: MANIFEST, aws: { quotas: 'off' } });
  // The SDK reads its variables from the process.
  Object.assign(process.env, {
    AWS_ENDPOINT_URL: sandbox.awsEndpoint,
    AWS_ACCESS_KEY_ID: sandbox.awsCredentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: sandbox.awsCredentials.secretAccessKey,
    AWS_EC2_METADATA_DISABLED: 'true',
  });
  env = {
    SIGNALBOX_CONFIG: sandbox.configPath,
    SLACK_API_URL: sandbox.slackApiUrl,
    SLACK_BOT_TOKEN: sandbox.tokens.bot,
    SLACK_APP_TOKEN: sandbox.tokens.app,
  };
});
afterAll(async () => {
  await sandbox.close();
  process.env = before;
  rmSync(dataDir, { recursive: true, force: true });
});
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), 'signalbox-cli-'));
});
afterEach(() => {
  sandbox.faults.clear();
  rmSync(cwd, { recursive: true, force: true });
});

const program = (args: string[], options: RunOptions = {}) => run(args, { env, cwd, ...options });
const logs = (...args: string[]) => program(['logs', ...args, '--use-case', 'line-3']);

/** A configuration like the sandbox's, changed as text. */
function otherConfig(change: (yaml: string) => string): Record<string, string> {
  const path = join(cwd, 'other.yaml');
  writeFileSync(path, change(readFileSync(sandbox.configPath, 'utf8')));
  return { ...env, SIGNALBOX_CONFIG: path };
}

describe('[L1] logs on the command line', () => {
  it('writes the file into the working folder and prints nothing but its path', async () => {
    const { exitCode, stdout, stderr } = await logs('defects-resnet50');
    expect({ exitCode, stderr: stderr.split('\n').length }).toEqual({ exitCode: 0, stderr: 2 });
    const path = stdout.trimEnd();
    expect(path).toMatch(new RegExp(`^${cwd}/training-logs-defects-resnet50-\\d{8}T\\d{6}Z\\.log$`));
    expect(readFileSync(path, 'utf8')).toMatch(/^# job +defects-resnet50 \(completed\)\n/);
    expect(readdirSync(cwd)).toHaveLength(1);
  });

  it('writes to --out exactly, replacing what is there; into a folder under the usual name', async () => {
    const out = join(cwd, 'a.log');
    writeFileSync(out, 'old');
    expect(await logs('defects-resnet50', '--out', 'a.log')).toMatchObject({
      exitCode: 0,
      stdout: `${out}\n`,
    });
    expect(readFileSync(out, 'utf8')).toContain('# job');
    const inFolder = await logs('defects-resnet50', '--out', '.');
    expect(inFolder.stdout).toMatch(/training-logs-defects-resnet50-.*\.log\n$/);
  });

  it('writes to standard output with --out -', async () => {
    const { exitCode, stdout } = await logs('defects-resnet50', '--out', '-', '--raw', '--tail', '3');
    expect(exitCode).toBe(0);
    expect(stdout.trimEnd().split('\n')).toHaveLength(3);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('[L6] narrows as in Slack', async () => {
    const all = await logs('defects-resnet50', '--out', '-', '--raw');
    const epochs = all.stdout.split('\n').filter((text) => /epoch/i.test(text)).length;
    const some = await logs('defects-resnet50', '--regex', '(?i)epoch', '--out', '-', '--raw');
    expect(epochs).toBeGreaterThan(0);
    expect(some.stdout.trimEnd().split('\n')).toHaveLength(epochs);
  });

  it('[L8] is in the audit trail beside that of a running bot', async () => {
    await logs('defects-resnet50', '--out', 'a.log');
    const trail = readFileSync(join(dataDir, 'bot', 'audit-cli.jsonl'), 'utf8')
      .trimEnd()
      .split('\n');
    const last = JSON.parse(trail.at(-1)!) as AuditRecord;
    expect(last).toMatchObject({
      action: 'logs.downloaded',
      useCase: 'line-3',
      subject: 'defects-resnet50',
      actor: { team: 'cli' },
      sessionName: expect.stringMatching(/^logs-/),
    });
  });

  it('shows a bar on a terminal, on standard error alone', async () => {
    const { exitCode, stdout } = await program(
      ['logs', 'defects-resnet50', '--use-case', 'line-3', '--out', 'a.log'],
      { isTTY: true },
    );
    expect(exitCode).toBe(0);
    expect(stdout).toBe(`${join(cwd, 'a.log')}\n`);
  });
});

describe('[L7] [L9] when there is no file to give', () => {
  it.each([
    [['defects-resnet5O'], 3, /no training job defects-resnet5O[\s\S]*defects-resnet50/],
    [['<!channel>'], 2, /cannot be a job name/],
    [['x', '--last', 'banana'], 2, /banana/],
    [['x', '--tial', '5'], 2, /--tail/],
    [['x', '--dm'], 2, /--dm is for Slack/],
    [['defects-resnet50', '--out', 'no/such/folder/a.log'], 2, /folder .* does not exist/],
    [['defects-resnet50', '--stream', 'algo-9'], 2, /algo-9/],
  ])('says why for %j: exit code %i', async (args, exitCode, expected) => {
    const ran = await logs(...args);
    expect(ran.stderr).toMatch(expected);
    expect(ran).toMatchObject({ exitCode, stdout: '' });
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('finds the use case that has the job, and the nearest names of all of them', async () => {
    expect(await program(['logs', 'defects-resnet50', '--out', 'a.log'])).toMatchObject({ exitCode: 0 });
    const text = readFileSync(join(cwd, 'a.log'), 'utf8');
    expect(text).toMatch(/^# use case +Line 3 defects \(line-3\)$/m);
    rmSync(join(cwd, 'a.log'));
    const missed = await program(['logs', 'berth-occupancy-keros']);
    expect(missed).toMatchObject({ exitCode: 3, stdout: '' });
    expect(missed.stderr).toMatch(/use cases line-3, harbor[\s\S]*berth-occupancy-keras --use-case harbor/);
  });

  it('wants to know which use case when several have the job, and knows near ids', async () => {
    const same = `account: "123456789012", region: eu-west-1, roleArn: "arn:aws:iam::123456789012:role/SignalboxAccess", externalId: line-3-6f1d0c0e, access: { viewer: [channel-members] }`;
    const twice = otherConfig(
      () => `useCases:
  - { id: here, name: Here, channels: [C0HERE], ${same} }
  - { id: there, name: There, channels: [C0THERE], ${same} }
`,
    );
    expect(await program(['logs', 'defects-resnet50'], { env: twice })).toMatchObject({
      exitCode: 2,
      stderr: expect.stringMatching(/here, there[\s\S]*--use-case here/),
    });
    const chosen = ['logs', 'defects-resnet50', '--use-case', 'there', '--out', 'a.log'];
    expect(await program(chosen, { env: twice })).toMatchObject({ exitCode: 0 });
    expect(await program(['logs', 'x', '--use-case', 'line3'])).toMatchObject({
      exitCode: 2,
      stderr: expect.stringContaining('line-3'),
    });
  });

  it('says that there is no log yet', async () => {
    const { exitCode, stderr } = await logs('defects-new-bucket');
    expect(stderr).toContain('No logs available yet');
    expect(exitCode).toBe(3);
  });

  it('is the same on a machine where nothing has been written yet', async () => {
    const fresh = otherConfig((yaml) =>
      yaml.replace(/dataDir: .*/, `dataDir: ${JSON.stringify(join(cwd, 'not/there/yet'))}`),
    );
    const ran = await program(['logs', 'defects-resnet5O'], { env: fresh });
    expect(ran.stderr).toMatch(/no training job defects-resnet5O[\s\S]*defects-resnet50/);
    expect(ran.exitCode).toBe(3);
    const trail = join(cwd, 'not/there/yet/audit-cli.jsonl');
    expect(readFileSync(trail, 'utf8')).toContain('logs.unknown_job');
    expect(statSync(join(cwd, 'not/there/yet')).mode & 0o777).toBe(0o700);
  });

  it('says so when the audit trail cannot be written, and gives out nothing', async () => {
    const blocked = join(cwd, 'a-file');
    writeFileSync(blocked, '');
    const env = otherConfig((yaml) =>
      yaml.replace(/dataDir: .*/, `dataDir: ${JSON.stringify(join(blocked, 'data'))}`),
    );
    const ran = await program(['logs', 'defects-resnet5O'], { env });
    expect(ran.stderr).toMatch(
      /audit trail .*a-file.* cannot be written \(ENOTDIR\)[\s\S]*SIGNALBOX_DATA_DIR/,
    );
    expect(ran).toMatchObject({ exitCode: 5, stdout: '' });
  });

  it('says when a log ended that the range misses, and how to have its end', async () => {
    const ran = await logs('colour-drift-xgb', '--last', '2h', '--out', 'a.log');
    expect(ran.exitCode).toBe(0);
    const again = /for its end: (--since \S+)/.exec(ran.stderr)?.[1]?.split(' ') ?? [];
    const end = await logs('colour-drift-xgb', ...again, '--out', 'a.log');
    expect(end.stderr).toContain('404 events');
  });

  it('says why a job failed beside its log', async () => {
    const { stderr } = await logs('defects-unet-relabelled', '--out', 'a.log');
    expect(stderr).toMatch(/the training failed: [\s\S]*what to do: [\s\S]*KeyError/);
  });

  it('gives the checklist for a role that cannot be assumed, with exit code 4', async () => {
    const wrong = otherConfig((yaml) => yaml.replaceAll('line-3-6f1d0c0e', 'not-this-one'));
    const { exitCode, stderr } = await program(['logs', 'x', '--use-case', 'line-3'], { env: wrong });
    expect(exitCode).toBe(4);
    expect(stderr).toMatch(/cannot be assumed[\s\S]*externalId[\s\S]*SignalboxAccess/);
  });

  it('ends with 5 when AWS stays down', async () => {
    sandbox.faults.add({ on: 'sagemaker:DescribeTrainingJob', kind: '500', times: 0 });
    const { exitCode, stderr } = await logs('defects-resnet50');
    expect(stderr).toContain('trouble of its own');
    expect(exitCode).toBe(5);
  });

  it('renews credentials that expire on the way', async () => {
    sandbox.faults.add({ on: 'logs:GetLogEvents', kind: 'ExpiredTokenException', times: 1 });
    expect(await logs('defects-resnet50', '--out', 'a.log')).toMatchObject({ exitCode: 0 });
  });

  it('leaves no file behind when it is cancelled', async () => {
    const controller = new AbortController();
    controller.abort(new CancelledError());
    const ran = await program(['logs', 'defects-resnet50', '--use-case', 'line-3', '--out', 'a.log'], {
      signal: controller.signal,
    });
    expect(ran).toEqual({ exitCode: 130, stdout: '', stderr: 'cancelled\n' });
    expect(existsSync(join(cwd, 'a.log'))).toBe(false);
  });
});

describe('[O2] doctor', () => {
  interface Report {
    ok: boolean;
    checks: { about: string; title: string; status: string; detail: string; fix?: string }[];
  }
  const report = async (env?: Record<string, string>) => {
    const { exitCode, stdout, stderr } = await program(['doctor', '--json'], env ? { env } : {});
    expect(stderr).toBe('');
    const parsed = JSON.parse(stdout) as Report;
    expect(exitCode).toBe(parsed.ok ? 0 : 1);
    return parsed;
  };
  const find = ({ checks }: Report, about: string, title: string) =>
    checks.find((check) => check.about === about && check.title === title);

  it('finds everything in order in the sandbox', async () => {
    const found = await report();
    // The bot's own role sees the queue, not the rules in other accounts; it says so instead of guessing.
    expect(found.checks.filter(({ status }) => status !== 'ok')).toMatchObject([
      { about: 'use case line-3', title: 'event forwarding', status: 'skipped' },
      { about: 'use case harbor', title: 'event forwarding', status: 'skipped' },
    ]);
    const titles = new Set(found.checks.map(({ title }) => title));
    for (const title of ['bot token', 'scopes', 'Socket Mode', 'channel C0LINE3', 'user group S0SCIENCE'])
      expect(titles).toContain(title);
    for (const title of ['credentials', 'role', 'external id', 'log access', 'training jobs'])
      expect(titles).toContain(title);
  });

  it('prints the same for people', async () => {
    const { stdout } = await program(['doctor']);
    expect(stdout).toMatch(/use case line-3\n.*channel C0LINE3: #line-3, joined/);
    expect(stdout).toMatch(/\d+ ok, 0 warnings, 0 failed/);
  });

  it('says the exact fix for what is wrong', async () => {
    const found = await report(
      otherConfig((yaml) =>
        yaml
          .replaceAll('line-3-6f1d0c0e', 'not-this-one')
          .replaceAll('C0HARBOR', 'C0RANDOM')
          .replaceAll('S0SCIENCE', 'S0NOBODY')
          .replaceAll('C0ALERTS', 'C0NOWHERE'),
      ),
    );
    expect(found.ok).toBe(false);
    expect(find(found, 'use case line-3', 'role')).toMatchObject({
      status: 'failed',
      fix: expect.stringMatching(/externalId[\s\S]*SignalboxAccess/),
    });
    expect(find(found, 'use case harbor', 'channel C0RANDOM')).toMatchObject({
      status: 'failed',
      fix: 'In #random send: /invite @signalbox',
    });
    expect(find(found, 'use case line-3', 'user group S0NOBODY')).toMatchObject({
      status: 'failed',
      fix: expect.stringContaining('S0OPS (@ops)'),
    });
    expect(find(found, 'use case line-3', 'channel C0NOWHERE')).toMatchObject({ status: 'failed' });
  });

  it('says which scopes are missing, and how to get them', async () => {
    const manifest = join(cwd, 'manifest.yml');
    writeFileSync(manifest, readFileSync(MANIFEST, 'utf8').replace(/^\s+- files:write\n/m, ''));
    const data = mkdtempSync(join(tmpdir(), 'signalbox-cli-'));
    const narrow = await startDemoSandbox({ dataDir: data, manifestPath: manifest });
    const found = await report({
      ...env,
      SLACK_API_URL: narrow.slackApiUrl,
      SLACK_BOT_TOKEN: narrow.tokens.bot,
      SLACK_APP_TOKEN: narrow.tokens.app,
    });
    await narrow.close();
    rmSync(data, { recursive: true, force: true });
    expect(find(found, 'Slack', 'scopes')).toMatchObject({
      status: 'failed',
      detail: 'missing: files:write',
      fix: expect.stringContaining('reinstall'),
    });
  });

  it('says what to do about tokens that Slack refuses, and goes on with AWS', async () => {
    const found = await report({ ...env, SLACK_BOT_TOKEN: 'xoxb-wrong', SLACK_APP_TOKEN: 'xapp-wrong' });
    expect(find(found, 'Slack', 'bot token')).toMatchObject({
      status: 'failed',
      fix: expect.stringContaining('SLACK_BOT_TOKEN'),
    });
    expect(find(found, 'Slack', 'Socket Mode')).toMatchObject({ status: 'failed' });
    expect(find(found, 'use case line-3', 'log access')).toMatchObject({ status: 'ok' });
  });

  it('notices a use case that the bot would look for in the wrong account', async () => {
    const found = await report(
      otherConfig((yaml) => yaml.replace(/^ +(?:roleArn: \S+\/SignalboxAccess|externalId:.*)\n/gm, '')),
    );
    expect(find(found, 'use case line-3', 'credentials')).toMatchObject({
      status: 'failed',
      detail: expect.stringContaining('account 111122223333; the use case is in 123456789012'),
      fix: expect.stringContaining('roleArn'),
    });
  });
});
