/** The RunPod side of the sandbox, put together: its pods, its server, and how it is steered. */
import { type Scheduler, systemScheduler } from '../aws/scheduler.ts';
import { SandboxError } from '../errors.ts';
import type { FaultPlan } from '../faults.ts';
import { close, listen } from '../listen.ts';
import type { Clock } from '../time.ts';
import type { PodTemplate } from './pod-request.ts';
import { type Pod, PodStore, statusOf } from './pods.ts';
import { CLASSIFIER, type PodProgram, type ProgramPod } from './program.ts';
import { RateLimit } from './rate-limit.ts';
import type { PodSeed, RunpodWorld } from './seed.ts';
import { runpodServer } from './server.ts';
import { type RunpodSettings, runpodSettings } from './settings.ts';

export interface RunpodSandboxOptions extends Partial<RunpodSettings> {
  /** 0 or left out: any free port. */
  port?: number;
  world: RunpodWorld;
  clock?: Clock;
  /** Asked with `runpod:CreatePod`, `runpod:GetPodLogs`, …, and with `runpod:Run` for each pod that begins to run. */
  faults?: FaultPlan;
  /** Of streams that go on by themselves; left out: Node's timers. */
  scheduler?: Scheduler;
}

/** A pod as the sandbox's own endpoints tell of it. */
export interface SandboxPod {
  id: string;
  name: string;
  status: string;
  /** How often its container was started. */
  starts: number;
  /** US dollars, so far. */
  spent: number;
  lines: number;
}

export interface RunpodSandbox {
  /** With `/v2` at its end, as clients take it. */
  apiUrl: string;
  port: number;
  /** Of the world's first key; undefined where there is none. */
  apiKey: string | undefined;
  /** Changes settings of the running sandbox; full windows again when quotas change. */
  configure(settings: Partial<RunpodSettings>): void;
  pods(): SandboxPod[];
  /** Takes a pod's machine away, now. @param pod id or name. @throws SandboxError not_found */
  preempt(pod: string): void;
  /** Makes a pod ERROR. @throws SandboxError not_found */
  fail(pod: string, reason?: string): void;
  /** Makes a pod print lines now, all with one timestamp. @throws SandboxError not_found */
  print(pod: string, lines: readonly string[], source?: 'container' | 'system'): void;
  close(): Promise<void>;
}

/** @throws SandboxError unavailable, when the port is taken */
export async function startRunpodSandbox(options: RunpodSandboxOptions): Promise<RunpodSandbox> {
  const { world, faults, clock = { now: Date.now }, scheduler = systemScheduler } = options;
  const settings = runpodSettings(options);
  const templates = new Map<string, PodTemplate>((world.templates ?? []).map((one) => [one.id, one]));
  const pods = new PodStore({
    settings,
    programOf: (pod) => programOf(world, pod),
    preemptAfter: () => {
      const fault = faults?.take('runpod:Run');
      return fault?.kind === 'preempt' ? (fault.seconds ?? 0) : undefined;
    },
  });
  for (const seed of [...(world.pods ?? [])].sort((one, other) => one.createdAt - other.createdAt)) {
    plant(pods, seed);
  }
  const limits = new RateLimit(settings);
  const server = runpodServer({
    pods,
    keys: world.keys,
    templates,
    limits,
    settings,
    clock,
    scheduler,
    faults,
  });
  const port = await listen(server, options.port ?? 0, { side: 'RunPod', option: '--runpod-port' });
  const find = (name: string): Pod => {
    const found = pods.all(clock.now()).find((pod) => pod.id === name || pod.name === name);
    if (found) return found;
    throw new SandboxError('not_found', `There is no pod ${name}.`, {
      hint: 'GET /sandbox/runpod/pods lists them.',
    });
  };
  return {
    apiUrl: `http://127.0.0.1:${port}/v2`,
    port,
    apiKey: world.keys[0]?.key,
    configure(changes) {
      Object.assign(settings, changes);
      if (changes.quotas !== undefined) limits.refill();
    },
    pods() {
      const now = clock.now();
      return pods.all(now).map((pod) => ({
        id: pod.id,
        name: pod.name,
        status: statusOf(pod, now),
        starts: pod.starts,
        spent: Math.round(pods.spent(pod, now) * 10_000) / 10_000,
        lines: pod.log.visible(now),
      }));
    },
    preempt: (name) => pods.preempt(find(name), clock.now()),
    fail: (name, reason = 'container is in an unrecoverable error state') =>
      pods.fail(find(name), clock.now(), reason),
    print: (name, lines, source = 'container') => find(name).log.insert(source, lines, clock.now()),
    close: () => close(server),
  };
}

/** A pod with its past. */
function plant(pods: PodStore, { createdAt, ended, id, program, ...config }: PodSeed): void {
  const pod = pods.create(
    {
      args: '',
      cmd: [],
      entrypoint: [],
      disk: 50,
      ports: [],
      env: {},
      registry: null,
      mounts: {},
      cloud: 'SECURE',
      dataCenterIds: [],
      globalNetworking: false,
      ...config,
    },
    createdAt,
    { ...(id === undefined ? {} : { id }), ...(program === undefined ? {} : { program }) },
  );
  if (ended === undefined) return;
  // What happened until then.
  pods.get(pod.id, ended.at);
  if (ended.status === 'ERROR') pods.fail(pod, ended.at, 'container is in an unrecoverable error state');
  else if (ended.status === 'preempted') pods.preempt(pod, ended.at);
  else pods.act(pod, 'stop', ended.at);
}

function programOf(world: RunpodWorld, pod: ProgramPod): PodProgram {
  const texts = [pod.image, pod.name, pod.args, ...pod.cmd, ...pod.entrypoint];
  return (
    world.programs?.find(({ match }) => texts.some((text) => text.includes(match)))?.program ?? CLASSIFIER
  );
}
