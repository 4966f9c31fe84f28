import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newPageMemory, parsePage, readPage } from '../../src/aws/cloudwatch-logs-page.ts';
import { pageArena } from '../../src/aws/page-scanner.ts';

const arena = pageArena()!;

/** The three ways to read a page, or the error each gives. */
function allWays(body: Buffer, lead: number | undefined) {
  const layout = { lead };
  const plain = attempt(() => parsePage(body, layout));
  const scanned = attempt(() => readPage(body, layout, newPageMemory()));
  const place = arena.takeBody(Math.max(1, body.length))!;
  body.copy(place);
  // What an earlier body left behind this one must not be read.
  place.fill('"}],"nextForwardToken":"stale"}', body.length, body.length + 100);
  const region = arena.takeRegion()!;
  const assembled = attempt(() =>
    readPage(place.subarray(0, body.length), layout, {
      text: region.text,
      ends: region.ends,
      times: region.times,
      region,
    }),
  );
  const copy = JSON.stringify(assembled);
  arena.giveRegion(region);
  arena.giveBody(place);
  return { plain: JSON.stringify(plain), scanned: JSON.stringify(scanned), assembled: copy };

  function attempt(read: () => ReturnType<typeof parsePage>): unknown {
    try {
      const page = read();
      // The free bytes before a message are anything.
      const text = Buffer.from(page.text);
      let start = 0;
      for (const end of page.ends) {
        if (lead) text.fill(0, start, start + lead);
        start = end;
      }
      return { ...page, text: text.toString('hex'), ends: [...page.ends], times: [...page.times] };
    } catch (error) {
      if (!(error instanceof SyntaxError)) throw error;
      return 'not JSON';
    }
  }
}

function same(body: Buffer | string, lead: number | undefined): string {
  const ways = allWays(typeof body === 'string' ? Buffer.from(body, 'utf8') : body, lead);
  expect(ways.scanned).toBe(ways.plain);
  expect(ways.assembled).toBe(ways.plain);
  return ways.plain;
}

const leads = fc.constantFrom(undefined, 0, 1, 25, 40);

/** A JSON string literal of a text, each character in one of the ways JSON knows. */
const literal = fc
  .array(
    fc.oneof(
      {
        weight: 6,
        arbitrary: fc
          .string({ unit: 'binary', maxLength: 20 })
          .map((text) => JSON.stringify(text).slice(1, -1)),
      },
      {
        weight: 4,
        arbitrary: fc
          .string({ unit: 'grapheme-ascii', maxLength: 60 })
          .map((text) => JSON.stringify(text).slice(1, -1)),
      },
      fc.constantFrom(
        '\\n',
        '\\r',
        '\\t',
        '\\b',
        '\\f',
        '\\/',
        '\\"',
        '\\\\',
        '\\u001b',
        '\\u0000',
        '\\u00e9',
        '\\u20AC',
        '\\uFFFF',
        '\u007f',
      ),
      fc.constantFrom(
        '\\ud83d\\ude00',
        '\\uD83D\\uDE00',
        '\\ud83d',
        '\\ude00',
        '\\ud83d\\ud83d\\ude00',
        '\\ud83dx',
        '\\ud83d\\n',
        '\\udbff\\udfff',
      ),
      // Broken on purpose.
      {
        weight: 1,
        arbitrary: fc.constantFrom('', '', '', '', '\\x', '\\u12', '\\uzzzz', '\u0001', '\n', '\\'),
      },
    ),
    { maxLength: 8 },
  )
  .map((parts) => `"${parts.join('')}"`);

const space = fc.constantFrom('', '', '', '', '', ' ', '\n  ', '\t\r\n');
const number = fc.oneof(
  { weight: 8, arbitrary: fc.integer({ min: 0, max: 2_000_000_000_000 }).map(String) },
  fc.constantFrom('0', '-5', '1.5', '1e3', '007', '1234567890123456789', '12.', '-', 'null', '"7"', 'true'),
);
const anything = fc.oneof(fc.json({ maxDepth: 2 }), number, literal);

const event = fc
  .tuple(
    fc.shuffledSubarray(
      [
        'message',
        'message',
        'message',
        'timestamp',
        'timestamp',
        'ingestionTime',
        'eventId',
        'logStreamName',
        'other',
        'mess"age',
        '__proto__',
      ].map(String),
    ),
    fc.constantFrom(true, true, true, false),
    literal,
    number,
    number,
    literal,
    anything,
    space,
  )
  .map(([keys, usual, message, time, ingestion, id, other, gap]) => {
    const order = usual
      ? [...new Set(keys.filter((key) => key !== 'mess"age' && key !== '__proto__' && key !== 'other'))]
      : keys;
    const values: Record<string, string> = {
      message,
      timestamp: time,
      ingestionTime: ingestion,
      eventId: id,
      logStreamName: id,
    };
    const at = usual ? '' : gap;
    return `{${at}${order.map((key) => `${JSON.stringify(key)}${at}:${at}${values[key] ?? other}`).join(`${at},${at}`)}${at}}`;
  });

const answer = fc
  .tuple(
    fc.array(event, { maxLength: 6 }),
    fc.shuffledSubarray([
      'events',
      'nextForwardToken',
      'nextBackwardToken',
      'nextToken',
      'searchedLogStreams',
      'extra',
    ]),
    literal,
    anything,
    space,
  )
  .map(([events, keys, token, other, gap]) => {
    const value = (key: string): string =>
      key === 'events' ? `[${gap}${events.join(`${gap},`)}${gap}]` : key.startsWith('next') ? token : other;
    return `${gap}{${keys.map((key) => `"${key}":${gap}${value(key)}`).join(',')}}${gap}`;
  });

describe('[L3] [L5] a page read from its bytes', () => {
  it('is the same, byte for byte, as one read through JSON', () => {
    fc.assert(
      fc.property(answer, leads, (body, lead) => void same(body, lead)),
      { numRuns: 3000 },
    );
  });

  it('is the same for ordinary pages, which must take the fast way', () => {
    const ordinary = fc.array(
      fc.record({
        ingestionTime: fc.nat(),
        message: fc.string({ unit: 'binary', maxLength: 200 }),
        timestamp: fc.nat(),
      }),
      { maxLength: 50 },
    );
    fc.assert(
      fc.property(ordinary, leads, (events, lead) => {
        const plain = same(
          JSON.stringify({ events, nextBackwardToken: 'b/1', nextForwardToken: 'f/1' }),
          lead,
        );
        expect(JSON.parse(plain)).toMatchObject({
          count: events.length,
          forwardToken: 'f/1',
          backwardToken: 'b/1',
        });
      }),
      { numRuns: 500 },
    );
  });

  it('is the same when the body is cut anywhere, or a byte of it is changed', () => {
    fc.assert(
      fc.property(
        answer,
        leads,
        fc.nat(),
        fc.nat({ max: 255 }),
        fc.boolean(),
        (body, lead, place, byte, cut) => {
          const bytes = Buffer.from(body, 'utf8');
          if (bytes.length === 0) return;
          const at = place % bytes.length;
          if (cut) return void same(bytes.subarray(0, at), lead);
          bytes[at] = byte;
          same(bytes, lead);
        },
      ),
      { numRuns: 3000 },
    );
  });

  it('holds events of a megabyte, and more events than a page usually has', () => {
    const large = {
      events: [
        { message: '€\n"'.repeat(200_000), timestamp: 5 },
        { message: 'x'.repeat(1_048_576), timestamp: 6 },
      ],
    };
    same(JSON.stringify(large), 30);
    const many = {
      events: Array.from({ length: 25_000 }, (_, i) => ({ timestamp: i, message: i % 3 ? 'a' : '' })),
    };
    same(JSON.stringify(many), 40);
  });

  it('does not take bytes that are not UTF-8 for text', () => {
    same(
      Buffer.concat([
        Buffer.from('{"events":[{"message":"'),
        Buffer.from([0xff, 0xc3, 0x28]),
        Buffer.from('","timestamp":1}]}'),
      ]),
      3,
    );
  });

  it('adds a newline to a line unless the message ends with one', () => {
    const body = JSON.stringify({
      events: [
        { message: 'a', timestamp: 1 },
        { message: 'b\n', timestamp: 2 },
        { message: '', timestamp: 3 },
      ],
    });
    const page = readPage(Buffer.from(body), { lead: 0 }, newPageMemory());
    expect(page.text.toString()).toBe('a\nb\n\n');
    expect([...page.ends]).toEqual([2, 4, 5]);
  });
});

describe('the assembled scanner', () => {
  it('is what its source says', async () => {
    const { assemble } = (await import('../../scripts/build-page-scanner.mjs' as string)) as {
      assemble(): Promise<string>;
    };
    const file = await readFile(new URL('../../src/aws/page-scanner.wasm.ts', import.meta.url), 'utf8');
    const base64 = (text: string): string =>
      [...text.matchAll(/^ {2}'(.+)',$/gm)].map((match) => match[1]).join('');
    expect(base64(file)).toBe(base64(await assemble()));
  });
});
