/** runner.yaml: what `signalbox runner` may start, for whom and how much of it. */
import { statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, resolve } from 'node:path';
import { z } from 'zod';
import { type Environment, readLogLevel } from '../config.ts';
import { type RunParameter, type RunTemplate, templateProblems } from '../domain/run-templates.ts';
import { hostInUrl, isLoopback } from '../ground/hosts.ts';
import type { RunnerConfig } from '../ports/runner-config.ts';
import { milliseconds } from './compile-settings.ts';
import { canGuard, GUARDING } from './guarding-secrets.ts';
import { parameterGuides, parametersSection, scalar } from './parameters.ts';
import { type ConfigProblem, describeIssues, type KeyGuides, problemsError } from './problems.ts';
import { duration, size, text, variableName } from './scalars.ts';
import { readYaml } from './yaml-file.ts';

const DEFAULT_FILE = 'runner.yaml';
const TOKEN = 'RUNNER_TOKEN';
/** The head of a log and two chunks: less cannot be kept of a run. */
const LEAST_PER_RUN = 4 * 1024 * 1024;
const LISTEN = /^(?:(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9.-]+):)?(\d{1,5})$/;

const listen = z
  .union([z.string(), z.number()])
  .transform(String)
  .refine((value) => Number(LISTEN.exec(value)?.[2] ?? 99_999) <= 65_535);
const name = /^[A-Za-z0-9](?:[A-Za-z0-9_-]{0,62})$/;

const template = z.strictObject({
  description: text.max(200).optional(),
  command: z.array(scalar.refine((value) => value !== '' && !value.includes('\0'))).min(1),
  cwd: text.optional(),
  env: z.record(variableName, scalar).default({}),
  terminal: z.enum(['pty', 'pipe']).default('pty'),
  parameters: parametersSection.default({}),
});

const file = z.strictObject({
  listen: listen.default('127.0.0.1:8700'),
  dataDir: text.default('./runner-data'),
  withoutToken: z.boolean().default(false),
  grace: duration.default('10s'),
  limits: z
    .strictObject({
      runs: z.number().int().min(1).max(1_000).default(4),
      bytesPerRun: size.refine((bytes) => bytes >= LEAST_PER_RUN).prefault('256MB'),
      disk: size.prefault('20GB'),
    })
    .prefault({}),
  templates: z
    .record(z.string().regex(name), template)
    .refine((templates) => Object.keys(templates).length > 0),
});

const GUIDES: KeyGuides = {
  '': {
    expected: 'keys such as listen and templates',
    example: 'templates: { press: { command: [python3, train.py] } }',
  },
  listen: { expected: 'an address and a port', example: 'listen: 127.0.0.1:8700' },
  dataDir: { expected: 'a folder', example: 'dataDir: ./runner-data' },
  withoutToken: { expected: 'true or false', example: 'withoutToken: false' },
  grace: { expected: 'a duration: a number with s, m or h', example: 'grace: 10s' },
  limits: { expected: 'a section', example: 'limits: { runs: 4, bytesPerRun: 256MB, disk: 20GB }' },
  'limits.runs': { expected: 'a whole number from 1 to 1000', example: 'runs: 4' },
  'limits.bytesPerRun': { expected: 'a size of 4 MiB or more', example: 'bytesPerRun: 256MB' },
  'limits.disk': { expected: 'a size: bytes, or a number with MB, GB …', example: 'disk: 20GB' },
  templates: {
    expected: 'one template or more, by names of letters, digits, _ and -',
    example: 'templates: { press: { command: [python3, train.py] } }',
  },
  'templates.*': {
    expected: 'a template with its command, named by 1 to 63 letters, digits, _ and -',
    example: 'press: { command: [python3, train.py, --lr, "{lr}"], parameters: { lr: { type: number } } }',
  },
  'templates.*.description': { expected: 'a text of 1 to 200 characters', example: 'description: Press 4' },
  'templates.*.command': {
    expected: 'a list: the program and its arguments, one by one',
    example: 'command: [python3, train.py, --lr, "{lr}"]',
  },
  'templates.*.command[]': { expected: 'a text', example: 'command: [python3, train.py]' },
  'templates.*.cwd': { expected: 'the folder to run in, relative to this file', example: 'cwd: ./press' },
  'templates.*.env': { expected: 'variables by name', example: 'env: { CUDA_VISIBLE_DEVICES: "0" }' },
  'templates.*.env.*': { expected: 'a variable with its value', example: 'CUDA_VISIBLE_DEVICES: "0"' },
  'templates.*.terminal': {
    expected: '"pty" (bars and colours as in a terminal) or "pipe"',
    example: 'terminal: pty',
  },
  ...parameterGuides('templates.*.parameters'),
};

/**
 * @param options.file the path that was asked for; left out: runner.yaml in the working directory
 * @throws AppError invalid_input naming every problem at once, a line each
 */
export function loadRunnerConfig(options: {
  env: Environment;
  cwd: string;
  file?: string | undefined;
}): RunnerConfig {
  const path = resolve(options.cwd, options.file ?? DEFAULT_FILE);
  const problems: ConfigProblem[] = [];
  const read = readYaml(
    path,
    {
      missing: 'Write one: docs/runner.md shows how. Or name another one: --config FILE.',
      unreadable: 'Make the file readable for the user that runs the runner.',
    },
    problems,
  );
  const parsed = read && file.safeParse(read.raw);
  if (parsed && !parsed.success) problems.push(...describeIssues(parsed.error.issues, read.raw, GUIDES));
  const token = readToken(options.env, problems);
  const logLevel = readLogLevel(options.env, problems);
  const folder = dirname(path);
  const templates = Object.entries(parsed?.data?.templates ?? {}).map(([name, entry]) =>
    toTemplate(name, entry, folder),
  );
  for (const one of templates) problems.push(...problemsOf(one));
  const listening = parsed?.data && listenAddress(parsed.data.listen);
  if (listening && token === undefined && !problems.some(({ key }) => key === TOKEN))
    problems.push(...tokenProblems(listening.host, parsed.data.withoutToken));
  if (problems.length > 0 || !parsed?.data || !listening)
    throw problemsError(
      path,
      problems,
      'Correct them all and start it again. docs/runner.md explains every key.',
    );

  const { limits, grace, dataDir } = parsed.data;
  return {
    path,
    dataDir: resolve(folder, dataDir),
    listen: listening,
    token,
    limits,
    graceMs: milliseconds(grace),
    templates,
    logLevel,
  };
}

function listenAddress(value: string): RunnerConfig['listen'] {
  const [, host = '127.0.0.1', port] = LISTEN.exec(value) ?? [];
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

function readToken(env: Environment, problems: ConfigProblem[]): string | undefined {
  const token = env[TOKEN]?.trim();
  if (token === undefined || token === '') return undefined;
  if (!canGuard(token))
    // Never the value itself.
    problems.push({
      key: TOKEN,
      message: `${TOKEN} (environment): expected a secret of ${GUARDING}, but got ${token.length} characters. Example: ${TOKEN}=$(openssl rand -hex 32)`,
    });
  return token;
}

function tokenProblems(host: string, withoutToken: boolean): ConfigProblem[] {
  if (withoutToken && isLoopback(hostInUrl(host))) return [];
  const why = withoutToken
    ? `withoutToken holds only where nobody else can connect, and listen is ${host}`
    : 'it is not set';
  return [
    {
      key: TOKEN,
      message: `${TOKEN} (environment): expected the token that callers must send, but ${why}. Example: ${TOKEN}=$(openssl rand -hex 32), or listen: 127.0.0.1:8700 with withoutToken: true, which lets every user and program of this machine start runs.`,
    },
  ];
}

function toTemplate(name: string, entry: z.output<typeof template>, folder: string): RunTemplate {
  const { command, cwd = '.', ...rest } = entry;
  const home = cwd.replace(/^~(?=\/|$)/, homedir());
  return {
    ...rest,
    name,
    command: command as unknown as RunTemplate['command'],
    cwd: resolve(folder, home),
    parameters: rest.parameters as Record<string, RunParameter>,
  };
}

function problemsOf(one: RunTemplate): ConfigProblem[] {
  const at = `templates.${one.name}`;
  const problems = templateProblems(one).map((problem) => ({
    key: `${at}.command`,
    message: `${at}: ${problem}.`,
  }));
  if (!statSync(one.cwd, { throwIfNoEntry: false })?.isDirectory())
    problems.push({
      key: `${at}.cwd`,
      message: `${at}.cwd: expected a folder, but there is none at ${one.cwd}. Example: cwd: ./press`,
    });
  return problems;
}
