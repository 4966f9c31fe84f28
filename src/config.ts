/**
 * Everything that people set: signalbox.yaml and the environment. The only reader of both, so that one place
 * knows every name; secrets come by the environment alone.
 */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { parseEnv } from 'node:util';
import { milliseconds } from './config/compile-settings.ts';
import { type DatabaseConfig, databaseSecrets, readDatabase } from './config/database.ts';
import { type Environment, isHttpUrl, readPort, set, variable } from './config/environment.ts';
import { canGuard, GUARDING } from './config/guarding-secrets.ts';
import { type ConfigProblem, describeIssues, problemAt, problemsError } from './config/problems.ts';
import { secretProblems } from './config/provider-secrets.ts';
import { fileSchema, sectionProblems, toUseCase } from './config/schema.ts';
import {
  METRICS_TOKEN,
  type MetricsConfig,
  readMetrics,
  readTraces,
  type TracesConfig,
} from './config/telemetry.ts';
import { readYaml } from './config/yaml-file.ts';
import type { NamedSecret } from './domain/providers.ts';
import type { UseCase } from './domain/use-cases.ts';

export type { Environment };

const DEFAULT_CONFIG_FILE = 'signalbox.yaml';
const DEFAULT_PORT = 3000;
const RUNPOD_API = 'https://api.runpod.io/v2';
const MEND =
  'Correct them all and run `signalbox check-config`. Every key is explained in docs/configuration.md.';

const LOG_LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;
type LogLevel = (typeof LOG_LEVELS)[number];

export interface Config {
  /** Absolute path of the signalbox.yaml in use. */
  path: string;
  /** Absolute; a relative `storage.dataDir` counts from the file's folder. */
  dataDir: string;
  /** Slack users who may see and do everything in every use case. */
  admins: readonly string[];
  /** Shared by several instances; undefined: the state is in the data folder. */
  database: DatabaseConfig | undefined;
  /** At least one. */
  useCases: readonly UseCase[];
  /** Undefined when the environment has no token; `loadConfig({ requireSlack: true })` refuses that. */
  slack: SlackConfig | undefined;
  /** The queue that events come by; undefined: none do. */
  events: EventsConfig | undefined;
  /** From `SIGNALBOX_EVENTS_SECRET`: turns the HTTPS endpoint for events on. */
  eventsSecret: string | undefined;
  /** Where people open runs in a browser; undefined: nowhere. */
  viewer: ViewerConfig | undefined;
  runs: KeptRunsConfig;
  /** What stays of logs that were read; undefined: nothing. */
  library: LibraryConfig | undefined;
  /** From `PORT`. Undefined: in Socket Mode without a viewer nothing is served; otherwise it falls back to 3000. */
  port: number | undefined;
  /** From `SIGNALBOX_HOST`: the one address that the server listens on; undefined: all of this machine's. */
  host: string | undefined;
  logLevel: LogLevel;
  /** Where `/metrics` is served; undefined: nowhere. */
  metrics: MetricsConfig | undefined;
  /** Where traces are sent; undefined: nothing is traced. */
  traces: TracesConfig | undefined;
  /** Values that must never reach a log, whatever line they turn up in. */
  secrets: readonly string[];
}

interface EventsConfig {
  queueUrl: string;
  region: string;
  /** Name of the EventBridge rule that `signalbox events setup` makes. */
  rule: string;
}

export interface ViewerConfig {
  /** Where browsers reach the HTTP server; a path is part of it where a proxy takes one away. */
  publicUrl: string;
  /** Whose pages may read runs' logs with the viewer's cookie. */
  allowedOrigins: readonly string[];
  /** Milliseconds in which a link to a run has to be opened. */
  linkFor: number;
}

/** Which logs of runs stay in `<dataDir>/runs`. */
interface KeptRunsConfig {
  /** Milliseconds since they last changed; undefined: for ever. */
  keepFor: number | undefined;
  /** Bytes on the disk for all of them. */
  disk: number;
}

/** Which logs that were read stay in `<dataDir>/library`. */
interface LibraryConfig {
  /** Bytes on the disk for all of them. */
  disk: number;
  /** Milliseconds since somebody asked for one. */
  keepFor: number;
}

export interface SlackConfig {
  botToken: string;
  /** `SLACK_APP_TOKEN` chooses Socket Mode, also when a signing secret is set as well. */
  connection: { mode: 'socket'; appToken: string } | { mode: 'http'; signingSecret: string; port: number };
  /** Ends in a slash; undefined: Slack itself. */
  apiUrl: string | undefined;
}

export interface LoadConfigOptions {
  /** Default: the process's own. */
  env?: Environment;
  /** Where relative paths start; default: the working directory. */
  cwd?: string;
  /** The tokens must be there: for whatever talks to Slack. */
  requireSlack?: boolean;
}

/** @throws AppError invalid_input naming every problem at once, a line each */
export function loadConfig(
  options: LoadConfigOptions & { requireSlack: true },
): Config & { slack: SlackConfig };
export function loadConfig(options?: LoadConfigOptions): Config;
export function loadConfig(options: LoadConfigOptions = {}): Config {
  const env = options.env ?? process.env;
  const cwd = options.cwd ?? process.cwd();
  const path = configPath(env, cwd);
  const problems: ConfigProblem[] = [];

  const file = readFile(path, problems);
  const slack = readSlack(env, options.requireSlack ?? false, problems);
  const port = readPort(env, problems);
  const logLevel = readLogLevel(env, problems);
  const eventsSecret = readEventsSecret(env, problems);
  const database = readDatabase(env, problems);
  const runPodUrl = readRunPodUrl(env, problems);
  const metrics = readMetrics(env, problems);
  const traces = readTraces(env, problems);
  if (options.requireSlack) problems.push(...missingTokens(file, env));
  if (problems.length > 0 || !file) throw problemsError(path, problems, MEND);

  const named = new Set<string>();
  const secret = (variable: string): NamedSecret => {
    named.add(variable);
    return { variable, read: () => set(env, variable) };
  };
  const useCases = file.useCases.map((entry) =>
    toUseCase(entry, { folder: dirname(path), secret, runPodUrl }),
  );

  return {
    path,
    dataDir: set(env, 'SIGNALBOX_DATA_DIR')
      ? resolve(cwd, set(env, 'SIGNALBOX_DATA_DIR')!)
      : resolve(dirname(path), file.storage.dataDir ?? './data'),
    database,
    admins: file.admins,
    useCases,
    slack,
    events: file.events,
    eventsSecret,
    viewer: file.viewer && {
      publicUrl: file.viewer.publicUrl,
      allowedOrigins: file.viewer.allowedOrigins,
      linkFor: milliseconds(file.viewer.linksExpireAfter),
    },
    runs: {
      keepFor: file.storage.keepRuns === 'forever' ? undefined : milliseconds(file.storage.keepRuns),
      disk: file.storage.runsDisk,
    },
    library:
      file.logs.library === 'off'
        ? undefined
        : { disk: file.logs.library.disk, keepFor: milliseconds(file.logs.library.keep) },
    port: port ?? (file.viewer ? DEFAULT_PORT : undefined),
    host: set(env, 'SIGNALBOX_HOST'),
    logLevel,
    metrics,
    traces,
    secrets: [
      ...[...SECRET_VARIABLES, ...named].flatMap((name) => set(env, name) ?? []),
      // A short one is no key, and would be masked wherever its letters stand.
      ...Object.values(traces?.headers ?? {}).filter(canGuard),
      ...(database ? databaseSecrets(database) : []),
    ],
  };
}

/** The process's environment, for those who take one as an argument. */
export function environment(): Environment {
  return process.env;
}

/** Which file is read: `SIGNALBOX_CONFIG`, or signalbox.yaml in the working directory. */
function configPath(env: Environment, cwd: string): string {
  return resolve(cwd, set(env, 'SIGNALBOX_CONFIG') ?? DEFAULT_CONFIG_FILE);
}

/** Whether stack traces may be printed: `SIGNALBOX_DEBUG=1`. */
export function debugging(env: Environment = process.env): boolean {
  const value = set(env, 'SIGNALBOX_DEBUG');
  return value !== undefined && value !== '0' && value !== 'false';
}

/** The environment of a child process: this one's, changed; `undefined` takes a variable away. */
export function childEnvironment(changes: Environment): Record<string, string> {
  const merged = { ...process.env, ...changes };
  return Object.fromEntries(
    Object.entries(merged).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/**
 * Takes over what `.env` in the working directory sets and the environment does not. Into the process's own
 * environment, since the AWS SDK reads its variables there.
 */
export function prepareEnvironment(cwd: string = process.cwd()): void {
  // On Node 20 the SDK announces at each start which of its later versions will want Node 22.
  process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';
  const path = resolve(cwd, '.env');
  if (!existsSync(path)) return;
  for (const [name, value] of Object.entries(parseEnv(readFileSync(path, 'utf8'))))
    if (process.env[name] === undefined) process.env[name] = value;
}

const SECRET_VARIABLES = [
  'SLACK_BOT_TOKEN',
  'SLACK_APP_TOKEN',
  'SLACK_SIGNING_SECRET',
  'SIGNALBOX_EVENTS_SECRET',
  METRICS_TOKEN,
  'AWS_SECRET_ACCESS_KEY',
  'AWS_SESSION_TOKEN',
];

function readFile(path: string, problems: ConfigProblem[]) {
  const read = readYaml(
    path,
    {
      missing:
        'Copy signalbox.example.yaml to signalbox.yaml and edit it, or set SIGNALBOX_CONFIG to the path of yours.',
      unreadable:
        'Make the file readable for the user that runs Signalbox, or set SIGNALBOX_CONFIG to another one.',
    },
    problems,
  );
  if (!read) return undefined;
  const { raw } = read;
  const parsed = fileSchema.safeParse(raw);
  if (!parsed.success) problems.push(...describeIssues(parsed.error.issues, raw));
  problems.push(...contradictions(raw), ...sectionProblems(raw, dirname(path)));
  return parsed.data;
}

/** What each key allows by itself but not together. Works on whatever is there, so that it is said at once. */
function contradictions(raw: unknown): ConfigProblem[] {
  const entries = (raw as { useCases?: unknown } | null)?.useCases;
  if (!Array.isArray(entries)) return [];
  const problems: ConfigProblem[] = [];
  const seen = new Map<unknown, number>();
  entries.forEach((entry: unknown, index) => {
    if (typeof entry !== 'object' || entry === null) return;
    const { id, account, roleArn, externalId } = entry as Record<string, unknown>;
    for (const key of ['account', 'region'] as const)
      if (wantsAws(entry) && !(key in entry)) problems.push(problemAt(['useCases', index, key], raw));
    const at = `useCases[${index}]`;
    const first = seen.get(id);
    if (id !== undefined && first !== undefined)
      problems.push({
        key: `${at}.id`,
        message: `${at}.id: expected an id of its own, but useCases[${first}] is "${id}" too. Example: id: ${id}-2`,
      });
    else seen.set(id, index);
    const roleAccount =
      typeof roleArn === 'string' ? /^arn:[^:]+:iam::(\d{12}):/.exec(roleArn)?.[1] : undefined;
    if (roleAccount && typeof account === 'string' && /^\d{12}$/.test(account) && roleAccount !== account)
      problems.push({
        key: `${at}.roleArn`,
        message: `${at}.roleArn: expected a role in the use case's account ${account}, but this one is in account ${roleAccount}. Example: roleArn: arn:aws:iam::${account}:role/SignalboxAccess`,
      });
    if (externalId !== undefined && roleArn === undefined)
      problems.push({
        key: `${at}.externalId`,
        message: `${at}.externalId: expected a roleArn beside it, since the id is only sent when a role is assumed, but there is none. Example: roleArn: arn:aws:iam::123456789012:role/SignalboxAccess`,
      });
  });
  return problems;
}

/** Left out, account and region mean that there is nothing of the use case in AWS: then nothing else may need them. */
function wantsAws(entry: object): boolean {
  const { providers } = entry as { providers?: { sagemaker?: unknown } | null };
  return (
    Boolean(providers?.sagemaker) ||
    providers === undefined ||
    ['account', 'region', 'roleArn', 'externalId', 'compile', 'components'].some((key) => key in entry)
  );
}

function readSlack(env: Environment, required: boolean, problems: ConfigProblem[]): SlackConfig | undefined {
  const botToken = token(
    env,
    'SLACK_BOT_TOKEN',
    'xoxb-',
    'the bot token (OAuth & Permissions in the app)',
    problems,
  );
  const appToken = token(
    env,
    'SLACK_APP_TOKEN',
    'xapp-',
    'an app-level token with connections:write (Basic Information in the app)',
    problems,
  );
  const signingSecret = set(env, 'SLACK_SIGNING_SECRET');
  const apiUrl = set(env, 'SLACK_API_URL');
  if (apiUrl !== undefined && !isHttpUrl(apiUrl))
    problems.push(variable('SLACK_API_URL', 'an http or https URL', apiUrl, 'https://slack.com/api/'));
  if (required && botToken === undefined)
    problems.push(
      variable('SLACK_BOT_TOKEN', 'the bot token (OAuth & Permissions in the app)', undefined, 'xoxb-…'),
    );
  if (required && appToken === undefined && signingSecret === undefined)
    problems.push(
      variable(
        'SLACK_APP_TOKEN',
        'an app-level token with connections:write (Socket Mode), or SLACK_SIGNING_SECRET (HTTP mode)',
        undefined,
        'xapp-…',
      ),
    );
  if (botToken === undefined || (appToken === undefined && signingSecret === undefined)) return undefined;
  return {
    botToken,
    connection:
      appToken !== undefined
        ? { mode: 'socket', appToken }
        : { mode: 'http', signingSecret: signingSecret!, port: Number(set(env, 'PORT') ?? DEFAULT_PORT) },
    // Web API clients put method names right behind it.
    apiUrl: apiUrl === undefined || apiUrl.endsWith('/') ? apiUrl : `${apiUrl}/`,
  };
}

function token(
  env: Environment,
  name: string,
  prefix: string,
  what: string,
  problems: ConfigProblem[],
): string | undefined {
  const value = set(env, name);
  if (value !== undefined && !value.startsWith(prefix))
    // Never the value itself: it may be another secret in the wrong variable.
    problems.push({
      key: name,
      message: `${name}: expected ${what}, which begins with ${prefix}, but got ${value.length} characters that do not. Example: ${name}=${prefix}…`,
    });
  return value;
}

export function readLogLevel(env: Environment, problems: ConfigProblem[]): LogLevel {
  const value = set(env, 'LOG_LEVEL')?.toLowerCase();
  if (value === undefined) return 'info';
  const level = LOG_LEVELS.find((known) => known === value);
  if (!level) problems.push(variable('LOG_LEVEL', `one of ${LOG_LEVELS.join(', ')}`, value, 'info'));
  return level ?? 'info';
}

/** Whoever serves people must be able to ask where they train; a check of the file alone need not have the secrets. */
function missingTokens(file: ReturnType<typeof readFile>, env: Environment): ConfigProblem[] {
  return (file?.useCases ?? []).flatMap(({ providers }, index) =>
    secretProblems(providers, `useCases[${index}].providers`, (name) => set(env, name)),
  );
}

/** It is all that keeps strangers from making up events. */
function readEventsSecret(env: Environment, problems: ConfigProblem[]): string | undefined {
  const name = 'SIGNALBOX_EVENTS_SECRET';
  const value = set(env, name);
  if (value !== undefined && !canGuard(value))
    // Never the value itself.
    problems.push({
      key: name,
      message: `${name}: expected a secret of ${GUARDING}, but got ${value.length} characters. Example: ${name}=$(openssl rand -hex 32)`,
    });
  return value;
}

/** `RUNPOD_API_URL`, for whoever reaches RunPod through something else. */
function readRunPodUrl(env: Environment, problems: ConfigProblem[]): string {
  const value = set(env, 'RUNPOD_API_URL') ?? RUNPOD_API;
  if (!isHttpUrl(value)) problems.push(variable('RUNPOD_API_URL', 'an http or https URL', value, RUNPOD_API));
  return value.replace(/\/+$/, '');
}
