/**
 * Reads the bodies of log pages inside the SDK's middleware, into memory that is used again for later pages.
 * Without it the SDK would make an object and a string of every event.
 */
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { AppError } from '../ground/errors.ts';
import {
  newPageMemory,
  type PageLayout,
  type PageMemory,
  type RawPage,
  readPage,
} from './cloudwatch-logs-page.ts';
import type { Response } from './connections.ts';
import type { BodyMemory } from './http-answer.ts';
import { pageArena } from './page-scanner.ts';

/** How many pages' memory is kept for later ones. */
const SPARE_PAGES = 6;

export interface PooledPage {
  raw: RawPage;
  /** Gives the page's memory back; `raw` must not be used afterwards. Safe to call twice. */
  release(): void;
}

interface ReadPage {
  raw: RawPage;
  memory: PageMemory;
}

interface Asked {
  layout: PageLayout;
  onNext: ((token: string) => void) | undefined;
}

/** What a call asked for, by the call's input, which the SDK hands to middleware unchanged. */
const asked = new WeakMap<object, Asked>();

/** Both tokens and the names around them. */
const LONGEST_TAIL = 512;

const PAGE = Symbol('page');
const PAGE_COMMANDS = new Set(['GetLogEventsCommand', 'FilterLogEventsCommand']);
const EMPTY_ANSWER = new TextEncoder().encode('{}');

export class PagePool {
  readonly #bodies: Buffer[] = [];
  readonly #memories: PageMemory[] = [];
  readonly #arena = pageArena();

  /**
   * Says how the page that answers this command is to be laid out.
   * @param onNext is told the token of the next page forward before the page is read
   */
  layOut(input: object, layout: PageLayout, onNext?: (token: string) => void): void {
    asked.set(input, { layout, onNext });
  }

  /** The page that came with the output of a command of a client given to `attach`. */
  pageOf(output: object): PooledPage {
    const page = (output as { [PAGE]?: ReadPage })[PAGE];
    if (!page) throw new AppError('internal', "The AWS SDK gave a log page past Signalbox's reader.");
    let released = false;
    return {
      raw: page.raw,
      release: () => {
        if (released) return;
        released = true;
        this.#giveMemory(page.memory);
      },
    };
  }

  /**
   * Adds two middlewares. The inner one sits between the HTTP handler and the SDK's deserializer: it reads a page's
   * body and leaves an empty answer to the deserializer. The outer one puts the page into the command's output.
   * @param client whose request handler is `Connections` with this pool's memory
   * @param onAnswer is told the host of every answer, and how long it took to begin
   */
  attach(client: CloudWatchLogsClient, onAnswer: (host: string, waitedMs: number) => void): void {
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args);
        const { statusCode, body, waitedMs } = result.response as Response;
        const response = result.response as { body: Uint8Array; [PAGE]?: ReadPage };
        onAnswer(String((args.request as { hostname?: string }).hostname ?? ''), waitedMs);
        if (statusCode !== 200 || !PAGE_COMMANDS.has(String(context.commandName))) {
          // The SDK reads it, and may keep it for longer.
          response.body = this.#copied(body);
          return result;
        }
        const { layout, onNext } = asked.get(args.input) ?? { layout: { lead: undefined } };
        const token = onNext && nextForwardToken(body);
        if (token !== undefined) {
          onNext?.(token);
          // The next request is signed and gone before this page takes the processor.
          await new Promise((resolve) => setImmediate(resolve));
        }
        try {
          response[PAGE] = this.#read(body, layout);
        } finally {
          this.#takeBack(body);
        }
        response.body = EMPTY_ANSWER;
        return result;
      },
      { step: 'deserialize', priority: 'low', name: 'signalboxPageBody', override: true },
    );
    client.middlewareStack.add(
      (next) => async (args) => {
        const result = await next(args);
        const page = (result.response as { [PAGE]?: ReadPage } | undefined)?.[PAGE];
        if (page) (result.output as { [PAGE]?: ReadPage })[PAGE] = page;
        return result;
      },
      { step: 'deserialize', priority: 'high', name: 'signalboxPageOutput', override: true },
    );
  }

  /** Of which connections take room for what they receive. */
  get memory(): BodyMemory {
    return {
      take: (bytes) => this.#takeBody(bytes),
      give: (body) => this.#takeBack(body),
    };
  }

  #takeBody(bytes: number): Buffer | undefined {
    const buffer = this.#arena?.takeBody(bytes);
    if (buffer) return buffer;
    const used = this.#bodies.pop();
    return used && used.length >= bytes ? used : undefined;
  }

  #copied(body: Buffer): Buffer {
    const copy = Buffer.from(body);
    this.#takeBack(body);
    return copy;
  }

  #read(body: Buffer, layout: PageLayout): ReadPage {
    const memory = this.#takeMemory(body);
    try {
      return { raw: readPage(body, layout, memory), memory };
    } catch (error) {
      this.#giveMemory(memory);
      // The body ended early or was mangled on the way. The same request may well succeed next time.
      throw new AppError('unavailable', 'The log service gave an answer that cannot be read.', {
        cause: error,
      });
    }
  }

  #giveMemory(memory: PageMemory): void {
    if (memory.region) memory.region.arena.giveRegion(memory.region);
    else if (this.#memories.length < SPARE_PAGES) this.#memories.push(memory);
  }

  #takeMemory(body: Buffer): PageMemory {
    if (this.#arena && body.buffer === this.#arena.buffer) {
      const region = this.#arena.takeRegion();
      if (region) return { text: region.text, ends: region.ends, times: region.times, region };
    }
    return this.#memories.pop() ?? newPageMemory();
  }

  #takeBack(body: Buffer): void {
    if (body.length === 0) return;
    if (this.#arena && body.buffer === this.#arena.buffer) this.#arena.giveBody(body);
    else if (this.#bodies.length < SPARE_PAGES)
      this.#bodies.push(Buffer.from(body.buffer, 0, body.buffer.byteLength));
  }
}

/** At a body's end, behind the events; a quote within a message has a backslash before it. */
function nextForwardToken(body: Buffer): string | undefined {
  const end = body.toString('latin1', Math.max(0, body.length - LONGEST_TAIL));
  return /"nextForwardToken":"([^"\\]+)"/.exec(end)?.[1];
}
