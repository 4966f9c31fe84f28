/** Secrets that are all that keeps strangers out: anybody may guess them, as fast as they are answered. */

const SHORTEST = 16;

/** What such a secret has to be. */
export const GUARDING = `at least ${SHORTEST} printable characters without spaces`;

export const canGuard = (secret: string): boolean =>
  secret.length >= SHORTEST && !/[^\x21-\x7e]/.test(secret);
