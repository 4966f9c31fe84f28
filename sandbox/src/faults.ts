/**
 * The faults a sandbox was told to have, shared by all its sides: each call asks by its name (`chat.update`,
 * `files.upload`, `socket`, `logs:GetLogEvents`, `runpod:GetPodLogs`) whether it is to fail this time.
 */
import { SandboxError } from './errors.ts';
import type { Fault } from './protocol.ts';

interface Planned {
  readonly fault: Fault;
  /** Calls that this fault has seen, failed or not. */
  seen: number;
  failed: number;
}

export class FaultPlan {
  #planned: Planned[] = [];

  /** @throws SandboxError invalid_input naming the first field that is wrong; then nothing was added */
  add(faults: unknown): Fault[] {
    const parsed = (Array.isArray(faults) ? faults : [faults]).map(parseFault);
    for (const fault of parsed) this.#planned.push({ fault, seen: 0, failed: 0 });
    return this.list();
  }

  list(): Fault[] {
    return this.#planned.map(({ fault }) => ({ ...fault }));
  }

  clear(): void {
    this.#planned = [];
  }

  /**
   * Counts one call and says whether it fails. Faults are tried in the order they were added; one that has met
   * its `times` is dropped.
   * @param name the call, exactly as a fault's `on` names it
   */
  take(name: string): Fault | undefined {
    for (const planned of this.#planned) {
      const { fault } = planned;
      // The first fault that strikes hides the call from later ones, as a real outage would.
      if (fault.on !== name && !(fault.on === '*' && !NOT_A_CALL.has(name))) continue;
      planned.seen += 1;
      const position = planned.seen - (fault.after ?? 0);
      if (position <= 0 || position % (fault.every ?? 1) !== 0) continue;
      planned.failed += 1;
      const times = fault.times ?? 1;
      if (times > 0 && planned.failed >= times) {
        this.#planned = this.#planned.filter((other) => other !== planned);
      }
      return fault;
    }
    return undefined;
  }
}

/** Not requests of a client, so `*` leaves them alone: they must be named. */
const NOT_A_CALL: ReadonlySet<string> = new Set([
  'socket',
  'files.share',
  'events:Emit',
  'events:Deliver',
  'runpod:Run',
]);

function parseFault(input: unknown): Fault {
  if (typeof input !== 'object' || input === null || Array.isArray(input)) {
    throw invalid(`A fault must be an object, not ${JSON.stringify(input) ?? String(input)}.`);
  }
  const given = input as Record<string, unknown>;
  const fault: Fault = { on: text(given, 'on'), kind: text(given, 'kind') };
  for (const [field, least] of [
    ['times', 0],
    ['after', 0],
    ['every', 1],
    ['seconds', 0],
  ] as const) {
    const value = given[field];
    if (value === undefined) continue;
    const whole = field === 'seconds' ? Number.isFinite(value) : Number.isInteger(value);
    if (typeof value !== 'number' || !whole || value < least) {
      throw invalid(`A fault's \`${field}\` must be a number from ${least}, not ${JSON.stringify(value)}.`);
    }
    fault[field] = value;
  }
  const unknown = Object.keys(given).find((field) => !KNOWN_FIELDS.has(field));
  if (unknown !== undefined) throw invalid(`A fault has no field \`${unknown}\`.`);
  return fault;
}

const KNOWN_FIELDS: ReadonlySet<string> = new Set(['on', 'kind', 'times', 'after', 'every', 'seconds']);

function text(given: Record<string, unknown>, field: string): string {
  const value = given[field];
  if (typeof value === 'string' && value !== '') return value;
  throw invalid(
    `A fault needs \`${field}\`, a non-empty string; it was ${JSON.stringify(value) ?? 'missing'}.`,
  );
}

function invalid(message: string): SandboxError {
  return new SandboxError('invalid_input', message, {
    hint: 'For example {"on": "chat.update", "kind": "429", "seconds": 2, "times": 1}.',
  });
}
