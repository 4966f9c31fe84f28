/** `signalbox events`: sets up the way of events from AWS to the bot, and sends recorded events along it. */
import { randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { sendToQueue } from '../aws/event-sender.ts';
import { setUpEvents } from '../aws/event-setup.ts';
import { type Config, loadConfig } from '../config.ts';
import { EVENTS_PATH, SECRET_HEADER } from '../events/https.ts';
import { AppError } from '../ground/errors.ts';
import { systemCode } from '../ground/files.ts';
import { type CliIo, line } from './io.ts';

const SYMBOLS = { created: '+ created  ', updated: '~ updated  ', unchanged: '= unchanged' } as const;

/** Creates what is missing and prints what it did; running it again changes nothing. */
export async function eventsSetup(io: CliIo): Promise<undefined> {
  const config = loadConfig({ env: io.env, cwd: io.cwd });
  const events = requireQueue(config);
  const { steps, remaining, queueArn } = await setUpEvents({
    ...events,
    sources: config.useCases.flatMap(({ aws }) => aws ?? []),
  });
  for (const { what, state, detail } of steps) line(io.stdout, `${SYMBOLS[state]}  ${what}: ${detail}`);
  line(io.stdout);
  line(
    io.stdout,
    `The bot needs sqs:ReceiveMessage, sqs:DeleteMessage and sqs:ChangeMessageVisibility on ${queueArn}.`,
  );
  if (remaining.length === 0) return undefined;
  line(io.stdout);
  line(io.stdout, 'Left to do, with credentials of the accounts themselves:');
  for (const text of remaining) line(io.stdout, `  ${text}`);
  return undefined;
}

export interface ReplayFlags {
  /** Of a running bot's HTTP server, instead of the queue. */
  url?: string;
  /** New ids and the current time, so that they are not taken for duplicates. */
  fresh?: boolean;
}

/**
 * Sends recorded events the way live ones come: to the queue, or to a running bot's endpoint.
 * @param file JSON lines, a JSON array or a single event; `-` for standard input
 */
export async function eventsReplay(file: string, flags: ReplayFlags, io: CliIo): Promise<undefined> {
  const config = loadConfig({ env: io.env, cwd: io.cwd });
  const { bodies, unreadable } = readEvents(await readText(file, io), flags.fresh ?? false);
  if (bodies.length === 0)
    throw new AppError('invalid_input', `There is no event in ${file}.`, {
      hint: 'Expected a JSON array of EventBridge events, or one event on each line.',
    });
  const sent =
    flags.url === undefined
      ? await sendToQueue(requireQueue(config), bodies, io.signal)
      : await postAll(flags.url, config.eventsSecret, bodies, io);
  line(
    io.stdout,
    `${sent} of ${bodies.length} events sent${unreadable > 0 ? `, ${unreadable} of them not JSON: the bot sets those aside` : ''}`,
  );
  return undefined;
}

async function readText(file: string, io: CliIo): Promise<string> {
  if (file === '-') {
    const chunks: Buffer[] = [];
    for await (const chunk of createReadStream('', { fd: 0, autoClose: false })) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString('utf8');
  }
  try {
    return await readFile(resolve(io.cwd, file), 'utf8');
  } catch (error) {
    const code = systemCode(error);
    throw new AppError(
      code === 'ENOENT' ? 'not_found' : 'invalid_input',
      `${file} cannot be read: ${code ?? 'unknown cause'}.`,
      {
        hint: 'Give the path of a file of events, or - for standard input.',
        cause: error,
      },
    );
  }
}

/** Anything that is not JSON is sent as it is, because a replay must show what live events would do. */
export function readEvents(text: string, fresh: boolean): { bodies: string[]; unreadable: number } {
  let whole: unknown;
  let values: (string | object)[];
  try {
    whole = JSON.parse(text);
    values = [whole].flat().filter((value) => value !== null) as object[];
  } catch {
    values = text
      .split('\n')
      .map((one) => one.trim())
      .filter((one) => one !== '');
  }
  let unreadable = 0;
  const bodies = values.map((value) => {
    if (typeof value === 'string') {
      try {
        const parsed: unknown = JSON.parse(value);
        return fresh ? JSON.stringify(freshened(parsed)) : value;
      } catch {
        unreadable += 1;
        return value;
      }
    }
    return JSON.stringify(fresh ? freshened(value) : value);
  });
  return { bodies, unreadable };
}

/** A new id, and the current time wherever a time identifies a change. */
function freshened(event: unknown): unknown {
  if (typeof event !== 'object' || event === null || Array.isArray(event)) return event;
  const now = new Date();
  const { detail } = event as { detail?: unknown };
  const inner =
    typeof detail === 'object' && detail !== null && 'LastModifiedTime' in detail
      ? { detail: { ...detail, LastModifiedTime: now.getTime() } }
      : {};
  return { ...event, id: randomUUID(), time: now.toISOString(), ...inner };
}

async function postAll(
  url: string,
  secret: string | undefined,
  bodies: readonly string[],
  io: CliIo,
): Promise<number> {
  if (secret === undefined)
    throw new AppError('invalid_input', 'The secret of the endpoint is not set.', {
      hint: 'Set SIGNALBOX_EVENTS_SECRET to what the running bot has.',
    });
  if (!URL.canParse(url))
    throw new AppError('invalid_input', `${url} is not a URL.`, {
      hint: 'Give the address of the bot: http://127.0.0.1:3000',
    });
  const target = new URL(EVENTS_PATH, url);
  let sent = 0;
  for (const body of bodies) {
    io.signal.throwIfAborted();
    let response: Response;
    try {
      response = await fetch(target, {
        method: 'POST',
        headers: { 'content-type': 'application/json', [SECRET_HEADER]: secret },
        body,
        // The secret goes nowhere else.
        redirect: 'error',
        signal: io.signal,
      });
    } catch (error) {
      throw new AppError(
        'unavailable',
        `The bot at ${target.origin} cannot be reached; ${sent} events were sent.`,
        {
          hint: 'Check that it runs with PORT and SIGNALBOX_EVENTS_SECRET set.',
          cause: error,
        },
      );
    }
    if (!response.ok)
      throw new AppError(
        response.status === 401 ? 'permission_denied' : 'unavailable',
        `The bot answered ${response.status} to event ${sent + 1}: ${(await response.text()).trim().slice(0, 300)}`,
        {
          hint:
            response.status === 401
              ? 'Set SIGNALBOX_EVENTS_SECRET to what the running bot has.'
              : 'Look into the log of the bot.',
        },
      );
    await response.body?.cancel();
    sent += 1;
  }
  return sent;
}

function requireQueue(config: Config): NonNullable<Config['events']> {
  if (config.events) return config.events;
  throw new AppError('invalid_input', 'signalbox.yaml names no queue for events.', {
    hint: 'Add events: { queueUrl: https://sqs.eu-west-1.amazonaws.com/111122223333/signalbox-events, region: eu-west-1 } with your account and region; the queue need not exist yet.',
  });
}
