/**
 * What a pod may be asked to be: CreatePodRequest, UpdatePodRequest and PodActionRequest of RunPod's OpenAPI file, which
 * allow no further properties. What RunPod checks only after that ("enforced at the handler layer") answers 400.
 */
import { costPerHour, isVcpuCount } from './hardware.ts';
import { invalid, Problem } from './problem.ts';
import { boolean, type Check, integer, isObject, list, map, object, orNull, string } from './schema.ts';

export const ACTIONS = ['start', 'stop', 'restart', 'terminate'] as const;
export type PodAction = (typeof ACTIONS)[number];

export interface Mounts {
  persistent?: { size: number; path: string };
  network?: { volumeId: string; path: string }[];
}

/** The part of a pod that its maker chose. */
export interface PodConfig {
  name: string;
  image: string;
  args: string;
  cmd: string[];
  entrypoint: string[];
  /** GB. */
  disk: number;
  ports: string[];
  env: Record<string, string>;
  registry: string | null;
  mounts: Mounts;
  gpu?: { id: string; count: number };
  cpu?: { id: string; vcpuCount: number };
  cloud: 'SECURE' | 'COMMUNITY';
  dataCenterIds: string[];
  globalNetworking: boolean;
}

/** A template of RunPod's: container settings by an id. */
export interface PodTemplate {
  id: string;
  name: string;
  image: string;
  args?: string;
  cmd?: string[];
  entrypoint?: string[];
  disk?: number;
  ports?: string[];
  env?: Record<string, string>;
  mounts?: Pick<Mounts, 'persistent'>;
}

const text = string();
const cuda = string({ pattern: /^\d+\.\d+$/ });
const container: Record<string, Check> = {
  image: text,
  args: text,
  cmd: list(text),
  entrypoint: list(text),
  disk: integer({ least: 1 }),
  ports: list(text),
  env: map(text),
  registry: orNull(text),
  mounts: object({
    persistent: object({ size: integer({ least: 10 }), path: text }, ['size', 'path']),
    network: list(object({ volumeId: text, path: text }, ['volumeId', 'path']), { most: 1 }),
  }),
  globalNetworking: boolean,
  templateId: string({ least: 1 }),
};

const createCheck = object(
  {
    ...container,
    name: string({ least: 1 }),
    cloud: string({ oneOf: ['SECURE', 'COMMUNITY'] }),
    gpu: object(
      {
        id: text,
        count: integer({ least: 1 }),
        allowedCudaVersions: list(cuda),
        minCudaVersion: cuda,
        minRamPerGpu: integer({ least: 1 }),
        minVcpuCountPerGpu: integer({ least: 1 }),
      },
      ['id'],
    ),
    cpu: object({ id: string({ least: 1 }), vcpuCount: integer({ least: 2 }) }, ['id', 'vcpuCount']),
    dataCenterIds: list(text),
    startJupyter: boolean,
    startSsh: boolean,
  },
  ['name'],
);
const updateCheck = object({ ...container, name: string({ least: 1 }), locked: boolean });
const actionCheck = object({ action: string({ oneOf: ACTIONS }) }, ['action']);

interface CreateBody extends Partial<Omit<PodConfig, 'gpu'>> {
  gpu?: { id: string; count?: number; allowedCudaVersions?: string[]; minCudaVersion?: string };
  templateId?: string;
}

/** @throws Problem 422 for what the contract does not have, 400 for what it has and is refused, 404 for an unknown template */
export function podFrom(body: unknown, templates: ReadonlyMap<string, PodTemplate>): PodConfig {
  check(createCheck, body);
  const given = body as CreateBody & { name: string };
  const template = templateOf(given.templateId, templates);
  const { gpu, cpu } = given;
  if ((gpu === undefined) === (cpu === undefined)) throw refused('exactly one of gpu or cpu must be set');
  const image = given.image ?? template?.image;
  if (image === undefined) throw refused('image is required unless templateId is set');
  const disk = given.disk ?? template?.disk;
  // The contract calls it optional. Clients of the live service report a refusal without it, in about these words.
  if (disk === undefined)
    throw refused('a template id or pod configuration parameters are required: disk is missing');
  const mounts: Mounts = given.mounts ?? (cpu ? {} : (template?.mounts ?? {}));
  if (mounts.persistent && mounts.network)
    throw refused('mounts.persistent and mounts.network are mutually exclusive');
  if (cpu && mounts.persistent) throw refused('mounts.persistent is not supported on CPU pods');
  if (cpu && !isVcpuCount(cpu.vcpuCount)) throw refused('vcpuCount must be a power of two');
  if (gpu?.minCudaVersion !== undefined && (gpu.allowedCudaVersions?.length ?? 0) > 0) {
    throw refused('gpu.allowedCudaVersions and gpu.minCudaVersion are mutually exclusive');
  }
  const cloud = given.cloud ?? 'SECURE';
  if (costPerHour(gpu && { id: gpu.id, count: gpu.count ?? 1 }, cpu, cloud) === undefined) throw noCapacity();
  return {
    name: given.name,
    image,
    ...commandOf(given, template),
    disk,
    ports: given.ports ?? template?.ports ?? [],
    // Merged key by key, the body's values win (CreatePodRequest.templateId).
    env: { ...template?.env, ...given.env },
    registry: given.registry ?? null,
    mounts,
    ...(gpu ? { gpu: { id: gpu.id, count: gpu.count ?? 1 } } : {}),
    ...(cpu ? { cpu: { ...cpu } } : {}),
    cloud,
    dataCenterIds: given.dataCenterIds ?? [],
    globalNetworking: given.globalNetworking ?? false,
  };
}

export type PodChanges = Partial<
  Pick<PodConfig, 'name' | 'image' | 'args' | 'cmd' | 'entrypoint' | 'disk' | 'ports' | 'env' | 'registry'>
> & { locked?: boolean };

/** @throws Problem 422, 400, 404 */
export function changesFrom(body: unknown, templates: ReadonlyMap<string, PodTemplate>): PodChanges {
  check(updateCheck, body);
  const { templateId, mounts, globalNetworking, ...given } = body as PodChanges & {
    templateId?: string;
    mounts?: Mounts;
    globalNetworking?: boolean;
  };
  if (mounts && Object.keys(mounts).length > 0)
    throw refused('mounts of an existing pod cannot be changed here');
  if (globalNetworking) throw refused('global networking is not available in this data center');
  const template = templateOf(templateId, templates);
  if (template === undefined) return given;
  const { id: _, name: __, mounts: ___, ...settings } = template;
  return { ...settings, ...given, env: { ...template.env, ...given.env } };
}

/** @throws Problem 422 */
export function actionFrom(body: unknown): PodAction {
  check(actionCheck, body);
  return (body as { action: PodAction }).action;
}

/** RunPod's own words for it, since 2023; it is a 400 without a code of its own. */
export const noCapacity = (): Problem =>
  refused(
    'There are no longer any instances available with the requested specifications. Please refresh and try again.',
  );

const refused = (detail: string): Problem => new Problem(400, detail);

function check(contract: Check, body: unknown): void {
  const errors = contract(body, '$');
  if (errors.length > 0) throw invalid(errors);
}

function templateOf(
  id: string | undefined,
  templates: ReadonlyMap<string, PodTemplate>,
): PodTemplate | undefined {
  if (id === undefined) return undefined;
  const template = templates.get(id);
  if (template === undefined) throw new Problem(404, 'template not found');
  return template;
}

/** `args` is the stored form of `entrypoint` and `cmd`; answers always have all three. */
function commandOf(
  given: CreateBody,
  template: PodTemplate | undefined,
): Pick<PodConfig, 'args' | 'cmd' | 'entrypoint'> {
  const own = given.args !== undefined || given.cmd !== undefined || given.entrypoint !== undefined;
  const source = own ? given : (template ?? {});
  const fromArgs = source.args === undefined ? undefined : decodeArgs(source.args);
  const cmd = source.cmd ?? fromArgs?.cmd ?? [];
  const entrypoint = source.entrypoint ?? fromArgs?.entrypoint ?? [];
  const args = source.args ?? (cmd.length + entrypoint.length === 0 ? '' : encodeArgs(entrypoint, cmd));
  if (fromArgs && (!sameWords(fromArgs.cmd, cmd) || !sameWords(fromArgs.entrypoint, entrypoint))) {
    throw refused('args describes another command than entrypoint and cmd');
  }
  return { args, cmd, entrypoint };
}

const encodeArgs = (entrypoint: readonly string[], cmd: readonly string[]): string =>
  JSON.stringify({ ...(entrypoint.length > 0 ? { entrypoint } : {}), ...(cmd.length > 0 ? { cmd } : {}) });

function decodeArgs(args: string): { cmd: string[]; entrypoint: string[] } {
  try {
    const value: unknown = JSON.parse(args);
    if (isObject(value)) {
      const words = (of: unknown): string[] => (Array.isArray(of) ? of.map(String) : []);
      return { cmd: words(value.cmd), entrypoint: words(value.entrypoint) };
    }
  } catch {
    // A shell's string, split into words as a shell does.
  }
  const words = args.match(/(?:[^\s"']+|"[^"]*"|'[^']*')+/g) ?? [];
  return { cmd: words.map((word) => word.replaceAll(/["']/g, '')), entrypoint: [] };
}

const sameWords = (one: readonly string[], other: readonly string[]): boolean =>
  JSON.stringify(one) === JSON.stringify(other);
