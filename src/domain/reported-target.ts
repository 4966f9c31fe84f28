/** Which target a compilation started outside Signalbox is for, judged by what Neo was asked for. */
import type { Target, TargetTable } from './targets.ts';

/** Options that say which hardware the result runs on; with another value it is another target. */
const HARDWARE_OPTIONS = ['gpu-code', 'mcpu'] as const;
/** Rule of a target's name. */
const NAME_LENGTH = 40;

/**
 * The name of the table's target with the same device or platform; of several, the one whose options fit best. If none
 * fits, it is named by its own device or platform, so that nothing is hidden or taken for something else.
 * @param compilerOptions JSON text, as Neo reports it
 */
export function reportedTarget(
  targets: TargetTable,
  neo: Target['neo'],
  compilerOptions: string | undefined,
): string {
  const reported = optionsOf(compilerOptions);
  const [best] = [...targets.values()]
    .filter((target) => placeOf(target.neo) === placeOf(neo))
    .map((target) => ({ target, options: optionsOf(target.compilerOptions) }))
    .filter(({ options }) => HARDWARE_OPTIONS.every((key) => agree(options.get(key), reported.get(key))))
    .map(({ target, options }) => ({ target, distance: distance(options, reported) }))
    // Sorting is stable: among equals, the first in the table wins.
    .sort((a, b) => a.distance - b.distance);
  if (best) return best.target.name;

  const hardware = 'platform' in neo ? HARDWARE_OPTIONS.flatMap((key) => reported.get(key) ?? []) : [];
  const name = [placeOf(neo).toLowerCase(), ...hardware]
    .join('-')
    .replace(/[^A-Za-z0-9._-]+/g, '-')
    .slice(0, NAME_LENGTH);
  // A use case may call something else by this name.
  return targets.has(name) ? `other-${name}`.slice(0, NAME_LENGTH) : name;
}

/** `jetson_nano`, `LINUX-ARM64-NVIDIA`: equal for what runs on the same. */
function placeOf(neo: Target['neo']): string {
  if ('device' in neo) return neo.device;
  const { os, arch, accelerator } = neo.platform;
  return [os, arch, accelerator].filter(Boolean).join('-');
}

/** The options as texts; empty if there are none, if they are not JSON, and for Inferentia's bare string. */
function optionsOf(text: string | undefined): ReadonlyMap<string, string> {
  let options: unknown;
  try {
    options = JSON.parse(text ?? '{}');
  } catch {
    // Neo took it, so it meant something to Neo; but it has nothing to compare.
    return new Map();
  }
  if (typeof options !== 'object' || options === null) return new Map();
  return new Map(
    Object.entries(options).map(([key, value]) => [
      key,
      typeof value === 'string' ? value : JSON.stringify(value),
    ]),
  );
}

const agree = (a: string | undefined, b: string | undefined): boolean =>
  a === undefined || b === undefined || a === b;

/** Options that only one of them has, or that differ in value. */
function distance(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): number {
  return [...new Set([...a.keys(), ...b.keys()])].filter((key) => a.get(key) !== b.get(key)).length;
}
