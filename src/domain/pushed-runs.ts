/** Runs whose logs are sent to Signalbox from wherever they run: what sender and receiver agree on. */

/** As in its id: no tilde, and short enough to leave room for the use case. */
export const isPushName = (name: string): boolean => /^[A-Za-z0-9][A-Za-z0-9._-]{0,119}$/.test(name);

/** Milliseconds between signs of life from a run that prints nothing: they show that the machine is there. */
export const PUSH_HEARTBEAT = 60_000;

/** Milliseconds of silence after which a run may be gone. */
export const PUSH_SILENCE = 5 * PUSH_HEARTBEAT;

/** Bytes in one request at most. */
export const PUSH_LARGEST = 1_048_576;

/** Who sends a run, and when it was last heard from. Kept with its log, as its cursor. */
export interface PushSender {
  writer: string;
  /** What tells this run from another of its name. */
  key?: string | undefined;
  host?: string | undefined;
  /** Counts the signs of life. */
  heard: number;
  /** When it printed last, milliseconds since the epoch; left out: nothing so far. */
  printedAt?: number | undefined;
}

/** @param cursor of its log; its content is trusted */
export function readSender(cursor: string | undefined): PushSender | undefined {
  return cursor === undefined ? undefined : (JSON.parse(cursor) as PushSender);
}
