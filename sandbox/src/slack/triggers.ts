/** `trigger_id`s: what a person's click is worth to the app: one modal, within three seconds. */
import { randomBytes, randomInt } from 'node:crypto';
import type { Clock } from '../time.ts';

export interface Trigger {
  user: string;
  /** The view the click was in, for `views.push`. */
  view?: string | undefined;
}

/** Used and expired ones are remembered so long, to be told apart from invented ones. */
const REMEMBERED = 10_000;

export class Triggers {
  readonly #clock: Clock;
  readonly #lifetimeMs: number;
  readonly #issued = new Map<string, Trigger & { at: number; exchanged: boolean }>();

  constructor(clock: Clock, lifetimeMs: number) {
    this.#clock = clock;
    this.#lifetimeMs = lifetimeMs;
  }

  issue(user: string, view?: string): string {
    const id = `${this.#clock.now()}.${randomInt(1e9, 1e10)}.${randomBytes(16).toString('hex')}`;
    this.#issued.set(id, { user, view, at: this.#clock.now(), exchanged: false });
    const oldest = this.#issued.keys().next();
    if (this.#issued.size > REMEMBERED && !oldest.done) this.#issued.delete(oldest.value);
    return id;
  }

  /** @returns what it stands for, or Slack's error code; a valid one is used up by `use` */
  exchange(id: string): (Trigger & { use(): void }) | string {
    const issued = this.#issued.get(id);
    if (issued === undefined) return 'invalid_trigger_id';
    if (issued.exchanged) return 'exchanged_trigger_id';
    if (this.#clock.now() - issued.at > this.#lifetimeMs) return 'expired_trigger_id';
    return {
      user: issued.user,
      view: issued.view,
      use: () => {
        issued.exchanged = true;
      },
    };
  }
}
