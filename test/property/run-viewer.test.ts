/** What the viewer's page writes into its terminal is what the run printed: whatever is printed, cut off and scrolled. */
import fc from 'fast-check';
import type { Hono } from 'hono';
import { describe, expect, it } from 'vitest';
import { runLogRoutes } from '../../src/http/run-logs.ts';
import { textBegins } from '../../src/http/viewer/line-moves.ts';
import { type EventStream, Live } from '../../src/http/viewer/live.ts';
import { LogSearch } from '../../src/http/viewer/log-search.ts';
import { LogWindow } from '../../src/http/viewer/log-window.ts';
import { RunApi } from '../../src/http/viewer/run-api.ts';
import { visibleLine } from '../../src/http/viewer/visible-line.ts';
import { MemoryRunLogs } from '../fixtures/memory-run-logs.ts';
import { xtermRows } from '../fixtures/xterm.ts';
import { ENDED, sentEvents } from '../http/run-log-house.ts';
import { PaperScreen } from '../http/viewer-screen.ts';

const ID = 'line-3~local~job-1';
const RUN = `http://localhost/runs/${ID}`;
const LIMITS = { piece: 200, step: 3_000, most: 9_000, around: 700, behind: 1e9, write: 900 };

const printed = fc.oneof(
  { weight: 5, arbitrary: fc.uint8Array({ maxLength: 2_000 }) },
  { weight: 4, arbitrary: fc.string({ unit: 'grapheme', maxLength: 300 }).map((text) => `${text}\r\n`) },
  {
    weight: 3,
    arbitrary: fc.array(fc.string({ maxLength: 40 }), { maxLength: 60 }).map((lines) => lines.join('\n')),
  },
  { weight: 1, arbitrary: fc.integer({ min: 1, max: 4_000 }).map((lost) => ({ lost })) },
);

type Move = 'earlier' | 'later' | 'end' | 'beginning' | 'up' | 'down';
const step = fc.oneof(
  { weight: 4, arbitrary: fc.record({ print: printed }) },
  { weight: 1, arbitrary: fc.constant({ cut: true as const }) },
  {
    weight: 2,
    arbitrary: fc.record({
      move: fc.constantFrom<Move>('earlier', 'later', 'end', 'beginning', 'up', 'down'),
    }),
  },
  { weight: 1, arbitrary: fc.record({ reveal: fc.double({ min: 0, max: 1, noNaN: true }) }) },
  { weight: 2, arbitrary: fc.constant({ settle: true as const }) },
);

/** A run, what serves it, and a viewer of it that shows nothing. */
class Viewed {
  readonly logs = new MemoryRunLogs();
  readonly screen = new PaperScreen();
  readonly api: RunApi;
  readonly window: LogWindow;
  readonly live: Live;
  readonly #app: Hono;
  isDone = false;
  cut: () => void = () => {};
  readonly failures: unknown[] = [];

  constructor() {
    this.#app = runLogRoutes({ logs: this.logs, authorise: async () => ({}) }) as unknown as Hono;
    this.api = new RunApi(RUN, async (url) => this.#app.request(String(url)));
    this.window = new LogWindow({
      read: (offset, limit) => this.api.read(offset, limit),
      screen: this.screen,
      failed: (error) => this.failures.push(error),
      limits: LIMITS,
    });
    this.live = new Live({
      api: this.api,
      open: (url) => this.#open(url),
      listener: {
        log: (bytes, next, gap) => this.window.append(bytes, next, gap),
        connected: () => {},
        interrupted: () => {},
        done: () => (this.isDone = true),
        note: () => undefined,
        refused: (error) => this.failures.push(error),
      },
      // A pause of no time; silence never lasts long enough.
      after: (ms, run) => {
        if (ms > 30_000) return () => {};
        const soon = setImmediate(run);
        return () => clearImmediate(soon);
      },
    });
  }

  #open(url: string): EventStream {
    const listeners = new Map<string, (event: { data: string; lastEventId: string }) => void>();
    let isClosed = false;
    const stream: EventStream = {
      onopen: null,
      onerror: null,
      addEventListener: (type, listener) => listeners.set(type, listener),
      close: () => (isClosed = true),
    };
    const fail = (): void => {
      if (isClosed) return;
      isClosed = true;
      stream.onerror?.(new Event('error'));
    };
    this.cut = fail;
    void (async () => {
      const answer = await this.#app.request(url);
      if (!answer.ok) return fail();
      for await (const { event, id, data } of sentEvents(answer.body!)) {
        if (isClosed) return;
        listeners.get(event)?.({ data: JSON.stringify(data), lastEventId: id });
      }
      fail();
    })();
    return stream;
  }

  async print(what: Uint8Array | string | { lost: number }): Promise<void> {
    const { size } = (await this.logs.info(ID))!;
    if (typeof what === 'object' && 'lost' in what) await this.logs.skip(ID, size, size + what.lost);
    else await this.logs.append(ID, size, Buffer.from(what));
  }

  async move(move: Move): Promise<void> {
    if (move === 'up') this.screen.scroll(0);
    else if (move === 'down') this.screen.scroll('end');
    else if (move === 'beginning') await this.window.openAt(0);
    else if (move === 'end') await this.window.openAtEnd();
    else if (move === 'earlier') await this.window.earlier();
    else await this.window.later();
  }

  /** The log from one offset to another, with zeros where bytes are lost. */
  async text(from: number, to: number): Promise<string> {
    let text = '';
    while (from + text.length < to) {
      const offset = from + text.length;
      const { bytes, gap } = await this.logs.read(ID, offset, to - offset);
      text += gap ? '\0'.repeat(Math.min(gap.to, to) - offset) : Buffer.from(bytes).toString('latin1');
    }
    return text;
  }

  async expectWhatWasPrinted(): Promise<void> {
    await this.window.settled();
    const { from, to } = this.window;
    const written = this.screen.sheet.text;
    // A terminal still has what the window has let go at its beginning.
    expect(written.length).toBeGreaterThanOrEqual(to - from);
    expect(written).toBe(await this.text(to - written.length, to));
  }
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: a terminal's sequences begin with one.
const SEQUENCES = /\x1b(?:\[[\d;]*[mAH]|M|\]0;ab\x07)/g;
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above.
const MOVES = /\x1b(?:\[[\d;]*[AH]|M)/;

const until = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise(setImmediate);
};

describe('[W3, W4] the viewer’s window on a run’s log', () => {
  it('has what was printed, in order and once, through disconnects and wherever it is moved', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(printed, { maxLength: 12 }),
        fc.array(step, { maxLength: 25 }),
        async (before, steps) => {
          const viewed = new Viewed();
          await viewed.logs.create(ID);
          for (const what of before) await viewed.print(what);
          await viewed.window.openAtEnd();
          viewed.live.start(viewed.window.to);
          for (const one of steps) {
            if ('print' in one) await viewed.print(one.print);
            else if ('cut' in one) viewed.cut();
            else if ('move' in one) await viewed.move(one.move);
            else if ('reveal' in one) {
              const { size } = (await viewed.logs.info(ID))!;
              const offset = Math.floor(size * one.reveal * 0.999);
              const begins = (line: Uint8Array): number => Math.floor(line.length * one.reveal);
              const place = size > 0 ? await viewed.window.reveal(offset, begins) : undefined;
              if (place) expect(viewed.window.from <= offset && offset < viewed.window.to).toBe(true);
            } else await viewed.expectWhatWasPrinted();
          }
          await viewed.logs.finish(ID, ENDED);
          await until(() => viewed.isDone);
          await viewed.expectWhatWasPrinted();
          const { size } = (await viewed.logs.info(ID))!;
          expect(viewed.window.size).toBe(size);
          if (viewed.window.follows) expect(viewed.window.to).toBe(size);
          // From wherever it is, both ends can be reached.
          await viewed.window.openAtEnd();
          await viewed.expectWhatWasPrinted();
          expect([viewed.window.to, viewed.window.follows]).toEqual([size, true]);
          for (let last = -1; viewed.window.from > 0 && viewed.window.from !== last; ) {
            last = viewed.window.from;
            viewed.screen.scroll(0);
            await viewed.window.earlier();
            await viewed.expectWhatWasPrinted();
          }
          expect(viewed.window.from).toBe(0);
          for (let last = -1; viewed.window.to < size && viewed.window.to !== last; ) {
            last = viewed.window.to;
            viewed.screen.scroll('end');
            await viewed.window.later();
            await viewed.expectWhatWasPrinted();
          }
          expect([viewed.window.to, viewed.window.follows]).toEqual([size, true]);
          expect(viewed.failures).toEqual([]);
        },
      ),
      { numRuns: 200 },
    );
  });

  it('stays within its bounds, and what is at the top stays there', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.nat({ max: 60 }), { minLength: 300, maxLength: 900 }),
        fc.array(fc.boolean(), { maxLength: 12 }),
        async (lines, moves) => {
          const viewed = new Viewed();
          await viewed.logs.create(ID);
          await viewed.print(lines.map((length, index) => `${index}:${'.'.repeat(length)}\n`).join(''));
          await viewed.window.openAtEnd();
          const topLine = (): string => viewed.screen.sheet.text.split('\n')[viewed.screen.top]!;
          for (const isUp of moves) {
            viewed.screen.scroll(isUp ? 0 : Math.max(0, viewed.screen.sheet.lines - viewed.screen.height));
            const before = topLine();
            await viewed.move(isUp ? 'earlier' : 'later');
            expect(topLine()).toBe(before);
            expect(viewed.window.to - viewed.window.from).toBeLessThan(LIMITS.most + LIMITS.step);
            expect(viewed.screen.sheet.lines).toBeLessThan(viewed.screen.lines * 1.5);
          }
        },
      ),
      { numRuns: 100 },
    );
  });
});

describe('[W4] finding text in a run’s log', () => {
  it('has each match of each line, newest first, and those of what is printed meanwhile', async () => {
    const line = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', 'B', ' ', 'é', '字'), maxLength: 12 }),
      fc.constantFrom('ab\rB', '\x1b[31mab\x1b[0mab', 'a\x08ab', 'ab\x1b[2Kba', 'xxxx\x1b[1Gab'),
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes).toString('latin1')),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.array(line, { maxLength: 8 }).map((lines) => lines.join('\n')),
          { minLength: 1, maxLength: 8 },
        ),
        fc.nat({ max: 8 }),
        fc.constantFrom('ab', 'B', 'a', 'é'),
        fc.boolean(),
        async (parts, first, needle, matchCase) => {
          const logs = new MemoryRunLogs();
          await logs.create(ID);
          let size = 0;
          const print = async (text: string): Promise<void> => {
            ({ size } = await logs.append(ID, size, Buffer.from(text)));
          };
          for (const part of parts.slice(0, first)) await print(part);
          let found: number[] = [];
          let searchedFrom = size;
          const search = new LogSearch({
            read: async (offset, limit) => ({ ...(await logs.read(ID, offset, limit)), size }),
            needle,
            matchCase,
            step: 7,
            older: (hits, from) => {
              expect(from).toBeLessThan(searchedFrom);
              searchedFrom = from;
              found = [...hits, ...found];
            },
            newer: (hits, from) => (found = [...found.filter((hit) => hit < from), ...hits]),
          });
          expect(await search.start(size)).toBe(true);
          for (const part of parts.slice(first)) {
            await print(part);
            await search.grow(size);
          }
          const text = Buffer.from(parts.join(''));
          const wanted: number[] = [];
          const fold = (seen: string): string => (matchCase ? seen : seen.toLowerCase());
          for (let from = 0; from <= text.length; ) {
            const newline = text.indexOf(10, from);
            const to = newline < 0 ? text.length : newline;
            const seen = fold(visibleLine(text.subarray(from, to).toString()));
            for (let at = seen.indexOf(fold(needle)); at >= 0; at = seen.indexOf(fold(needle), at + 1))
              wanted.push(from);
            from = to + 1;
          }
          expect(found).toEqual(wanted);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('knows where in a line that moves to others the text of each match begins', async () => {
    const piece = fc.constantFrom(
      'ab',
      'AB',
      'b',
      'é',
      ' ',
      '\x1b[31m',
      '\x1b[A',
      '\x1b[2;3H',
      '\x1bM',
      '\x1b]0;ab\x07',
      '\r',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), fc.boolean(), (pieces, matchCase) => {
        const line = Buffer.from(pieces.join(''));
        const isSeen = (one: string): boolean => !one.startsWith('\x1b');
        const fold = (text: string): string => (matchCase ? text : text.toLowerCase());
        const seen = fold(pieces.filter(isSeen).join(''));
        const count = seen.split('ab').length - 1;
        for (let after = 0; after < count; after++) {
          const at = textBegins(line, 'ab', matchCase, after);
          // Nothing before it leaves the line: it is where the line begins.
          if (at === 0) continue;
          const rest = line.subarray(at).toString();
          expect(fold(rest)[0]).toBe('a');
          const restSeen = fold(rest.replace(SEQUENCES, ''));
          expect([restSeen.startsWith('ab'), restSeen.split('ab').length - 2]).toEqual([true, after]);
          expect(line.subarray(0, at).toString()).toMatch(MOVES);
        }
        if (!MOVES.test(line.toString())) expect(textBegins(line, 'ab', matchCase, 0)).toBe(0);
      }),
      { numRuns: 500 },
    );
  });

  it('looks at what is seen of a line, as a terminal shows it', async () => {
    const piece = fc.oneof(
      fc.string({ unit: fc.constantFrom('a', 'b', 'c', ' ', '=', '█', '学', '🚀'), maxLength: 8 }),
      fc.constantFrom(
        '\r',
        '\b',
        '\t',
        '\x1b[K',
        '\x1b[1K',
        '\x1b[2K',
        '\x1b[31m',
        '\x1b[0m',
        '\x1b[?25l',
        '\x07',
      ),
      fc.constantFrom('\x1b[3G', '\x1b[2C', '\x1b[D', '\x1b[2P', '\x1b[3X', '\x1b]0;title\x07', '\x1b(B'),
      fc.constantFrom('\x1b]8;;https://example.com\x1b\\', '\x1b]8;;\x1b\\', '\x1b=', '\x1b[38;5;1m'),
      fc.constantFrom('\x1b(0qx\x1b(B', '\x1b[2@', '\x1b7', '\x1b8', '\x1b[!p'),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 12 }), async (pieces) => {
        const line = pieces.join('');
        const [seen = ''] = await xtermRows(line, { columns: 200, rows: 4 });
        expect(visibleLine(line).trimEnd()).toBe(seen);
      }),
      { numRuns: 400 },
    );
  });
});
