/** Times and clocks. */
/** Milliseconds since the Unix epoch, UTC. */
export type EpochMs = number;

export interface Clock {
  /** The time of day; a machine's clock may be set forward or back at any moment. */
  now(): EpochMs;
  /**
   * Milliseconds since some moment, unaffected by changes to the time of day: for pauses and rates, which a clock set
   * back would hold up for hours. Left out: as `now`, for clocks under a test's control.
   */
  elapsed?(): number;
}
