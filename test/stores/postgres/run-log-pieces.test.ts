/** How the bytes of a run's log lie in rows, whatever is appended. */
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { capped, outsideGaps, type RunLogGap, withGap } from '../../../src/domain/run-log-gaps.ts';
import {
  type PiecePlan,
  type PieceState,
  planAppend,
  planEnd,
  planGap,
} from '../../../src/stores/postgres/run-log-pieces.ts';

const CHUNK = 1_000;
const LIMITS = { chunkBytes: CHUNK, head: CHUNK, cap: 6 * CHUNK };

/** The rows, as the database would have them. */
class Rows {
  state: PieceState = { size: 0, gaps: [], chunkBytes: CHUNK, loose: 0, looseFrom: 0 };
  /** Where each piece begins → where it ends. */
  readonly pieces = new Map<number, number>();
  /** Bytes that were written to the database. */
  written = 0;

  carryOut({ steps, loose, looseFrom }: PiecePlan, size: number, gaps: readonly RunLogGap[]): void {
    for (const { what, from, to } of steps) {
      const there = [...this.pieces].filter(([at]) => at >= from && at < to).sort(([a], [b]) => a - b);
      if (what === 'insert') {
        expect(there).toEqual([]);
        this.pieces.set(from, to);
        this.written += to - from;
        continue;
      }
      for (const [at] of there) this.pieces.delete(at);
      if (what === 'drop') continue;
      // Without a hole, and to its last byte.
      expect(there.map(([at]) => at)).toEqual([from, ...there.slice(0, -1).map(([, end]) => end)]);
      expect(there.at(-1)![1]).toBe(to);
      this.pieces.set(from, to);
      this.written += to - from;
    }
    this.state = { ...this.state, size, gaps, loose, looseFrom };
  }

  append(length: number): void {
    const size = this.state.size + length;
    const gaps = capped(size, this.state.gaps, LIMITS);
    this.carryOut(planAppend(this.state, size, gaps), size, gaps);
  }

  skip(length: number): void {
    const { size } = this.state;
    const gaps = withGap(this.state.gaps, { from: size, to: size + length, reason: 'lost' });
    this.carryOut(planGap(this.state, gaps, size + length), size + length, gaps);
  }

  end(): void {
    this.carryOut(planEnd(this.state), this.state.size, this.state.gaps);
  }

  /** All that is kept is there once, no piece lies in two chunks, and few are not merged. */
  check(): void {
    const { size, gaps } = this.state;
    const kept = [...outsideGaps(gaps, 0, size)];
    const sorted = [...this.pieces].sort(([a], [b]) => a - b);
    const joined: { from: number; to: number }[] = [];
    for (const [from, to] of sorted) {
      expect(Math.floor(from / CHUNK)).toBe(Math.floor((to - 1) / CHUNK));
      const last = joined.at(-1);
      if (last?.to === from) last.to = to;
      else joined.push({ from, to });
    }
    expect(joined).toEqual(kept);
    for (const chunk of new Set(sorted.map(([at]) => Math.floor(at / CHUNK)))) {
      const pieces = sorted.filter(([at]) => Math.floor(at / CHUNK) === chunk);
      const stretches = [...outsideGaps(gaps, chunk * CHUNK, Math.min(size, (chunk + 1) * CHUNK))].length;
      if (size >= (chunk + 1) * CHUNK) expect(pieces).toHaveLength(stretches);
      else expect(pieces.length).toBeLessThanOrEqual(stretches + 256 + CHUNK / 256);
    }
  }
}

const stepArbitrary = fc.oneof(
  { weight: 6, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 400 }) }) },
  { weight: 2, arbitrary: fc.record({ append: fc.integer({ min: 1, max: 9 * CHUNK }) }) },
  { weight: 2, arbitrary: fc.record({ many: fc.integer({ min: 1, max: 700 }) }) },
  { weight: 1, arbitrary: fc.record({ skip: fc.integer({ min: 1, max: 2 * CHUNK }) }) },
);

it('keeps every byte once, in few rows, whatever comes in what pieces', () => {
  fc.assert(
    fc.property(fc.array(stepArbitrary, { maxLength: 30 }), (steps) => {
      const rows = new Rows();
      for (const step of steps) {
        if ('many' in step) for (let n = 0; n < step.many; n += 1) rows.append(1);
        else if ('skip' in step) rows.skip(step.skip);
        else rows.append(step.append);
        rows.check();
      }
      rows.end();
      rows.check();
      expect(rows.pieces.size).toBeLessThanOrEqual(LIMITS.cap / CHUNK + rows.state.gaps.length + 2);
      // At most as a piece, merged with others, and merged with all of its chunk.
      const appended = steps.reduce(
        (sum, step) => sum + ('skip' in step ? 0 : 'many' in step ? step.many : step.append),
        0,
      );
      expect(rows.written).toBeLessThanOrEqual(3 * appended);
    }),
    { numRuns: 300 },
  );
});
