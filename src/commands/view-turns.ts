/**
 * A late rendering of a modal must not replace a newer one: somebody may have clicked on meanwhile.
 * Every rendering that is asked for takes a turn, and is shown only while that turn is the latest.
 */
import { randomUUID } from 'node:crypto';
import { notAllowedView } from '../blocks/details-views.ts';
import type { Modal } from '../blocks/message.ts';
import type { JobChange, JobChanges } from '../operations/job-changes.ts';
import type { Coordination } from '../ports/coordination.ts';
import type { OpenView } from './context.ts';

const TOPIC = 'modal-turn';
/** Modals remembered; those that were closed fall out. */
const REMEMBERED = 1000;

export class ViewTurns {
  readonly #turns = new Map<string, symbol>();
  readonly #from = randomUUID();
  readonly #coordination: Pick<Coordination, 'wake' | 'onWake'> | undefined;

  /** @param coordination shares turns with other instances; left out: there are none */
  constructor(coordination?: Pick<Coordination, 'wake' | 'onWake'>) {
    this.#coordination = coordination;
    coordination?.onWake(TOPIC, ({ from, view }) => {
      if (from !== this.#from) this.#turns.delete(String(view));
    });
  }

  /** From now on earlier turns of this modal show nothing. */
  begin(view: OpenView): OpenView {
    const turn = Symbol('turn');
    // Not awaited: if it comes too late for one rendering, the next one puts that right.
    void this.#coordination?.wake(TOPIC, { from: this.#from, view: view.id }).catch(() => undefined);
    this.#turns.delete(view.id);
    this.#turns.set(view.id, turn);
    const oldest = this.#turns.keys().next().value;
    if (this.#turns.size > REMEMBERED && oldest !== undefined) this.#turns.delete(oldest);
    return {
      id: view.id,
      update: async (picture) => this.#turns.get(view.id) === turn && view.update(picture),
    };
  }
}

/** Milliseconds between two renderings of one modal; Slack takes 100 a minute of all together. */
const PICTURE_INTERVAL = 2500;
/** Milliseconds after which the modal is assumed to be abandoned. */
const FOLLOW_FOR = 45 * 60_000;

export interface Following {
  useCase: string;
  job: string;
  /** Whether the person may still see it: a window stays open for longer than a right may last. */
  permitted(): Promise<boolean>;
  /** Shown once they may no longer see it. */
  metadata: string;
  /** @returns undefined to leave it as it is; `last` ends the updates */
  draw(): Promise<{ picture: Modal; last: boolean } | undefined>;
  onError(error: unknown): void;
  interval?: number | undefined;
}

/** Redraws a modal on every change of a job, until it is closed, nothing more can change, or a while has passed. */
export function followInView(changes: JobChanges, view: OpenView, following: Following): void {
  const interval = following.interval ?? PICTURE_INTERVAL;
  const end = Date.now() + FOLLOW_FOR;
  let last = 0;
  let timer: NodeJS.Timeout | undefined;
  let drawing = false;
  const stop = (): void => {
    clearTimeout(timer);
    unsubscribe();
  };
  const draw = async (): Promise<void> => {
    timer = undefined;
    if (drawing) return plan();
    drawing = true;
    last = Date.now();
    try {
      if (!(await following.permitted())) {
        stop();
        await view.update(
          notAllowedView(following.metadata, 'You do not have permission to see this any more.'),
        );
        return;
      }
      const drawn = await following.draw();
      if (drawn && (!(await view.update(drawn.picture)) || drawn.last)) stop();
    } catch (error) {
      stop();
      following.onError(error);
    } finally {
      drawing = false;
    }
  };
  const plan = (): void => {
    if (timer) return;
    timer = setTimeout(() => void draw(), Math.max(0, last + interval - Date.now()));
    timer.unref();
  };
  const unsubscribe = changes.subscribe((change: JobChange) => {
    if (change.useCase !== following.useCase || change.job !== following.job) return;
    if (Date.now() > end) stop();
    else plan();
  });
  // Catches up with changes made before listening began.
  plan();
}
