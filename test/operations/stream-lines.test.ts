import fc from 'fast-check';
import { expect, it } from 'vitest';
import { StreamLines } from '../../src/operations/stream-lines.ts';

const NAMES = ['algo-1', 'algo-2', 'algo-10'];
const stamp = (name: string, text: string): string => `2026-11-20T03:14:15.926Z ${name.padEnd(7)} ${text}\n`;

/** @param cuts where the log's bytes are divided */
function divided(log: string, cuts: readonly number[]): string[] {
  const parts: Buffer[][] = NAMES.map(() => []);
  const lines = new StreamLines(
    NAMES.map((name, index) => ({ name, take: (bytes) => void parts[index]!.push(Buffer.from(bytes)) })),
  );
  const bytes = Buffer.from(log);
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort(
    (a, b) => a - b,
  );
  for (let at = 0; at + 1 < places.length; at += 1) lines.feed(bytes.subarray(places[at], places[at + 1]));
  lines.end();
  return parts.map((all) => Buffer.concat(all).toString('utf8'));
}

it('each stream gets its own lines without their times, however the log is divided', () => {
  const message = fc.record({
    stream: fc.nat(NAMES.length - 1),
    text: fc.string({ unit: 'grapheme' }).map((text) => text.replace(/\n/g, ' ')),
  });
  fc.assert(
    fc.property(fc.array(message, { minLength: 1 }), fc.array(fc.nat()), (messages, cuts) => {
      const log = messages.map(({ stream, text }) => stamp(NAMES[stream]!, text)).join('');
      const wanted = NAMES.map((_, index) =>
        messages
          .filter(({ stream }) => stream === index)
          .map(({ text }) => `${text}\n`)
          .join(''),
      );
      expect(divided(log, cuts)).toEqual(wanted);
    }),
  );
});

it('the further lines of a message are its stream’s', () => {
  const log = `${stamp('algo-2', 'Traceback')}  File "a.py"\nloss=1\n${stamp('algo-1', 'loss=2')}`;
  for (let cut = 0; cut < log.length; cut += 1)
    expect(divided(log, [cut])).toEqual(['loss=2\n', 'Traceback\n  File "a.py"\nloss=1\n', '']);
});
