/** The one message of a download, for a training's log and a compilation's alike. */
import { pino } from 'pino';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Message } from '../../src/blocks/message.ts';
import type { Context } from '../../src/commands/context.ts';
import { allCommands } from '../../src/commands/index.ts';
import type { Services } from '../../src/commands/services.ts';
import { AppError } from '../../src/ground/errors.ts';
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
let fetched: (signal: AbortSignal) => Promise<void>;

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
  services = {
    ...teams.services,
    useCases: teams.services.useCases.map((useCase) => ({ ...useCase, access: { admin: ['S0ADMINS'] } })),
    directory: { ...teams.services.directory, isInGroup: async () => isAllowed },
    engine: {
      download: async (request, { signal } = {}) => {
        await fetched(signal!);
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
        const edit = (message: Message): void => void show(message);
        return { channel: 'C0ALPHA', ts: String(at), edit, finish: show, remove: () => show('removed') };
      },
      retire: async () => {},
    },
  } as unknown as Context;
  const command = allCommands(services).find(({ actions }) => actions?.[id]);
  await command!.actions![id]!(context, { id, value, block: '' });
}

const signal = (): { promise: Promise<void>; give: () => void } => {
  let give = (): void => {};
  const promise = new Promise<void>((resolve) => {
    give = resolve;
  });
  return { promise, give };
};
const untilAborted = (aborted: AbortSignal): Promise<void> =>
  new Promise((_, reject) => aborted.addEventListener('abort', () => reject(aborted.reason)));
const idOfCancel = (message: Message | 'removed' | undefined): string =>
  /"logs\.cancel","value":"([^"]+)"/.exec(JSON.stringify(message))![1]!;

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
    await click('logs.cancel', idOfCancel(messages[0]));
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
    await click('logs.cancel', idOfCancel(messages[0]));
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
});
