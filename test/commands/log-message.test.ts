/** The one message of a download, for a training's log and a compilation's alike. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { Message } from '../../src/blocks/message.ts';
import type { Context } from '../../src/commands/context.ts';
import { allCommands } from '../../src/commands/index.ts';
import type { Services } from '../../src/commands/services.ts';
import { AppError } from '../../src/ground/errors.ts';
import type { LogProgress } from '../../src/logs/index.ts';
import { DownloadQueue } from '../../src/operations/download-queue.ts';
import type { DownloadsElsewhere } from '../../src/operations/downloads-elsewhere.ts';
import type { LogSource } from '../../src/ports/log-source.ts';
import type { UseCaseGateway } from '../../src/ports/use-case-session.ts';
import { ALPHA_ADMIN, startTwoTeams, type TwoTeams } from '../fixtures/two-teams.ts';

let teams: TwoTeams;
let services: Services;
/** What the person was shown in private, and what became of each progress message: its last words, or `removed`. */
let told: Message[];
let messages: (Message | 'removed')[];
let delivered: number;
/** Settled by a test where Slack is slow to show a file. */
let shared: Promise<boolean>;
let isAllowed: boolean;
/** Settled when Slack has removed a message, or shown its last words. */
let removed: () => Promise<void>;
let finished: () => Promise<void>;
let fetched: (signal: AbortSignal, tell: (progress: LogProgress) => void) => Promise<void>;
/** What each message has said on its way, as text; edits that somebody waits for begin with `!`. */
let edits: string[];

beforeEach(async () => {
  teams = await startTwoTeams();
  [told, messages, delivered, shared, isAllowed, fetched] = [
    [],
    [],
    0,
    Promise.resolve(true),
    true,
    async () => {},
  ];
  edits = [];
  [removed, finished] = [async () => {}, async () => {}];
  services = {
    ...teams.services,
    gateway: withLog(teams.services.gateway, END),
    useCases: teams.services.useCases.map((useCase) => ({ ...useCase, access: { admin: ['S0ADMINS'] } })),
    directory: { ...teams.services.directory, isInGroup: async () => isAllowed },
    engine: {
      download: async (request, { signal, onProgress } = {}) => {
        await fetched(signal!, onProgress!);
        return {
          facts: { events: 1, textBytes: 8, streams: [], firstEventAt: undefined, lastEventAt: undefined },
          files: [{ path: '/nowhere', name: request.fileName, bytes: 8, gzipped: false }],
          resumed: false,
          notes: [],
          dispose: async () => {},
        };
      },
    },
    files: {
      ...teams.services.files,
      deliver: async () => {
        delivered += 1;
        return { shared };
      },
    },
  };
});
afterEach(() => teams.stop());

async function click(id: string, value: string): Promise<void> {
  const context = {
    actor: { team: 'T', user: ALPHA_ADMIN },
    userName: 'ada',
    place: { channel: 'C0ALPHA', isDirect: false },
    log: pino({ level: 'silent' }),
    reply: {
      privately: async (message: Message) => void told.push(message),
      publicly: async (first: Message) => {
        const at = messages.push(first) - 1;
        const show = async (message: Message | 'removed'): Promise<void> => {
          messages[at] = message;
        };
        const edit = (message: Message, awaited?: 'awaited'): void => {
          edits.push(`${awaited ? '!' : ''}${JSON.stringify(message)}`);
          void show(message);
        };
        const finish = async (message: Message): Promise<void> => {
          await finished();
          await show(message);
        };
        const remove = async (): Promise<void> => {
          await removed();
          await show('removed');
        };
        return { channel: 'C0ALPHA', ts: String(at), edit, finish, remove };
      },
      retire: async () => {},
    },
  } as unknown as Context;
  const command = allCommands(services).find(({ actions }) => actions?.[id]);
  await command!.actions![id]!(context, { id, value, block: '' });
}

/** A log that ends with these lines. */
const END = ['epoch 8', 'token=hf_AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh', 'epoch 9'];
const HUGE: LogProgress = {
  ...{ phase: 'fetching', events: 9_000, textBytes: 1_000_000, fraction: 0.01, throttled: false },
};

function withLog(gateway: UseCaseGateway, lines: readonly string[]): UseCaseGateway {
  const log: LogSource = {
    id: 'log',
    listStreams: async () => [{ name: 'algo-1', shortName: 'algo-1' }],
    readPage: async () => {
      const messages = lines.map((line) => Buffer.from(line));
      let end = 0;
      return {
        count: messages.length,
        text: Buffer.concat(messages),
        ends: Uint32Array.from(messages, ({ length }) => (end += length)),
        times: Float64Array.from(messages, (_, at) => at),
        nextToken: undefined,
      };
    },
  };
  return {
    ...gateway,
    open: async (...args) => {
      const session = await gateway.open(...args);
      const providers = session.providers.map((provider) => ({ ...provider, log: () => log }));
      return { ...session, providers, compilationLog: () => log };
    },
  };
}

/** A download of a large log, until it is ended. */
const untilEnded = (aborted: AbortSignal, tell: (progress: LogProgress) => void): Promise<void> => {
  tell(HUGE);
  return untilAborted(aborted);
};
async function until(is: () => boolean | Promise<boolean>): Promise<void> {
  while (!(await is())) await new Promise(setImmediate);
}
const isShown = (): boolean => edits.some((edit) => edit.startsWith('!'));
const idOf = (button: string): string =>
  new RegExp(`"logs\\.${button}","value":"([^"]+)"`).exec(JSON.stringify(messages[0]))![1]!;

const signal = (): { promise: Promise<void>; give: () => void } => {
  let give = (): void => {};
  const promise = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { promise, give };
};
const untilAborted = (aborted: AbortSignal): Promise<void> =>
  new Promise((_, reject) => aborted.addEventListener('abort', () => reject(aborted.reason)));

describe.each([
  ['a training', 'logs.get', ({ alpha }: TwoTeams) => `{"job":"${alpha.job}","useCase":"alpha"}`],
  ['a compilation', 'compile.log', ({ alpha }: TwoTeams) => `alpha ${alpha.job} ${alpha.target}`],
])('[L4] the message of the log of %s', (_, action, value) => {
  const ask = (): Promise<void> => click(action, value(teams));
  /** What asks again is the same button, under Retry's own id for a training. */
  const again = action === 'logs.get' ? 'logs.retry' : action;

  it('goes when the file is there', async () => {
    await ask();
    expect({ delivered, messages, told }).toEqual({ delivered: 1, messages: ['removed'], told: [] });
  });

  it('that cannot be removed yet holds up no other download, and is no failure', async () => {
    const go = signal();
    removed = () => go.promise;
    services = { ...services, downloads: new DownloadQueue(services.clock, { perProcess: 1, perUser: 12 }) };
    const first = ask();
    await until(() => delivered === 1);
    const second = ask();
    await until(() => delivered === 2);
    go.give();
    await Promise.all([first, second]);
    expect({ messages, told }).toEqual({ messages: ['removed', 'removed'], told: [] });
  });

  it('says interrupted where another instance told so while this one hung, and no second file comes', async () => {
    let heard: number | undefined = 1;
    const elsewhere = { instance: 'me', find: async () => undefined, continuity: () => heard };
    services = {
      ...services,
      downloads: new DownloadQueue(services.clock, undefined, elsewhere as unknown as DownloadsElsewhere),
      files: {
        ...services.files,
        deliver: async (_, { onSharing }) => {
          await onSharing?.(['F1']);
          delivered += 1;
          return { shared };
        },
      },
    };
    fetched = async () => {
      heard = undefined;
      const [record] = await services.store.listUnfinished();
      await services.store.removeUnfinished(record!.id);
      heard = 2;
    };
    await ask();
    expect(delivered).toBe(0);
    expect(JSON.stringify(messages)).toContain('Interrupted');
    expect(JSON.stringify(messages)).toContain(`"action_id":"${again}"`);
    expect(await services.store.listUnfinished()).toEqual([]);

    // One that hung, and was not taken for ended, delivers what it has.
    fetched = async () => {
      heard = 3;
    };
    await ask();
    expect(delivered).toBe(1);
  });

  it('that Slack does not remove in time keeps nobody from stopping, and stays on record', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    try {
      removed = () => new Promise(() => {});
      services = { ...services, downloads: new DownloadQueue(services.clock) };
      const asked = ask();
      await until(() => delivered === 1);
      await services.downloads.close('Signalbox is restarting.');
      await vi.advanceTimersByTimeAsync(3_000);
      await asked;
    } finally {
      vi.useRealTimers();
    }
    expect(told).toEqual([]);
    expect(await services.store.listUnfinished()).toMatchObject([{ ts: '0' }]);
  });

  it('that Slack refuses to remove stays on record as nobody’s, only to be removed', async () => {
    removed = () => Promise.reject(new AppError('rate_limited', 'Slack asks us to slow down.'));
    await ask();
    expect({ delivered, told }).toEqual({ delivered: 1, told: [] });
    expect(JSON.stringify(messages)).not.toContain('slow down');
    const left = await services.store.listUnfinished();
    expect(left).toEqual([
      { id: expect.any(String), channel: 'C0ALPHA', ts: '0', since: expect.any(Number) },
    ]);
  });

  it('whose last words Slack does not take stays on record with them', async () => {
    finished = () => Promise.reject(new AppError('unavailable', 'Slack could not be reached.'));
    fetched = () => Promise.reject(new AppError('unavailable', 'The log service is down.'));
    await expect(ask()).rejects.toThrow('Slack could not be reached.');
    const [left] = await services.store.listUnfinished();
    expect(JSON.stringify(left!.becomes)).toContain('The log service is down.');
    expect(left).not.toHaveProperty('by');
    expect(left).not.toHaveProperty('download');
  });

  it('belongs to a finished download once Slack has the file: the same can be asked for anew, and not cancelled', async () => {
    const [handedOver, seen] = [signal(), signal()];
    services.files.deliver = async () => {
      delivered += 1;
      handedOver.give();
      return { shared: seen.promise.then(() => false) };
    };
    const first = ask();
    await handedOver.promise;
    await new Promise(setImmediate);
    await click('logs.cancel', idOf('cancel'));
    expect(JSON.stringify(told)).toContain('no longer running');
    const second = ask();
    seen.give();
    await Promise.all([first, second]);
    expect(delivered).toBe(2);
    expect(JSON.stringify(messages[0])).toContain('is uploaded. Slack is slow');
    expect(JSON.stringify(told)).not.toContain('is being fetched already');
  });

  it('is the only one while the same is being fetched', async () => {
    const [fetching, go] = [signal(), signal()];
    fetched = async () => {
      fetching.give();
      await go.promise;
    };
    const first = ask();
    await fetching.promise;
    await ask();
    expect(JSON.stringify(told)).toContain('is being fetched already');
    go.give();
    await first;
    expect(messages).toEqual(['removed']);
  });

  it('goes without the file where the right to read was lost meanwhile', async () => {
    fetched = async () => {
      isAllowed = false;
    };
    await ask();
    expect({ delivered, messages }).toEqual({ delivered: 0, messages: ['removed'] });
    expect(JSON.stringify(told)).toMatch(/do not have permission|no role/);
  });

  it('says who cancelled it, and offers to ask again', async () => {
    const fetching = signal();
    fetched = (aborted) => {
      fetching.give();
      return untilAborted(aborted);
    };
    const asked = ask();
    await fetching.promise;
    await click('logs.cancel', idOf('cancel'));
    await asked;
    const words = JSON.stringify(messages[0]);
    expect(words).toContain('by ada');
    expect(words).toContain(`"action_id":"${again}"`);
  });

  it('says what went wrong, offers to ask again, and tells account details to an admin alone', async () => {
    fetched = async () => {
      throw new AppError('permission_denied', 'AWS refused to show the log.', {
        adminHint: 'Allow logs:Get.',
      });
    };
    await ask();
    const words = JSON.stringify(messages[0]);
    expect(words).toContain('AWS refused to show the log.');
    expect(words).toContain(`"action_id":"${again}"`);
    expect(words).not.toContain('logs:Get');
    expect(JSON.stringify(told)).toContain('logs:Get');
  });

  it('goes where there is no log yet, which the person alone is told', async () => {
    fetched = async () => {
      throw new AppError('not_found', 'There is no stream.');
    };
    await ask();
    expect(messages).toEqual(['removed']);
    expect(JSON.stringify(told)).toMatch(/No (?:compile log|logs available)/);
  });

  describe('[L12] once the end of the log is known', () => {
    it('shows it, masked, in an edit that somebody waits for, and in every one after it', async () => {
      const go = signal();
      fetched = async (_, tell) => {
        tell(HUGE);
        await until(isShown);
        tell({ ...HUGE, fraction: 0.5 });
        go.give();
      };
      await ask();
      await go.promise;
      const shown = edits.findIndex((edit) => edit.startsWith('!'));
      expect(edits.filter((edit) => edit.startsWith('!'))).toHaveLength(1);
      for (const edit of edits.slice(shown)) {
        expect(edit).toContain('epoch 9');
        expect(edit).toContain('This will do');
        expect(edit).not.toContain('hf_AbCd');
      }
      expect(edits.slice(shown).some((edit) => edit.includes('50 % of the time range'))).toBe(true);
      expect({ delivered, messages }).toEqual({ delivered: 1, messages: ['removed'] });
    });

    it('ends the download where that will do, says so, and offers the file', async () => {
      fetched = untilEnded;
      const asked = ask();
      await until(isShown);
      await click('logs.enough', idOf('enough'));
      await asked;
      const words = JSON.stringify(messages[0]);
      expect(words).toContain('Only the last lines');
      expect(words).toContain('ended by ada');
      expect(words).toContain('epoch 9');
      expect(words).toContain(`"action_id":"${again}"`);
      expect(words).not.toMatch(/logs\.(?:cancel|enough)|hf_AbCd/);
      expect(delivered).toBe(0);
      const record = (await services.store.listAudit({ limit: 9 })).map((one) => one.action);
      expect(record).toEqual(['logs.enough', 'logs.lines_shown']);
    });

    it('goes, with what it showed, where the right to read was lost before that', async () => {
      fetched = untilEnded;
      const asked = ask();
      await until(isShown);
      const id = idOf('enough');
      isAllowed = false;
      await click('logs.enough', id);
      await asked;
      expect(messages).toEqual(['removed']);
      expect(JSON.stringify(told)).toMatch(/do not have permission|no role/);
    });

    it('does not show it to somebody who may not read it any more', async () => {
      const asks = { before: 0, now: 0 };
      services.directory.isInGroup = async () => {
        asks.now += 1;
        return isAllowed;
      };
      fetched = async (_, tell) => {
        isAllowed = false;
        asks.before = asks.now;
        tell(HUGE);
        await until(() => asks.now > asks.before);
        await new Promise(setImmediate);
      };
      await ask();
      expect(edits.join()).not.toContain('epoch 9');
      expect(messages).toEqual(['removed']);
    });

    it('keeps it where the download fails, or is cut off by a kill, and not where it is cancelled', async () => {
      fetched = async (_, tell) => {
        tell(HUGE);
        await until(isShown);
        throw new AppError('unavailable', 'The log service is down.');
      };
      await ask();
      const failed = JSON.stringify(messages[0]);
      for (const part of ['The log service is down.', 'epoch 9', `"action_id":"${again}"`])
        expect(failed).toContain(part);

      fetched = untilEnded;
      [edits, messages] = [[], []];
      const asked = ask();
      await until(isShown);
      const left = async (): Promise<string> => JSON.stringify(await services.store.listUnfinished());
      await until(async () => (await left()).includes('epoch 9'));
      expect(await left()).toContain('Interrupted');
      await click('logs.cancel', idOf('cancel'));
      await asked;
      expect(JSON.stringify(messages[0])).not.toContain('epoch 9');
    });
  });
});
