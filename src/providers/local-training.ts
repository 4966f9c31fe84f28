/** Starting and ending runs on a runner, from its own templates (docs/runner.md). */
import { z } from 'zod';
import { providerWord } from '../domain/providers.ts';
import type { RunParameter } from '../domain/run-templates.ts';
import { isRunnerName } from '../domain/runs.ts';
import type { TrainTemplate } from '../domain/train-templates.ts';
import { AppError } from '../ground/errors.ts';
import type { TrainingOrder, TrainingProvider } from '../ports/training-provider.ts';
import type { RunnerClient } from './runner-client.ts';
import { jobOf, oneRun, type RunFacts, runPath } from './runner-facts.ts';
import { isSinceAsked } from './same-order.ts';

const text = z.string().optional();
const parameter: z.ZodType<RunParameter> = z.discriminatedUnion('type', [
  z.object({ type: z.literal('text'), pattern: z.string(), default: text }),
  z.object({
    type: z.enum(['number', 'integer']),
    min: z.number().optional(),
    max: z.number().optional(),
    default: text,
  }),
  z.object({ type: z.literal('choice'), values: z.array(z.string()).min(1), default: text }),
]);
const templateList = z.object({
  templates: z.array(z.object({ name: z.string(), parameters: z.record(z.string(), parameter) })),
});

export function localTraining(
  client: RunnerClient,
  useCase: string,
  find: (name: string, signal?: AbortSignal) => Promise<RunFacts | undefined>,
): Pick<TrainingProvider, 'choices' | 'setup' | 'deploy' | 'cancel'> {
  return {
    async choices(template, signal) {
      const wanted = templateOf(template);
      const templates = (await client.get('/templates', templateList, signal))?.templates ?? [];
      const found = templates.find(({ name }) => name === wanted);
      if (found) return { parameters: found.parameters, machines: [] };
      throw new AppError('not_found', `The local runner has no template ${wanted} (any more).`, {
        hint: 'An admin of Signalbox sets `local.template` of this template to one that the runner has.',
        adminHint: `It has ${templates.map(({ name }) => name).join(', ') || 'none'}.`,
      });
    },

    async setup(job, signal) {
      const run = await find(job, signal);
      return run && { hyperparameters: run.parameters, notes: [] };
    },

    async deploy(order, signal) {
      const { template, parameters } = await requestOf(order, signal);
      const run = await client.post('/runs', { template, name: order.name, parameters }, oneRun, signal);
      // The runner takes what it was asked last week for the same request.
      if (isSinceAsked(run.createdAt, order.askedAt)) return run.id;
      throw new AppError('conflict', `There is a run ${order.name} on the local runner already.`, {
        hint: 'Choose another name.',
      });
    },

    async cancel(job, signal) {
      if (!isRunnerName(job)) throw noRun(job);
      return jobOf(await client.post(`${runPath(job)}/cancel`, {}, oneRun, signal), useCase);
    },
  };

  async function requestOf(order: TrainingOrder, signal: AbortSignal | undefined) {
    if (order.kind === 'template') return { template: templateOf(order.template), parameters: order.values };
    const run = await find(order.again, signal);
    if (!run) throw noRun(order.again);
    return { template: run.template, parameters: order.hyperparameters };
  }
}

function templateOf(template: TrainTemplate): string {
  if (template.provider === 'local') return template.local.template;
  throw new TypeError(`${template.name} is no template of the local runner`);
}

const noRun = (name: string): AppError =>
  new AppError('not_found', `${providerWord('local')} has no run ${name} any more.`, {
    hint: 'It was removed there, or never started.',
  });
