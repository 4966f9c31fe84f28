/** A use case without AWS that trains on runners in memory, with all that works in the background, and one person. */

import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { LOGS } from '../../src/blocks/logs.ts';
import type { Option } from '../../src/blocks/message.ts';
import type { Command, SubmittedView } from '../../src/commands/command.ts';
import type { Context } from '../../src/commands/context.ts';
import { allCommands } from '../../src/commands/index.ts';
import type { Services } from '../../src/commands/services.ts';
import type { UseCase } from '../../src/domain/use-cases.ts';
import { AppError } from '../../src/ground/errors.ts';
import { createLogEngine } from '../../src/logs/index.ts';
import { alertBoard } from '../../src/notifiers/alerts.ts';
import { Notifiers } from '../../src/notifiers/index.ts';
import { AlertManager } from '../../src/operations/alert-manager.ts';
import { DownloadQueue } from '../../src/operations/download-queue.ts';
import { DeviceFinder } from '../../src/operations/find-devices.ts';
import { JobChanges } from '../../src/operations/job-changes.ts';
import { JobRefresher } from '../../src/operations/refresh-jobs.ts';
import { JobSuggestions } from '../../src/operations/suggest-jobs.ts';
import type { Store } from '../../src/ports/store.ts';
import { createUseCaseGateway } from '../../src/providers/gateway.ts';
import { openLowdbStore } from '../../src/stores/lowdb.ts';
import { curvesFor } from '../fixtures/curves-for.ts';
import type { MemoryRunner } from '../fixtures/memory-provider.ts';
import { NO_ENGINE } from '../fixtures/no-engine.ts';
import { contextShowing } from '../fixtures/shown-context.ts';
import { memoryNotices, type Posted } from '../notifiers/memory-notices.ts';

export const MINUTE = 60_000;
export const LAB: UseCase = {
  ...{ id: 'lab', name: 'Lab', channels: ['C0LAB'], alertsChannel: 'C0ALERTS' },
  access: { admin: ['U0ADA'] },
  logs: { delivery: 'channel', gzipAbove: 50e6, secondLane: 'auto' },
  onCall: { levels: [['U0ADA']], escalateAfterMs: 10 * MINUTE },
  stuckAfterMs: 30 * MINUTE,
};

export interface Lab {
  store: Store;
  services: Services;
  /** What went wrong in the background. */
  errors: readonly unknown[];
  /** The texts of files that were delivered, oldest first. */
  files: readonly string[];
  now(): number;
  /** Time passes, and everything looks at what there is. */
  pass(ms: number): Promise<void>;
  /** What one person is shown for what they typed, as text. */
  type(command: string, text: string): Promise<string>;
  /** The same for a button of what was shown, by its words. */
  click(words: string | RegExp): Promise<string>;
  /** The same for the shortcut on somebody's message. */
  onMessage(text: string): Promise<string>;
  /** What the field of a form suggests. */
  suggest(action: string, typed: string): Promise<Option[]>;
  submit(form: string, values: SubmittedView['values']): Promise<string>;
  /** What a channel has been posted, as text. */
  on(channel: string): string;
  close(): Promise<void>;
}

interface Pressable {
  type?: string;
  action_id?: string;
  value?: string;
  text?: { text?: string };
}

/** @param useCase as it is configured, with the id of the lab */
export async function openLab(providers: readonly MemoryRunner[], useCase: UseCase = LAB): Promise<Lab> {
  const dir = await mkdtemp(join(tmpdir(), 'signalbox-lab-'));
  let now = Date.UTC(2026, 0, 5, 12);
  const shown: Posted[] = [];
  const errors: unknown[] = [];
  const files: string[] = [];
  let said: unknown[] = [];
  const clock = { now: () => now };
  const store = await openLowdbStore(dir, clock);
  const notices = memoryNotices(store, shown);
  const onError = (error: unknown): void => void errors.push(error);
  const changes = new JobChanges(onError);
  const gateway = createUseCaseGateway({
    clock,
    engine: NO_ENGINE,
    providers,
    accounts: { open: () => Promise.reject(new Error('there is no account to open')) },
  });
  const useCases = [useCase];
  const directory = { isInGroup: async () => false, isInChannel: async () => false };
  const alerts = new AlertManager({
    ...{ store, clock, directory: {}, useCases, admins: [], onError },
    show: alertBoard(notices),
  });
  const common = { store, clock, gateway, changes, useCases, team: 'T', onError };
  const ticker = () => ({ stop: () => undefined });
  const refresher = new JobRefresher({ ...common, ticker });
  const curves = curvesFor({ ...common, engine: createLogEngine({ spoolDir: join(dir, 'spool'), clock }) });
  const notifiers = new Notifiers({
    ...{ ...common, notices, alerts, refresher, ticker },
    curves: { reader: curves.curves, pictures: curves.pictures },
    files: { deliver: async () => ({ shared: Promise.resolve(true) }) },
  });
  notifiers.start();
  const services: Services = {
    ...{ ...common, alerts, directory, refresher, admins: [] },
    tails: { runs: { of: async () => undefined }, notices, changed: () => {} },
    downloads: new DownloadQueue(clock),
    fleet: new DeviceFinder({ gateway, clock }, 0),
    engine: createLogEngine({ spoolDir: join(dir, 'spool'), clock }),
    ...curves,
    suggestions: new JobSuggestions({ gateway, clock, store, keep: 0, every: 0 }),
    files: {
      maxBytes: 1e9,
      hasArrived: async () => undefined,
      deliver: async (order) => {
        said.push(order);
        for (const { path } of order.files) files.push(await readFile(path, 'utf8'));
        return { shared: Promise.resolve(true) };
      },
    },
  };
  const commands = allCommands(services);

  async function pass(ms: number): Promise<void> {
    now += ms;
    await refresher.tick();
    await changes.idle();
    await notifiers.tick();
    await notifiers.idle();
  }

  const context = (command: string): Context =>
    contextShowing(
      {
        ...{ actor: { team: 'T', user: 'U0ADA' }, userName: 'ada', invocation: `/${command}`, slash: '/' },
        place: { channel: 'C0LAB', isDirect: false },
      },
      (what) => said.push(what),
    );

  /** @returns all that was said meanwhile, a refusal included */
  async function hear(work: () => Promise<unknown>): Promise<string> {
    said = [];
    try {
      await work();
    } catch (error) {
      if (!(error instanceof AppError)) throw error;
      said.push(`${error.message} ${error.hint ?? ''}`);
    }
    return JSON.stringify(said);
  }

  /** The command that has a handler of this id. */
  function owner(kind: 'actions' | 'views' | 'options' | 'shortcuts', id: string): Command {
    const found = commands.find((command) => Object.hasOwn(command[kind] ?? {}, id));
    if (!found) throw new Error(`no command has ${kind} ${id}`);
    return found;
  }

  // The first look at the list makes news of nothing.
  for (const provider of providers)
    provider.put('before', 'EXITED_0', { createdAt: now - 100 * MINUTE, endedAt: now - 90 * MINUTE });
  await pass(0);

  return {
    ...{ store, services, errors, files, pass },
    now: () => now,
    type: (command, text) =>
      hear(() => commands.find(({ name }) => name === command)!.run(context(command), text)),
    click(words) {
      const pressed = pressables(said).find(({ text }) =>
        typeof words === 'string' ? text?.text === words : words.test(text?.text ?? ''),
      );
      if (!pressed) throw new Error(`nothing shown says ${words}: ${JSON.stringify(said)}`);
      const id = pressed.action_id!.split(':')[0]!;
      const command = owner('actions', id);
      const action = { id: pressed.action_id!, value: pressed.value ?? '', block: '' };
      return hear(() => command.actions![id]!(context(command.name), action));
    },
    onMessage(text) {
      const command = owner('shortcuts', LOGS.shortcut);
      const message = { channel: 'C0LAB', ts: '2', text, blocks: [] };
      return hear(() => command.shortcuts![LOGS.shortcut]!(context(command.name), message));
    },
    suggest(action, typed) {
      const command = owner('options', action);
      return command.options![action]!(context(command.name), typed);
    },
    submit(form, values) {
      const command = owner('views', form);
      return hear(async () => {
        const metadata = JSON.stringify({ channel: 'C0LAB', isDirect: false });
        const answer = await command.views![form]!(context(command.name), { metadata, values });
        if ('errors' in answer) said.push(answer.errors);
        else await answer.after();
      });
    },
    on: (channel) =>
      JSON.stringify(shown.filter((one) => one.channel === channel).map(({ message }) => message)),
    async close() {
      await refresher.stop();
      await notifiers.stop();
      await services.downloads.close('the end');
      await store.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

/** Everything in blocks that can be pressed, however deep. */
function pressables(value: unknown): Pressable[] {
  if (Array.isArray(value)) return value.flatMap(pressables);
  if (typeof value !== 'object' || value === null) return [];
  const self = value as Pressable;
  const here = self.type === 'button' && self.action_id !== undefined ? [self] : [];
  return [...here, ...Object.values(value).flatMap(pressables)];
}
