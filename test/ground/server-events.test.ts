import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type ServerEvent, ServerEventReader } from '../../src/ground/server-events.ts';

function read(text: string | Uint8Array, cuts: readonly number[] = []): ServerEvent[] {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const reader = new ServerEventReader();
  const edges = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length];
  return edges.slice(1).flatMap((end, index) => reader.read(bytes.subarray(edges[index]!, end)));
}

describe('server-sent events', () => {
  it('have data of several lines, names, ids that last, comments, and any line end', () => {
    expect(read('\uFEFF: hello\nid: 7\nevent: log\ndata: a\ndata:  b\n\ndata:c\r\n\r\ndata\rid\r\r')).toEqual(
      [
        { event: 'log', data: 'a\n b', id: '7' },
        { event: 'message', data: 'c', id: '7' },
        { event: 'message', data: '', id: '' },
      ],
    );
  });

  it('are none if the stream breaks off in them, or if they have no data', () => {
    expect(read('id: 1\n\nretry: 5\n\n: beat\n\ndata: half')).toEqual([]);
    expect(read('data: half\n')).toEqual([]);
  });

  it('are the same wherever the bytes are cut, between two halves of a letter or of a line end too', () => {
    const piece = fc.constantFrom('data: é€🎈', 'data:x', 'id: 2', ':c', 'event: e', 'odd', '', '', '');
    const end = fc.constantFrom('\n', '\r\n', '\r');
    fc.assert(
      fc.property(
        fc.array(fc.tuple(piece, end), { maxLength: 30 }),
        fc.array(fc.nat(), { maxLength: 20 }),
        (lines, cuts) => {
          const text = `${lines.map(([line, ends]) => line + ends).join('')}\n`;
          expect(read(text, cuts)).toEqual(read(text));
          // As if all ends were \n: \r and \n that happen to meet are one end either way.
          expect(read(text)).toEqual(read(text.replace(/\r\n|\r/g, '\n')));
        },
      ),
      { numRuns: 300 },
    );
  });

  it('are refused when one never ends', () => {
    const reader = new ServerEventReader();
    const megabyte = Buffer.alloc(1_048_576, 'x');
    const flood = (): void => {
      for (let count = 0; count < 40; count += 1) reader.read(megabyte);
    };
    expect(flood).toThrow(RangeError);
  });
});
