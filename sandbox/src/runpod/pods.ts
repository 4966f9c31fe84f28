/**
 * The pods of an account. A pod is a list of dated transitions, some of them in the future: what it is now is read from
 * the clock, so pods run on without timers. Statuses, allowed actions and fields are those of PodStatus, PodAction and
 * Pod in RunPod's OpenAPI file.
 */
import { LogScript } from '../aws/log-script.ts';
import { hash32 } from '../random.ts';
import type { EpochMs } from '../time.ts';
import { costPerHour, cpuFacts, gpuFacts } from './hardware.ts';
import { PodLog } from './pod-log.ts';
import type { PodAction, PodChanges, PodConfig } from './pod-request.ts';
import { Problem } from './problem.ts';
import type { PodProgram, ProgramPod } from './program.ts';
import type { RunpodSettings } from './settings.ts';

export type PodStatus = 'PROVISIONING' | 'STARTING' | 'RUNNING' | 'EXITED' | 'ERROR' | 'TERMINATED';

export interface Pod extends PodConfig {
  readonly id: string;
  readonly createdAt: EpochMs;
  locked: boolean;
  /** Ascending; the first is the creation. */
  transitions: { at: EpochMs; status: PodStatus }[];
  readonly log: PodLog;
  /** The container that runs or is to run; `endsAt` undefined: it never ends by itself. */
  container: { from: EpochMs; endsAt: EpochMs | undefined } | undefined;
  /** How often its container was started. */
  starts: number;
}

/** "The currently permitted set is published in the pod's `actions` field". */
const ALLOWED: Readonly<Record<PodStatus, readonly PodAction[]>> = {
  PROVISIONING: ['stop', 'terminate'],
  STARTING: ['stop', 'terminate'],
  RUNNING: ['stop', 'restart', 'terminate'],
  EXITED: ['start', 'terminate'],
  ERROR: ['start', 'terminate'],
  TERMINATED: [],
};

/** Between a container's end and its next start, and at least that long each one runs. */
const RESTART_MS = 1_000;

export interface PodStoreParts {
  settings: RunpodSettings;
  programOf: (pod: ProgramPod) => PodProgram;
  /** Seconds until the host takes a pod away that begins to run; undefined: it does not. */
  preemptAfter: () => number | undefined;
}

export class PodStore {
  readonly #pods = new Map<string, Pod>();
  readonly #parts: PodStoreParts;

  constructor(parts: PodStoreParts) {
    this.#parts = parts;
  }

  create(config: PodConfig, now: EpochMs, given?: { id?: string; program?: PodProgram }): Pod {
    const { settings } = this.#parts;
    const id = given?.id ?? newId();
    const pod: Pod = {
      ...config,
      id,
      createdAt: now,
      locked: false,
      transitions: [{ at: now, status: 'PROVISIONING' }],
      log: new PodLog(() => settings.times),
      container: undefined,
      starts: 0,
    };
    this.#pods.set(id, pod);
    this.#programs.set(pod, given?.program ?? this.#parts.programOf(pod));
    this.#boot(pod, now, now + settings.provisionMs);
    return pod;
  }

  /** Those that exist, the newest first. */
  all(now: EpochMs): Pod[] {
    for (const pod of this.#pods.values()) this.#settle(pod, now);
    return [...this.#pods.values()].reverse();
  }

  /** @throws Problem 404 */
  get(id: string, now: EpochMs): Pod {
    const pod = this.#pods.get(id);
    if (pod === undefined) throw new Problem(404, 'pod not found');
    this.#settle(pod, now);
    return pod;
  }

  /** "The pod no longer appears in `listPods`"; nothing of it is left to ask for. @throws Problem 404 */
  delete(id: string, now: EpochMs): void {
    const pod = this.get(id, now);
    pod.log.clip(now);
    pod.transitions = [...reached(pod, now), { at: now, status: 'TERMINATED' }];
    pod.container = undefined;
    this.#pods.delete(id);
  }

  /** @throws Problem 409 for an action that the pod's status does not allow, 400 for a locked pod */
  act(pod: Pod, action: Exclude<PodAction, 'terminate'>, now: EpochMs): void {
    const status = statusOf(pod, now);
    if (!ALLOWED[status].includes(action)) {
      throw new Problem(409, `action ${action} is not valid for a pod with status ${status}`);
    }
    if (pod.locked && action !== 'start') throw new Problem(400, 'pod is locked');
    if (action === 'start') this.#boot(pod, now, now);
    else if (action === 'stop') {
      this.#lastWords(pod, now);
      this.#end(pod, now, 'EXITED', `stop container ${pod.id}`);
    } else {
      pod.log.clip(now);
      pod.transitions = reached(pod, now);
      this.#startContainer(pod, now + RESTART_MS);
    }
  }

  /** The host takes it away: it ends without having been asked to, and has no machine any more. */
  preempt(pod: Pod, now: EpochMs): void {
    this.#end(pod, now, 'EXITED', `stop container ${pod.id}: host is going away`);
  }

  /** As when its image cannot be pulled. */
  fail(pod: Pod, now: EpochMs, reason: string): void {
    this.#end(pod, now, 'ERROR', reason);
  }

  change(pod: Pod, changes: PodChanges): void {
    Object.assign(pod, changes);
  }

  /** As answers tell it: components.schemas.Pod. */
  view(pod: Pod, now: EpochMs): Record<string, unknown> {
    const status = statusOf(pod, now);
    const placed = status !== 'PROVISIONING';
    const running = status === 'RUNNING' && pod.container !== undefined && pod.container.from <= now;
    const dataCenter = pod.dataCenterIds[0] ?? (pod.cloud === 'SECURE' ? 'EU-RO-1' : 'CA-MTL-1');
    return {
      id: pod.id,
      name: pod.name,
      image: pod.image,
      args: pod.args,
      cmd: pod.cmd,
      entrypoint: pod.entrypoint,
      disk: pod.disk,
      ports: pod.ports,
      env: pod.env,
      registry: pod.registry,
      status,
      actions: ALLOWED[status],
      mounts: pod.mounts,
      ...(pod.gpu ? { gpu: gpuFacts(pod.gpu) } : {}),
      ...(pod.cpu ? { cpu: cpuFacts(pod.cpu) } : {}),
      cloud: pod.cloud,
      dataCenterId: placed ? dataCenter : null,
      cudaVersion: placed && pod.gpu ? '12.8' : null,
      ssh: { proxy: placed ? sshProxy(pod.id) : null, direct: null },
      // "The created pod does not retain a link to the template."
      template: null,
      cost: status === 'EXITED' || status === 'TERMINATED' ? 0 : rate(pod),
      locked: pod.locked,
      globalNetworking: { enabled: false },
      runtime: running ? this.#runtime(pod, now) : null,
      createdAt: iso(pod.createdAt),
      startedAt: startedAt(pod, now),
    };
  }

  /** US dollars so far: pods bill from their creation, and not while they are EXITED. */
  spent(pod: Pod, now: EpochMs): number {
    let ms = 0;
    const phases = reached(pod, now);
    for (const [index, { at, status }] of phases.entries()) {
      const end = phases[index + 1]?.at ?? now;
      if (status !== 'EXITED' && status !== 'TERMINATED') ms += end - at;
    }
    return (ms / 3_600_000) * rate(pod);
  }

  readonly #programs = new WeakMap<Pod, PodProgram>();

  #boot(pod: Pod, now: EpochMs, placedAt: EpochMs): void {
    const { settings, preemptAfter } = this.#parts;
    const runningAt = placedAt + settings.startMs;
    pod.transitions = [
      ...reached(pod, now),
      { at: placedAt, status: 'STARTING' },
      { at: runningAt, status: 'RUNNING' },
    ];
    const pulled = placedAt + settings.startMs * 0.7;
    // The host's words as they are seen at RunPod.
    pod.log.write('system', [
      { at: placedAt, message: `create container ${pod.image}` },
      { at: placedAt, message: `create container: still fetching image ${pod.image}` },
      { at: pulled, message: `${pod.image} Pull complete` },
      { at: pulled, message: `create ${pod.disk}GB container disk` },
    ]);
    this.#startContainer(pod, runningAt);
    const preempted = preemptAfter();
    if (preempted !== undefined) this.#preemptLater(pod, runningAt + preempted * 1000);
  }

  #preemptLater(pod: Pod, at: EpochMs): void {
    pod.log.clip(at);
    pod.transitions.push({ at, status: 'EXITED' });
    pod.log.write('system', [{ at, message: `stop container ${pod.id}: host is going away` }]);
    pod.container = pod.container && { ...pod.container, endsAt: undefined };
  }

  #startContainer(pod: Pod, at: EpochMs): void {
    pod.starts += 1;
    pod.log.write('system', [{ at, message: `start container for ${pod.image}: begin` }]);
    const script = new LogScript(at, hash32(pod.starts, idNumber(pod.id)));
    const exitCode = this.#programs.get(pod)!.write(script, pod);
    pod.log.write('container', script.events);
    pod.container = {
      from: at,
      endsAt: exitCode === undefined ? undefined : Math.max(script.at, at + RESTART_MS),
    };
  }

  /** What has happened by itself since somebody looked. */
  #settle(pod: Pod, now: EpochMs): void {
    for (;;) {
      const endsAt = pod.container?.endsAt;
      if (endsAt === undefined || endsAt > now || statusOf(pod, endsAt) !== 'RUNNING') return;
      if (this.#parts.settings.whenCommandEnds === 'exit') {
        pod.transitions = [...reached(pod, endsAt), { at: endsAt, status: 'EXITED' }];
        pod.container = undefined;
        return;
      }
      this.#startContainer(pod, endsAt + RESTART_MS);
    }
  }

  #lastWords(pod: Pod, now: EpochMs): void {
    const program = this.#programs.get(pod)!;
    if (program.stop === undefined || pod.container === undefined || pod.container.from > now) return;
    pod.log.clip(now);
    const last = pod.log.lines.findLast(({ source }) => source === 'container');
    const script = new LogScript(now, 0);
    program.stop(script, pod, last?.line);
    pod.log.write(
      'container',
      script.events.map(({ message }) => ({ at: now, message })),
    );
  }

  #end(pod: Pod, now: EpochMs, status: PodStatus, words: string): void {
    pod.log.clip(now);
    pod.log.write('system', [{ at: now, message: words }]);
    pod.transitions = [...reached(pod, now), { at: now, status }];
    pod.container = undefined;
  }

  #runtime(pod: Pod, now: EpochMs): Record<string, unknown> {
    const busy = (salt: number, low: number, high: number): number =>
      low + (hash32(Math.floor(now / 5_000) + salt, idNumber(pod.id)) % (high - low + 1));
    return {
      uptime: Math.floor((now - pod.container!.from) / 1000),
      gpus: Array.from({ length: pod.gpu?.count ?? 0 }, (_, index) => ({
        util: busy(index, 82, 98),
        memoryUtil: busy(index + 100, 61, 72),
      })),
      cpu: { util: busy(200, 18, 44) },
      memory: { util: busy(201, 30, 36) },
      ports: pod.ports.map((port) => {
        const [number = '0', type = 'tcp'] = port.split('/');
        return { private: Number(number), public: null, type, ip: null };
      }),
    };
  }
}

export const statusOf = (pod: Pod, now: EpochMs): PodStatus => reached(pod, now).at(-1)!.status;

const reached = (pod: Pod, now: EpochMs) => pod.transitions.filter(({ at }) => at <= now);

const rate = (pod: Pod): number => costPerHour(pod.gpu, pod.cpu, pod.cloud) ?? 0;

const iso = (at: EpochMs): string => new Date(at).toISOString().replace(/\.?0*Z$/, 'Z');

function startedAt(pod: Pod, now: EpochMs): string | null {
  const running = reached(pod, now).findLast(({ status }) => status === 'RUNNING');
  return running ? iso(running.at) : null;
}

function sshProxy(id: string): Record<string, unknown> {
  const username = `${id}-64411eb2`;
  return { host: 'ssh.runpod.io', port: 22, username, command: `ssh ${username}@ssh.runpod.io` };
}

const ID_LETTERS = 'abcdefghijklmnopqrstuvwxyz0123456789';

/** 14 letters and digits, as RunPod's. */
const newId = (): string =>
  Array.from({ length: 14 }, () => ID_LETTERS[Math.floor(Math.random() * ID_LETTERS.length)]).join('');

const idNumber = (id: string): number =>
  [...id].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7);
