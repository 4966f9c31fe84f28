/** What is said of a machine that could not be given back and goes on costing money, and of machines that nobody can see. */
import { PROVIDERS, type ProviderName } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { AppError } from '../ground/errors.ts';
import type { EpochMs } from '../ground/time.ts';
import { COMPILE } from './compile-ids.ts';
import { dollars } from './job-facts.ts';
import type { Message } from './message.ts';
import { actions, code, linkButton, moment, plain, section } from './text.ts';

export interface StuckMachine {
  provider: ProviderName;
  /** Undefined: which there are, cannot be seen. */
  machine: { id: string; job: string; costPerHour: number | undefined; isRunning: boolean } | undefined;
  error: Pick<AppError, 'message' | 'ref'>;
  /** Since when it should be gone, or they cannot be seen. */
  since: EpochMs;
}

export function machineAnnouncement(
  { provider, machine, error, since }: StuckMachine,
  useCase: Pick<UseCase, 'name'>,
  page: { site: string; job?: string | undefined },
): Message {
  const { label } = PROVIDERS[provider];
  const [line, ...more] = machine
    ? stuck(machine, label, useCase, error, since)
    : unseen(label, useCase, error, since);
  return {
    text: line,
    blocks: [
      section([line, ...more].join('\n')),
      ...actions(linkButton(`Open in ${page.site}`, COMPILE.link, page.job)),
    ],
  };
}

type Words = [line: string, ...more: string[]];

function stuck(
  machine: NonNullable<StuckMachine['machine']>,
  label: string,
  useCase: Pick<UseCase, 'name'>,
  error: StuckMachine['error'],
  since: EpochMs,
): Words {
  const cost = machine.costPerHour ? `, ${dollars(machine.costPerHour)} an hour` : '';
  return [
    `:money_with_wings: *A machine on ${label} goes on costing money${cost}*: ${code(machine.job)} · ${plain(useCase.name, 100)}`,
    `Signalbox started it and has tried to ${machine.isRunning ? 'stop' : 'delete'} it since ${moment(since)}. ${plain(error.message, 500)}`,
    `*What to do:* delete ${code(machine.id)} in the console of ${label}, and put right what is said above. Signalbox goes on trying. Reference ${code(error.ref)}`,
  ];
}

function unseen(
  label: string,
  useCase: Pick<UseCase, 'name'>,
  error: StuckMachine['error'],
  since: EpochMs,
): Words {
  return [
    `:money_with_wings: *Machines on ${label} may go on costing money*: Signalbox cannot see them · ${plain(useCase.name, 100)}`,
    `It has tried since ${moment(since)}, and stops none that has ended or is beyond its time. ${plain(error.message, 500)}`,
    `*What to do:* put right what is said above, and look in the console of ${label} for machines that nobody needs. Signalbox goes on trying. Reference ${code(error.ref)}`,
  ];
}
