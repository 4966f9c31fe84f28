/**
 * A job whose events reach the service as the library takes for granted: within ten minutes, and in order in each stream
 * give or take five seconds. Agents lag, fall silent and catch up, clocks of instances are off by seconds, events come
 * twice, and instances begin late.
 */
import { generator, type SimulatedEvent } from '../simulated-service.ts';

export const SETTLING = 600_000;
const JITTER = 5_000;

export interface Arrival extends SimulatedEvent {
  stream: string;
  at: number;
}

export interface GrowingJob {
  /** By the time they arrive. */
  arrivals: readonly Arrival[];
  endedAt: number;
}

export interface JobShape {
  seed: number;
  streams: number;
  events: number;
  /** Chance that an event has the time of the one before. */
  ties: number;
}

const MESSAGES = [
  '',
  'epoch 3/10 loss=0.12',
  'ä€😀',
  'two\nlines',
  'newline\n',
  'two newlines\n\n',
  '\r 37%|███',
  'nul\0byte',
  'x'.repeat(300),
];

export function growingJob(start: number, shape: JobShape): GrowingJob {
  const random = generator(shape.seed);
  const pick = <T>(...of: T[]): T => of[Math.floor(random() * of.length)]!;
  const arrivals: Arrival[] = [];
  let endedAt = start;
  for (let s = 0; s < shape.streams; s++) {
    const stream = `job/algo-${s + 1}`;
    const skew = pick(0, 0, -2000, 3000);
    const planned: Arrival[] = [];
    let time = start + (s === 0 ? 0 : Math.floor(random() ** 3 * pick(1_000, 60_000, 1_800_000)));
    // An instance that has just begun may not have its agent yet.
    let delay = s === 0 ? 500 : pick(500, 20_000, 400_000);
    let before = 0;
    const pace = pick(500, 4_000, 60_000);
    for (let i = 0; i < shape.events; i++) {
      if (random() > shape.ties) time += 1 + Math.floor(random() ** 4 * (random() < 0.05 ? 900_000 : pace));
      if (random() < 0.1) delay = random() < 0.7 ? 500 : Math.floor(random() ** 3 * SETTLING);
      const at = Math.max(before, time + delay);
      before = at;
      const message = `${s}.${i} ${pick(...MESSAGES)}`;
      for (let n = random() < 0.05 ? 2 : 1; n > 0; n--) {
        // In order, mostly; some are overtaken.
        const overtaken = random() < 0.3 ? Math.floor(random() * 8_000) : 0;
        planned.push({ stream, time: time + skew, message, at: at + overtaken });
      }
    }
    arrivals.push(...withinTheRule(planned));
    endedAt = Math.max(endedAt, time);
  }
  return { arrivals: arrivals.sort((a, b) => a.at - b.at), endedAt };
}

/** Without the events that come later than the rule allows. */
function withinTheRule(planned: readonly Arrival[]): Arrival[] {
  let newest = Number.NEGATIVE_INFINITY;
  return [...planned]
    .sort((a, b) => a.at - b.at)
    .filter((event) => {
      if (event.at > event.time + SETTLING || event.time < newest - JITTER) return false;
      newest = Math.max(newest, event.time);
      return true;
    });
}
