/**
 * Starting and ending pods. A pod of one name may be there many times, and a request whose answer was lost may have made
 * one that bills, so each is looked for before it is made and afterwards.
 */
import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { isFinished, type TrainingJob } from '../domain/jobs.ts';
import { podCalled, podIdOf, podPage } from '../domain/pod-names.ts';
import { fillCommand, runParameters } from '../domain/run-templates.ts';
import { filledTexts, type RunPodTemplate, type TrainTemplate } from '../domain/train-templates.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError, withHint } from '../ground/errors.ts';
import { KeyQueue } from '../ground/key-queue.ts';
import type { TemplateOrder, TrainingOrder, TrainingProvider } from '../ports/training-provider.ts';
import type { RunPodClient } from './runpod-client.ts';
import { POD_VARIABLES, podArgs } from './runpod-command.ts';
import { allPods, isOver, type Pod, podPath, podShape, valuesOf } from './runpod-pods.ts';
import { isSinceAsked } from './same-order.ts';

/** Milliseconds that a run may take where its template does not say: a pod bills as long as it is there. */
const LONGEST = 24 * 3_600_000;

/** One name at a time in this process: two clicks must not make two pods. */
const starting = new KeyQueue<string>();

interface PodTrainingParts {
  client: RunPodClient;
  useCase: UseCase;
  /** A pod that is a job of the use case, or what is kept of it; and how the job stands. */
  find(job: string, signal?: AbortSignal): Promise<{ pod: Pod; standing: TrainingJob } | undefined>;
}

export function podTraining({
  client,
  useCase,
  find,
}: PodTrainingParts): Pick<TrainingProvider, 'choices' | 'setup' | 'deploy' | 'cancel'> {
  const templateNamed = (name: string | undefined): RunPodTemplate | undefined => {
    const found = useCase.train?.templates.find((one) => one.name === name);
    return found?.provider === 'runpod' ? found : undefined;
  };
  /** Pods that Signalbox started for the use case under that name, the oldest first. */
  const sameName = async (name: string, signal: AbortSignal | undefined): Promise<Pod[]> =>
    (await allPods(client, signal))
      .filter((pod) => pod.useCase === useCase.id && podCalled(pod.job) === name)
      .sort((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));

  return {
    async choices(template) {
      return { parameters: template.parameters, machines: podTemplate(template).runpod.gpuTypes };
    },

    async setup(job, signal) {
      const found = await find(job, signal);
      if (!found) return undefined;
      const { pod } = found;
      const template = templateNamed(pod.template);
      const machines =
        pod.machine === undefined ? {} : { machines: { type: pod.machine, count: pod.gpus ?? 1 } };
      return {
        hyperparameters: valuesOf(pod) ?? {},
        ...machines,
        notes: ['It starts from the template again: files of the earlier pod are not there.'],
        ...(template ? {} : { refusal: noTemplate(pod) }),
      };
    },

    async deploy(order, signal) {
      const whole = await templateOrder(order, signal);
      const body = podRequest(whole, useCase.id);
      return await starting.run(`${useCase.id} ${order.name}`, () => start(whole, body, signal));
    },

    async cancel(job, signal) {
      try {
        return await stop(job, signal);
      } catch (error) {
        const id = podIdOf(job);
        const helps = error instanceof AppError && error.code !== 'not_found' && id !== undefined;
        throw helps
          ? withHint(error, `Meanwhile it can be stopped in RunPod’s console: ${podPage(id)}`)
          : error;
      }
    },
  };

  async function stop(job: string, signal?: AbortSignal): Promise<TrainingJob> {
    const found = await find(job, signal);
    if (!found) throw noPod(job);
    const { pod, standing: known } = found;
    if (isFinished(known) || known.state === 'stopping') return known;
    try {
      // Its disk and its log stay until the log is read.
      await client.ask(
        { method: 'POST', path: `${podPath(pod.id)}/action`, body: { action: 'stop' }, shape: z.unknown() },
        signal,
      );
    } catch (error) {
      const after = (await find(job, signal).catch(() => undefined))?.standing;
      // "action stop is not valid": it ended meanwhile.
      if (!after || (!isFinished(after) && after.state !== 'stopping')) throw error;
      return after;
    }
    // It was asked for, whatever is heard of it now.
    const after = (await find(job, signal).catch(() => undefined))?.standing ?? known;
    return isFinished(after) ? after : { ...after, state: 'stopping' };
  }

  async function templateOrder(order: TrainingOrder, signal?: AbortSignal): Promise<TemplateOrder> {
    if (order.kind === 'template') return order;
    const found = await find(order.again, signal);
    if (!found) throw noPod(order.again);
    const { pod } = found;
    const template = templateNamed(pod.template);
    if (!template) {
      const { reason, hint } = noTemplate(pod);
      throw new AppError('conflict', `${order.again} cannot be run again. ${reason}`, { hint });
    }
    const { name, askedAt, hyperparameters, machines } = order;
    const { command, gpuCount } = template.runpod;
    if (machines && machines.count !== gpuCount)
      throw new AppError(
        'invalid_input',
        `The template ${template.name} rents ${gpuCount} GPU${gpuCount === 1 ? '' : 's'}, not ${machines.count}.`,
        {
          hint: `Give ${gpuCount}, or ask an admin of Signalbox to change its gpuCount in signalbox.yaml.`,
        },
      );
    const [program = '', ...rest] = command;
    const values = runParameters(
      { name: template.name, command: [program, ...rest], parameters: template.parameters },
      hyperparameters,
    );
    return { kind: 'template', name, askedAt, template, values, machine: machines?.type };
  }

  async function start(order: TemplateOrder, body: object, signal?: AbortSignal): Promise<string> {
    const { name, askedAt } = order;
    const there = await sameName(name, signal);
    const same = there.find((pod) => isSinceAsked(pod.createdAt, askedAt));
    if (same) return same.job;
    if (there.some((pod) => !isOver(pod)))
      throw new AppError('conflict', `There is a pod ${name} on RunPod already.`, {
        hint: 'Choose another name.',
      });
    const pod = await client.ask({ method: 'POST', path: '/pods', body, shape: podShape }, signal);
    if (!pod) throw new AppError('not_found', 'RunPod knows nothing of what the template names.');
    // Another process may have been asked at the same time: both keep the same one of the two.
    const [first = pod] = (await sameName(name, signal).catch(() => [pod])).filter((one) =>
      isSinceAsked(one.createdAt, askedAt),
    );
    if (first.id !== pod.id)
      await client.ask({ method: 'DELETE', path: podPath(pod.id), shape: z.unknown() }, signal);
    return first.job;
  }
}

/** As `POST /pods` takes it: CreatePodRequest of the OpenAPI file, and nothing else, since that is refused. */
function podRequest({ name, template, values, machine }: TemplateOrder, useCase: string): object {
  const { runpod, maxTime = LONGEST } = podTemplate(template);
  const [program, ...rest] = runpod.command;
  const gpu = machine ?? runpod.gpuTypes[0];
  if (!runpod.gpuTypes.includes(gpu))
    throw new AppError('invalid_input', `The template ${template.name} does not allow ${gpu}.`, {
      hint: `It allows ${runpod.gpuTypes.join(', ')}.`,
    });
  return {
    name,
    image: runpod.image,
    gpu: { id: gpu, count: runpod.gpuCount },
    cloud: runpod.cloud.toUpperCase(),
    disk: runpod.diskGb,
    ports: runpod.ports,
    ...(runpod.volume
      ? { mounts: { persistent: { size: runpod.volume.gb, path: runpod.volume.mountPath } } }
      : {}),
    env: {
      // What is printed is wanted at once.
      PYTHONUNBUFFERED: '1',
      ...filledTexts(template, runpod.env, values),
      [POD_VARIABLES.run]: randomBytes(8).toString('hex'),
      [POD_VARIABLES.useCase]: useCase,
      [POD_VARIABLES.name]: name,
      [POD_VARIABLES.template]: template.name,
      [POD_VARIABLES.values]: JSON.stringify(values),
      [POD_VARIABLES.maxSeconds]: String(Math.ceil(maxTime / 1_000)),
    },
    // Without a command the image's own runs, of which nobody says how it ended.
    ...(program === undefined ? {} : { args: podArgs(fillCommand({ command: [program, ...rest] }, values)) }),
  };
}

function podTemplate(template: TrainTemplate): RunPodTemplate {
  if (template.provider === 'runpod') return template;
  throw new TypeError(`${template.name} is no template for RunPod`);
}

const noTemplate = ({ template }: Pod): { reason: string; hint: string } =>
  template === undefined
    ? {
        reason: 'It was not started by Signalbox.',
        hint: 'Start it from a template of the use case, or where it was started first.',
      }
    : {
        reason: `The use case has no template ${template} for RunPod any more.`,
        hint: 'Start it from another template, or ask an admin of Signalbox to put this one back into signalbox.yaml.',
      };

const noPod = (job: string): AppError =>
  new AppError('not_found', `RunPod has no pod ${job} that belongs to this use case.`, {
    hint: 'It was deleted, and nothing of it is kept.',
  });
