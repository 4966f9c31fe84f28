/** The sandbox's time: a test may hold it in hand. */

/** Milliseconds since the Unix epoch, UTC. */
export type EpochMs = number;

export interface Clock {
  now(): EpochMs;
}
