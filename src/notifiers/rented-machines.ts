/** Machines that Signalbox rented are given back in time; of those that cannot be, people are told once. */
import { machineAnnouncement } from '../blocks/rented-machines.ts';
import { backgroundActor } from '../domain/background-actor.ts';
import { PROVIDERS } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { elapsed } from '../ground/elapsed.ts';
import { MachineReturns, type MachineTrouble } from '../operations/give-machines-back.ts';
import { alertsChannelOf, type Notifier, type NotifierDeps } from './notifier.ts';

/** Milliseconds between two rounds. */
const EVERY = 30_000;
const DAY_MS = 86_400_000;

export function machineNotifier(deps: NotifierDeps): Notifier {
  const { clock, gateway, notices, useCases, onError } = deps;
  const returns = new MachineReturns(clock);
  let next = Number.NEGATIVE_INFINITY;

  async function tell(useCase: UseCase, trouble: MachineTrouble): Promise<void> {
    const channel = alertsChannelOf(useCase);
    if (channel === undefined) return;
    const { machine, provider } = trouble;
    const links = gateway.links(useCase, { provider, name: machine?.job ?? '' });
    // That none can be seen, each restart would find anew: once a day is enough.
    const what = machine?.id ?? `unseen/${Math.floor(clock.now() / DAY_MS)}`;
    await notices.post(
      `machine/${useCase.id}/${provider}/${what}@${channel}`,
      channel,
      machineAnnouncement(trouble, useCase, links),
      { urgent: true },
    );
  }

  return {
    async tick(signal) {
      if (elapsed(clock) < next) return;
      next = elapsed(clock) + EVERY;
      for (const useCase of useCases) {
        if (!gateway.trainsOn(useCase).some((name) => PROVIDERS[name].rents)) continue;
        try {
          const { providers } = await gateway.open(useCase, backgroundActor(deps.team), 'train');
          for (const provider of providers)
            for (const trouble of await returns.round(useCase, provider, signal))
              await tell(useCase, trouble);
        } catch (error) {
          if (signal.aborted) return;
          onError(error, { useCase: useCase.id, doing: 'giving machines back' });
        }
      }
    },
  };
}
