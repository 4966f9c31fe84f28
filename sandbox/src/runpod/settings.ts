/** What may be changed on the RunPod side while it runs. Where RunPod's documents are silent or differ, a setting has both. */
import { SandboxError } from '../errors.ts';

export interface RunpodSettings {
  /** Milliseconds in PROVISIONING; default 2,000. */
  provisionMs: number;
  /** Milliseconds in STARTING, while the image is pulled; default 3,000. */
  startMs: number;
  /**
   * What happens when a container's command ends. RunPod starts the container again and the pod stays RUNNING and bills
   * on (github.com/dstackai/dstack/issues/1142); `exit` makes the pod EXITED instead.
   */
  whenCommandEnds: 'restart' | 'exit';
  /**
   * The event's `id`. The live service sends the line's timestamp (frames captured in runpodctl's logs_test.go); the
   * example in the OpenAPI file is `<ts>/000000000001`.
   */
  ids: 'ts' | 'ts/counter';
  /**
   * Where a stream goes on by `Last-Event-ID`: after that time, so that what shared it is lost (runpodctl: "exclusive,
   * verified against prod"), or from that time, so that it comes twice ("the stream resumes from this point", OpenAPI).
   */
  resume: 'after' | 'from';
  /**
   * The container's times: RunPod sent whole seconds in July 2026 (runpod-mcp's notes) and nanoseconds in August (runpodctl).
   * System lines always have whole seconds.
   */
  times: 'nanoseconds' | 'seconds';
  /** RunPod holds a stream's headers back until there is a first line (runpodctl, "observed against prod"). */
  headers: 'withheld' | 'at once';
  /** Milliseconds between keep-alive comments; default 0: none, as RunPod documents none. */
  keepAliveMs: number;
  /** Requests of a key in each window. Default: the numbers of the OpenAPI file's example. */
  quotas: { minute: number; hour: number; day: number } | 'off';
  /** The most pods on a page, whatever `limit` says; default 1,000. */
  pageSize: number;
}

const DEFAULTS: RunpodSettings = {
  provisionMs: 2_000,
  startMs: 3_000,
  whenCommandEnds: 'restart',
  ids: 'ts',
  resume: 'after',
  times: 'nanoseconds',
  headers: 'withheld',
  keepAliveMs: 0,
  quotas: { minute: 60, hour: 3_000, day: 50_000 },
  pageSize: 1_000,
};

/** @param options may have other fields too: only settings are taken from it */
export function runpodSettings(options: Partial<RunpodSettings>): RunpodSettings {
  const given = Object.entries(options).filter(
    ([name, value]) => Object.hasOwn(DEFAULTS, name) && value !== undefined,
  );
  return { ...DEFAULTS, ...Object.fromEntries(given) };
}

/** @throws SandboxError invalid_input naming the first setting that is wrong */
export function checkSettings(given: Readonly<Record<string, unknown>>): Partial<RunpodSettings> {
  for (const [name, value] of Object.entries(given)) {
    const allowed = ALLOWED[name as keyof RunpodSettings];
    if (allowed === undefined) throw wrong(`RunPod has no setting \`${name}\` here.`, Object.keys(ALLOWED));
    if (!allowed(value)) throw wrong(`The setting \`${name}\` cannot be ${JSON.stringify(value)}.`, [name]);
  }
  return given as Partial<RunpodSettings>;
}

const number = (value: unknown): boolean => typeof value === 'number' && value >= 0;
const oneOf =
  (...values: string[]) =>
  (value: unknown): boolean =>
    values.includes(value as string);

const ALLOWED: Readonly<Record<keyof RunpodSettings, (value: unknown) => boolean>> = {
  provisionMs: number,
  startMs: number,
  whenCommandEnds: oneOf('restart', 'exit'),
  ids: oneOf('ts', 'ts/counter'),
  resume: oneOf('after', 'from'),
  times: oneOf('nanoseconds', 'seconds'),
  headers: oneOf('withheld', 'at once'),
  keepAliveMs: number,
  quotas: (value) =>
    value === 'off' ||
    (typeof value === 'object' &&
      value !== null &&
      ['minute', 'hour', 'day'].every((window) => number((value as Record<string, unknown>)[window]))),
  pageSize: (value) => number(value) && value !== 0,
};

const wrong = (message: string, names: readonly string[]): SandboxError =>
  new SandboxError('invalid_input', message, {
    hint: names.length > 1 ? `There are ${names.join(', ')}.` : 'The reference lists what it may be.',
  });
