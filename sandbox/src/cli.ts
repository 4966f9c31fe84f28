#!/usr/bin/env node
/** `signalbox-sandbox`: the sandbox from a terminal, until Ctrl-C. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SandboxError } from './errors.ts';
import { type Sandbox, startSandbox } from './sandbox.ts';
import { readWorld } from './world-file.ts';

const USAGE = `signalbox-sandbox [options]

A Slack workspace with a page, AWS endpoints and RunPod's API, on 127.0.0.1 until Ctrl-C.

  --port N         of the page and Slack (default: any free one)
  --aws-port N     of AWS (default: any free one)
  --runpod-port N  of RunPod (default: any free one)
  --data DIR       folder for tokens and files (default: a temporary one, and new tokens each time)
  --manifest FILE  the Slack app's manifest, YAML or JSON (default: one that grants every bot scope and event here)
  --world FILE     who and what is there, YAML or JSON (default: three people, one AWS account)
  --request-url U  sends commands, clicks and events to this URL instead of Socket Mode
  --help           prints this
`;

interface Flags {
  port: number | undefined;
  awsPort: number | undefined;
  runpodPort: number | undefined;
  data: string | undefined;
  manifest: string | undefined;
  world: string | undefined;
  requestUrl: string | undefined;
}

/** @returns undefined when help was asked for. @throws SandboxError invalid_input */
function readFlags(args: readonly string[]): Flags | undefined {
  let values: Record<string, string | boolean | undefined>;
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        port: { type: 'string' },
        'aws-port': { type: 'string' },
        'runpod-port': { type: 'string' },
        data: { type: 'string' },
        manifest: { type: 'string' },
        world: { type: 'string' },
        'request-url': { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (cause) {
    throw new SandboxError('invalid_input', (cause as Error).message, {
      cause,
      hint: 'signalbox-sandbox --help lists the options.',
    });
  }
  if (values.help) return undefined;
  const text = (name: string): string | undefined => values[name] as string | undefined;
  return {
    port: portOf('port', text('port')),
    awsPort: portOf('aws-port', text('aws-port')),
    runpodPort: portOf('runpod-port', text('runpod-port')),
    data: text('data'),
    manifest: text('manifest'),
    world: text('world'),
    requestUrl: text('request-url'),
  };
}

function portOf(name: string, given: string | undefined): number | undefined {
  if (given === undefined) return undefined;
  const port = Number(given);
  if (/^\d+$/.test(given) && port <= 65_535) return port;
  throw new SandboxError('invalid_input', `--${name} must be a number from 0 to 65535, not ${given}.`, {
    hint: 'Leave it out for any free port.',
  });
}

async function start(flags: Flags, dataDir: string): Promise<Sandbox> {
  const world = flags.world === undefined ? undefined : await readWorld(resolve(flags.world));
  return startSandbox({
    dataDir,
    slack: {
      onError: (error) => console.error(error),
      ...(flags.requestUrl === undefined ? {} : { requestUrl: flags.requestUrl }),
    },
    ...(flags.manifest === undefined ? {} : { manifestPath: resolve(flags.manifest) }),
    ...(flags.port === undefined ? {} : { port: flags.port }),
    ...(flags.awsPort === undefined ? {} : { awsPort: flags.awsPort }),
    ...(flags.runpodPort === undefined ? {} : { runpodPort: flags.runpodPort }),
    ...(world ? { slackWorld: world.slack, awsWorld: world.aws, runpodWorld: world.runpod } : {}),
  });
}

/** Lines that scripts read. */
function announce(sandbox: Sandbox): void {
  const { url, slackApiUrl, tokens, awsEndpoint, awsCredentials } = sandbox;
  console.log(`Sandbox ready: ${url}`);
  console.log(`Slack API: ${slackApiUrl}`);
  console.log(`Slack tokens: ${tokens.bot} ${tokens.app} ${tokens.signingSecret}`);
  console.log(`AWS endpoint: ${awsEndpoint}`);
  console.log(`RunPod API: ${sandbox.runpodApiUrl}`);
  if (sandbox.runpodKey) console.log(`RunPod key: ${sandbox.runpodKey}`);
  if (awsCredentials)
    console.log(`AWS credentials: ${awsCredentials.accessKeyId} ${awsCredentials.secretAccessKey}`);
}

async function main(): Promise<void> {
  const flags = readFlags(process.argv.slice(2));
  if (flags === undefined) {
    process.stdout.write(USAGE);
    return;
  }
  // From the beginning: what is ended while it starts leaves nothing behind either.
  const ended = new Promise<void>((end) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => end());
  });
  const dataDir = flags.data ?? (await mkdtemp(join(tmpdir(), 'signalbox-sandbox-')));
  try {
    const sandbox = await start(flags, dataDir);
    announce(sandbox);
    await ended;
    await sandbox.close();
  } finally {
    if (flags.data === undefined) await rm(dataDir, { recursive: true, force: true });
  }
}

try {
  await main();
} catch (error) {
  if (!(error instanceof SandboxError)) throw error;
  console.error(`error: ${error.message}`);
  if (error.hint) console.error(error.hint.replace(/^/gm, '  '));
  process.exitCode = error.code === 'invalid_input' ? 2 : error.code === 'not_found' ? 3 : 5;
}
