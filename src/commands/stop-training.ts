/** Stopping a training run: the button on its card, its details and what `/train` shows. */
import { stopTrainingMessage } from '../blocks/stop-training.ts';
import { TRAIN } from '../blocks/train-ids.ts';
import { isToldWithAnother } from '../domain/job-families.ts';
import { toAppError } from '../ground/errors.ts';
import { stopTraining } from '../operations/stop-training.ts';
import type { ClickedAction, Command } from './command.ts';
import type { Context } from './context.ts';
import { permitted, readJobRef } from './job-access.ts';
import { explain, type Services } from './services.ts';

export function stopTrainingActions(services: Services): NonNullable<Command['actions']> {
  async function stop(context: Context, { value }: ClickedAction): Promise<void> {
    const { useCase: id, job } = readJobRef(value);
    const question = { permission: 'train:stop', action: 'training.stop_refused', subject: job } as const;
    const useCase = await permitted(services, context, id, question);
    if (!useCase) return;
    try {
      const { actor, userName } = context;
      const report = await stopTraining(services, { actor, actorName: userName ?? actor.user, useCase, job });
      const hasCard = !isToldWithAnother(useCase, report.job);
      await context.reply.privately(stopTrainingMessage({ ...report, hasCard }));
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.code === 'internal') throw error;
      context.log.info({ ref: error.ref, err: error, job }, 'a training was not stopped');
      await explain(services, context, useCase, error);
    }
  }

  return { [TRAIN.stop]: stop };
}
