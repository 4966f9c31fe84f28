import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { lastLines, type StreamTail } from '../../src/domain/last-lines.ts';
import { MASK } from '../../src/domain/mask-secrets.ts';

const tail = (stream: string, ...events: [at: number, text: string][]): StreamTail => ({
  stream,
  text: events.map(([, text]) => `${text}\n`).join(''),
  times: [...events.flatMap(([at, text]) => text.split('\n').map(() => at)), events.at(-1)?.[0] ?? 0],
});

const KEY = [
  ['-----BEGIN RSA', 'PRIVATE KEY-----'].join(' '),
  ...Array.from(
    { length: 40 },
    (_, line) => `MIIEkeyLine${line}abcdefghijklmnopqrstuvwxyz0123456789ABCDEFGH`,
  ),
  ['-----END RSA', 'PRIVATE KEY-----'].join(' '),
];

describe('[L12] the last lines of a log', () => {
  it('are those of its one stream, without its name', () => {
    const end = tail('algo-1', [1, 'epoch 1'], [2, 'epoch 2\nloss 0.3'], [3, ''], [4, 'epoch 3']);
    expect(lastLines([end], 3)).toEqual({ stream: 'algo-1', text: 'epoch 2\nloss 0.3\nepoch 3', at: 4 });
  });

  it('are the newest over all streams, each with the name of its own', () => {
    const ends = [
      tail('algo-1', [10, 'a'], [30, 'c'], [50, 'e']),
      tail('algo-2', [20, 'b'], [40, 'd']),
      tail('algo-3', [1, 'long ago']),
    ];
    expect(lastLines(ends, 4)).toEqual({
      stream: '2 streams',
      text: 'algo-2  b\nalgo-1  c\nalgo-2  d\nalgo-1  e',
      at: 50,
    });
    expect(lastLines(ends, 1)).toEqual({ stream: 'algo-1', text: 'algo-1  e', at: 50 });
  });

  it('are as a terminal shows them: of a bar its last state, no colours, nothing empty', () => {
    const bar = '\r 10%|█\r 55%|█████\r 90%|█████████';
    const end = tail('algo-1', [1, '\u001b[33mWARN\u001b[0m slow'], [2, ' \u001b[0m '], [3, bar]);
    expect(lastLines([end], 9)?.text).toBe('WARN slow\n 90%|█████████');
  });

  it('are none where nothing is seen', () => {
    expect(lastLines([], 5)).toBeUndefined();
    expect(lastLines([tail('algo-1', [1, ''], [2, '\u001b[0m'])], 5)).toBeUndefined();
  });

  it('have no part of a private key that begins above them', () => {
    const events = KEY.map((line, at): [number, string] => [at, line]);
    for (const shown of [2, 10, 30]) {
      const text = lastLines([tail('algo-1', ...events), tail('algo-2', [3, 'x'])], shown)!.text;
      expect(text).not.toContain('MIIEkeyLine');
      expect(text).toContain(MASK);
    }
    // Its end is still to come.
    expect(lastLines([tail('algo-1', ...events.slice(0, -1))], 5)!.text).not.toContain('MIIEkeyLine');
  });

  it('of any streams are at most as many as wanted, in each stream’s order, and the newest', () => {
    const stream = fc.array(fc.tuple(fc.nat(50), fc.stringMatching(/^[a-z ]{0,12}[a-z]$/)), {
      maxLength: 30,
    });
    fc.assert(
      fc.property(fc.array(stream, { maxLength: 5 }), fc.integer({ min: 1, max: 20 }), (streams, count) => {
        // Numbered, so that each line is there once.
        const numbered = streams.map((events, index) =>
          [...events]
            .sort((a, b) => a[0] - b[0])
            .map(([at, text], n): [number, string] => [at, `${index}.${n} ${text}`]),
        );
        const all = numbered.flatMap((events, index) =>
          events.map(([at, text]) => ({ at, line: streams.length > 1 ? `s${index}  ${text}` : text })),
        );
        const last = lastLines(
          numbered.map((events, index) => tail(`s${index}`, ...events)),
          count,
        );
        const lines = last?.text.split('\n') ?? [];
        expect(lines).toHaveLength(Math.min(count, all.length));
        expect(new Set(lines).size).toBe(lines.length);
        const timeOf = (line: string): number => all.find((one) => one.line === line)!.at;
        const times = lines.map(timeOf);
        expect([...times].sort((a, b) => a - b)).toEqual(times);
        const left = all.filter(({ line }) => !lines.includes(line));
        for (const { at } of left) expect(at).toBeLessThanOrEqual(times[0]!);
        if (last) expect(last.at).toBe(times.at(-1));
        numbered.forEach((events, index) => {
          const own = lines.filter((line) => line.includes(` ${index}.`) || line.startsWith(`${index}.`));
          const numbers = own.map((line) => Number(/\d+\.(\d+) /.exec(line)![1]));
          expect(numbers).toEqual(
            events
              .slice(events.length - numbers.length)
              .map((_, n, { length }) => events.length - length + n),
          );
        });
      }),
      { numRuns: 500 },
    );
  });

  it('never show a secret, wherever it stands', () => {
    const secret = `hf_${'AbCdEfGhIjKlMnOpQrStUvWxYzAbCdEfGh'}`;
    const word = fc.stringMatching(/^[a-z0-9 =.]{0,20}$/);
    const line = fc.oneof(
      word,
      fc.tuple(word, word).map(([before, after]) => `${before} token=${secret} ${after}`),
      fc.constant(`HF_TOKEN: \u001b[1m${secret}\u001b[0m`),
      fc.constant(`\r 10%\r key ${secret}`),
      fc.constant(KEY.join('\n')),
    );
    fc.assert(
      fc.property(
        fc.array(fc.array(line, { maxLength: 12 }), { minLength: 1, maxLength: 4 }),
        fc.integer({ min: 1, max: 12 }),
        (streams, count) => {
          const tails = streams.map((lines, index) =>
            tail(`s${index}`, ...lines.map((text, at): [number, string] => [at * 7 + index, text])),
          );
          const text = lastLines(tails, count)?.text ?? '';
          expect(text).not.toContain(secret);
          expect(text).not.toContain('MIIEkeyLine');
        },
      ),
      { numRuns: 1000 },
    );
  });
});
