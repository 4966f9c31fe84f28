/**
 * Reads the bodies of log pages inside the SDK's middleware, into memory that is used again for later pages.
 * Without it the SDK would make an object and a string of every event.
 */
import type { IncomingMessage } from 'node:http';
import type { CloudWatchLogsClient } from '@aws-sdk/client-cloudwatch-logs';
import { AppError } from '../ground/errors.ts';
import {
  newPageMemory,
  type PageLayout,
  type PageMemory,
  type RawPage,
  readPage,
} from './cloudwatch-logs-page.ts';
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

/** The layout that a call asked for, by the call's input, which the SDK hands to middleware unchanged. */
const layouts = new WeakMap<object, PageLayout>();

const PAGE = Symbol('page');
const PAGE_COMMANDS = new Set(['GetLogEventsCommand', 'FilterLogEventsCommand']);
const EMPTY_ANSWER = new TextEncoder().encode('{}');

export class PagePool {
  readonly #bodies: Buffer[] = [];
  readonly #memories: PageMemory[] = [];
  readonly #arena = pageArena();

  /** Says how the page that answers this command is to be laid out. */
  layOut(input: object, layout: PageLayout): void {
    layouts.set(input, layout);
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
   * @param onHost is told the host of every answer
   */
  attach(client: CloudWatchLogsClient, onHost: (host: string) => void): void {
    client.middlewareStack.add(
      (next, context) => async (args) => {
        const result = await next(args);
        onHost(String((args.request as { hostname?: string }).hostname ?? ''));
        if (!PAGE_COMMANDS.has(String(context.commandName))) return result;
        const response = result.response as { statusCode?: number; body?: unknown; [PAGE]?: ReadPage };
        if (response.statusCode !== 200 || !isMessage(response.body)) return result;
        const layout = layouts.get(args.input) ?? { lead: undefined };
        const body = await this.#collect(response.body);
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

  /** Reads the whole body into one buffer, a used one where possible. */
  #collect(message: IncomingMessage): Promise<Buffer> {
    const expected = Number(message.headers['content-length'] ?? 0);
    let buffer = this.#arena?.takeBody(expected) ?? this.#bodies.pop() ?? Buffer.allocUnsafeSlow(0);
    if (buffer.length < expected) buffer = Buffer.allocUnsafeSlow(expected + (expected >> 3));
    return new Promise((resolve, reject) => {
      let length = 0;
      const fail = (error: unknown): void => {
        this.#takeBack(buffer);
        buffer = Buffer.alloc(0);
        reject(error);
      };
      message.on('data', (chunk: Buffer) => {
        if (length + chunk.length > buffer.length) {
          const larger = Buffer.allocUnsafeSlow(Math.max(64 * 1024, (length + chunk.length) * 2));
          buffer.copy(larger, 0, 0, length);
          this.#takeBack(buffer);
          buffer = larger;
        }
        chunk.copy(buffer, length);
        length += chunk.length;
      });
      message.once('end', () => resolve(buffer.subarray(0, length)));
      message.once('error', fail);
      message.once('close', () => {
        if (!message.complete)
          fail(Object.assign(new Error('The connection was cut'), { code: 'ECONNRESET' }));
      });
    });
  }

  #takeBack(body: Buffer): void {
    if (body.length === 0) return;
    if (this.#arena && body.buffer === this.#arena.buffer) this.#arena.giveBody(body);
    else if (this.#bodies.length < SPARE_PAGES)
      this.#bodies.push(Buffer.from(body.buffer, 0, body.buffer.byteLength));
  }
}

function isMessage(body: unknown): body is IncomingMessage {
  return (
    typeof body === 'object' &&
    body !== null &&
    typeof (body as IncomingMessage).on === 'function' &&
    'headers' in body
  );
}
