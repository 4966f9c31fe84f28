import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ByteQueue } from '../../src/runs/byte-queue.ts';

test('hands out what one block was filled with as one view, not as a copy', () => {
  const block = new Uint8Array(3_000).map((_, n) => n % 251);
  const queue = new ByteQueue(10);
  queue.add(block.subarray(0, 1_000));
  queue.add(block.subarray(1_000, 1_001));
  queue.add(block.subarray(1_001, 3_000));
  const bytes = queue.take();
  expect(bytes.buffer).toBe(block.buffer);
  expect(bytes.length).toBe(3_000);
  expect(queue.held).toBe(0);
  expect(queue.start).toBe(3_010);
});

test('does not copy what is large already to make it larger', () => {
  const queue = new ByteQueue();
  const large = new Uint8Array(300_000);
  queue.add(large);
  queue.add(new Uint8Array(5));
  expect(queue.take()).toBe(large);
  expect(queue.take().length).toBe(5);
});

test('hands out the bytes that were added, in order, however they lie in memory', () => {
  const piece = fc.record({
    block: fc.nat({ max: 2 }),
    from: fc.nat({ max: 700_000 }),
    length: fc.oneof(fc.nat({ max: 9 }), fc.nat({ max: 400_000 })),
    behind: fc.boolean(),
    thenTake: fc.boolean(),
  });
  const blocks = [1, 2, 3].map((seed) =>
    Buffer.from(Uint32Array.from({ length: 300_000 }, (_, n) => n * 2_654_435_761 * seed).buffer),
  );
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const queue = new ByteQueue();
      const added: Uint8Array[] = [];
      const taken: Uint8Array[] = [];
      let end = 0;
      for (const { block, from, length, behind, thenTake } of pieces) {
        const start = behind ? end : from;
        const bytes = blocks[block]!.subarray(start, start + length);
        end = start + bytes.length;
        queue.add(bytes);
        added.push(bytes);
        if (thenTake) taken.push(queue.take());
      }
      while (queue.held > 0) taken.push(queue.take());
      expect(Buffer.concat(taken).equals(Buffer.concat(added))).toBe(true);
      expect(queue.start).toBe(queue.end);
    }),
    { numRuns: 100 },
  );
});
