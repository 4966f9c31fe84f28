import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { EXIT_CODES, reportFailure } from '../../src/cli/failures.ts';
import { prefixCommands } from '../../src/cli/manifest.ts';
import { AppError, CancelledError, type ErrorCode } from '../../src/ground/errors.ts';
import { testFolder } from '../fixtures/test-folder.ts';
import { run } from './in-memory.ts';

const MANIFEST = readFileSync(resolve(import.meta.dirname, '../../manifest.yml'), 'utf8');

function folder(yaml?: string): string {
  const path = testFolder('cli');
  if (yaml !== undefined) writeFileSync(join(path, 'signalbox.yaml'), yaml);
  return path;
}

const CONFIG = `
useCases:
  - { id: bench, name: Bench, account: "123456789012", region: us-east-1, channels: [C0BENCH],
      access: { viewer: [channel-members] } }
`;

describe('what the program says of itself', () => {
  it('lists its subcommands', async () => {
    const { exitCode, stdout } = await run(['--help']);
    expect(exitCode).toBe(0);
    for (const name of ['demo', 'sandbox', 'start', 'logs', 'check-config', 'manifest', 'doctor'])
      expect(stdout).toContain(name);
  });

  it('shows the flags of /logs in the help of logs, but not the one that is about Slack', async () => {
    const { exitCode, stdout } = await run(['logs', '--help']);
    expect(exitCode).toBe(0);
    for (const flag of ['--last', '--tail', '--regex', '--use-case', '--out']) expect(stdout).toContain(flag);
    expect(stdout).not.toContain('--dm');
  });

  it.each(['--version', '-v'])('prints its version with %s', async (flag) => {
    const { version } = JSON.parse(readFileSync(resolve(import.meta.dirname, '../../package.json'), 'utf8'));
    expect(await run([flag])).toEqual({ exitCode: 0, stdout: `${version}\n`, stderr: '' });
  });

  it.each([
    [['lgos', 'train-a'], /unknown command 'lgos'\n\(Did you mean logs\?\)/],
    [['logs'], /missing required argument 'job'/],
    [['demo', '--port', 'x'], /Expected a number from 0 to 65535/],
    [['manifest', '--prefx', 'ml-'], /unknown option '--prefx'\n\(Did you mean --prefix\?\)/],
    [['run', '--pip', '--', 'true'], /\(Did you mean --pipe\?\)\nRun `signalbox run --help` for its flags\./],
    [['--frobnicate'], /unknown option '--frobnicate'\nRun `signalbox --help` for everything it can do\./],
  ])('answers %j with what is wrong, and exit code 2', async (args, expected) => {
    const { exitCode, stderr, stdout } = await run(args);
    expect(exitCode).toBe(2);
    expect(stderr).toMatch(expected);
    expect(stdout).toBe('');
  });
});

describe('failures on the command line', () => {
  const report = (thrown: unknown, debug = false): { code: number; text: string } => {
    let text = '';
    const stderr = { write: (part: string) => (text += part) } as never;
    return { code: reportFailure(thrown, { stderr }, debug), text };
  };

  it.each(Object.entries(EXIT_CODES) as [ErrorCode, number][])(
    'has an exit code for %s: %i',
    (code, exit) => {
      expect(report(new AppError(code, 'x')).code).toBe(exit);
    },
  );

  it('[O6] shows no secret, also not of a cause', () => {
    const password = 'hunter2-Tr0ub4dor';
    const error = new AppError('unavailable', `No answer of postgres://ada:${password}@db/x.`, {
      hint: `Try --password ${password}`,
      adminHint: `DB_PASSWORD=${password}`,
      cause: new Error(`{"password":"${password}"}`),
    });
    expect(report(error, true).text).not.toContain(password);
    expect(report(error, true).text).toContain('postgres://ada:[masked]@db/x');
  });

  it('says what failed, what to do, the details and the reference, and shows no stack', () => {
    const error = new AppError('permission_denied', 'It failed.', {
      hint: 'Do this.\nThen that.',
      adminHint: 'Role: arn',
      cause: new Error('deep'),
    });
    expect(report(error).text).toBe(
      `error: It failed.\n  Do this.\n  Then that.\n  Role: arn\n  reference: ${error.ref}\n`,
    );
  });

  it('shows the stacks of error and cause when debugging', () => {
    expect(report(new AppError('internal', 'x', { cause: new TypeError('deep') }), true).text).toMatch(
      /TypeError: deep\n\s+at /,
    );
  });

  it('tells what to do about a bug instead of showing it', () => {
    const { code, text } = report(new TypeError('cannot read properties of undefined'));
    expect(code).toBe(1);
    expect(text).not.toContain('cannot read');
    expect(text).toContain('SIGNALBOX_DEBUG=1');
  });

  it('calls a cancellation just that', () => {
    expect(report(new CancelledError())).toEqual({ code: 130, text: 'cancelled\n' });
  });
});

describe('[O2] check-config', () => {
  it('says what is configured', async () => {
    const cwd = folder(CONFIG);
    const { exitCode, stdout } = await run(['check-config'], { cwd });
    expect(exitCode).toBe(0);
    expect(stdout).toContain(join(cwd, 'signalbox.yaml'));
    expect(stdout).toContain('bench (Bench): 123456789012 us-east-1');
    expect(stdout).toContain('no tokens in the environment');
  });

  it('says where each use case trains and what it compiles for', async () => {
    const compile = `compile: { roleArn: "arn:aws:iam::123456789012:role/Neo", outputS3: "s3://models/x"`;
    const lab = '{ id: lab, name: Lab, channels: [C0LAB], access: {}';
    const cwd = folder(`${CONFIG}
  - { id: both, name: Both, account: "123456789012", region: us-east-1, channels: [C0BOTH], access: {},
      providers: { sagemaker: true, local: { baseUrl: "http://127.0.0.1:8700", tokenEnv: NOT_SET } },
      ${compile}, framework: PYTORCH, frameworkVersion: "1.8", dataInputConfig: { input: [1, 3] },
        targets: [jetson-xavier, x86_64-cpu], auto: true } }
  - ${lab}, providers: { local: { baseUrl: "http://127.0.0.1:8700" } } }
  - ${lab.replace('id: lab', 'id: sent')}, providers: { push: { tokenEnv: NOT_SET } } }
  - ${lab.replace('id: lab', 'id: idle')}, providers: {} }
`);
    const { stdout, stderr } = await run(['check-config'], { cwd });
    expect(stderr).toBe('');
    const lines = stdout.split('\n').map((text) => text.trim());
    const second = (id: string) => lines[lines.findIndex((text) => text.includes(` ${id} (`)) + 1];
    expect(second('bench')).toBe('trains on SageMaker; compiles nothing');
    expect(second('both')).toBe(
      'trains on SageMaker and the local runner; compiles for jetson-xavier, x86_64-cpu, by itself',
    );
    expect(second('lab')).toBe('trains on the local runner; compiles nothing');
    expect(second('sent')).toBe('trains on another machine; compiles nothing');
    expect(stdout).not.toContain('/train');
    expect(second('idle')).toBe('trains nowhere: set one of its `providers`; compiles nothing');
  });

  it('says what /train starts, and which variable a template waits for', async () => {
    const template = `name: press, provider: sagemaker, sagemaker: { image: i, roleArn: "arn:aws:iam::123456789012:role/T",
      outputS3: "s3://models/x", instanceTypes: [ml.g5.xlarge], environment: { KEY: { env: LAB_KEY } } }`;
    const cwd = folder(`${CONFIG}
  - { id: lab, name: Lab, account: "123456789012", region: us-east-1, channels: [C0LAB], access: {},
      train: { templates: [{ ${template} }] } }
`);
    const waiting = await run(['check-config'], { cwd });
    expect(waiting.stderr).toBe('');
    expect(waiting.stdout).toContain('/train starts press (SageMaker)');
    expect(waiting.stdout).toContain('! template press: LAB_KEY is not set in the environment');
    const { stdout } = await run(['check-config'], { cwd, env: { LAB_KEY: 'x' } });
    expect(stdout).not.toContain('is not set');
  });

  it('says every problem at once, with exit code 2', async () => {
    const cwd = folder(CONFIG.replace('us-east-1', 'mars').replace('name:', 'nmae:'));
    const { exitCode, stdout, stderr } = await run(['check-config'], { cwd, env: { PORT: '99999' } });
    expect(exitCode).toBe(2);
    expect(stdout).toBe('');
    for (const key of ['useCases[0].region', 'useCases[0].nmae', 'useCases[0].name', 'PORT'])
      expect(stderr).toContain(`• ${key}`);
    expect(stderr).toContain('Did you mean "name"?');
  });

  it('says where a file should be', async () => {
    const { exitCode, stderr } = await run(['check-config'], { cwd: folder() });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('Copy signalbox.example.yaml');
  });
});

describe('[O2] doctor without AWS', () => {
  it('says that there is no account to check and no event to wait for, and goes on', async () => {
    const cwd = folder(
      'useCases: [{ id: lab, name: Lab, channels: [C0LAB], access: {}, providers: { sagemaker: false } }]',
    );
    const { stdout } = await run(['doctor'], { cwd });
    expect(stdout).toContain('- skipped  AWS: this use case has no AWS account');
    expect(stdout).toContain('✗ failed   training jobs: this use case does not train anywhere');
    expect(stdout).toContain('- skipped  intake: no use case has an AWS account that events could come from');
  });
});

describe('start', () => {
  it('says which tokens are missing before anything else', async () => {
    const { exitCode, stderr } = await run(['start'], { cwd: folder(CONFIG) });
    expect(exitCode).toBe(2);
    expect(stderr).toContain('SLACK_BOT_TOKEN');
    expect(stderr).toContain('SLACK_APP_TOKEN');
  });
});

describe('[O3] manifest', () => {
  it('prints the file as it is', async () => {
    expect(await run(['manifest'])).toEqual({ exitCode: 0, stdout: MANIFEST, stderr: '' });
  });

  it('puts a prefix before every command and changes nothing else', async () => {
    const { stdout } = await run(['manifest', '--prefix', 'ml-']);
    type Manifest = { features: { slash_commands: { command: string }[] } };
    const before = parse(MANIFEST) as Manifest;
    const after = parse(stdout) as Manifest;
    expect(after.features.slash_commands.map(({ command }) => command)).toEqual(
      before.features.slash_commands.map(({ command }) => command.replace('/', '/ml-')),
    );
    for (const command of after.features.slash_commands)
      command.command = command.command.replace('/ml-', '/');
    expect(after).toEqual(before);
    expect(stdout).toContain('# The Slack app.');
  });

  it.each(['/ml', 'ML-', 'a b', '', '<!channel>'])(
    'refuses the prefix %j with exit code 2',
    async (prefix) => {
      const { exitCode, stderr } = await run(['manifest', '--prefix', prefix]);
      expect(exitCode).toBe(2);
      expect(stderr).toContain('lower-case letters');
    },
  );

  it("keeps to Slack's length of a command", () => {
    expect(() => prefixCommands(MANIFEST, 'x'.repeat(30))).toThrow(/Slack allows a command 32/);
  });
});
