/** Times and the clock that tells them. */
/** Milliseconds since the Unix epoch, UTC. */
export type EpochMs = number;

export interface Clock {
  /** The time of day; a machine's clock may be set forward or back at any moment. */
  now(): EpochMs;
  /**
   * Milliseconds since some moment, which pass whatever becomes of the time of day: for pauses and paces, which a
   * clock that is set back would hold up for hours. Left out: as `now`, for clocks that tests hold in hand.
   */
  elapsed?(): number;
}
