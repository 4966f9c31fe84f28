/**
 * Memory and entry point of the assembled page scanner (page-scanner.wat). Bodies are received straight into its
 * memory and the text comes out there too, so that a page is moved once and never copied.
 */
import { PAGE_SCANNER } from './page-scanner.wasm.ts';

/** A filtered page with stream names and ids is 2.5 MB of JSON for 1 MB of text. */
const REGION = 3 * 1024 * 1024;
/** The scanner moves 16 bytes at a time and may run over the end by less than that. */
const SLACK = 64;
/** Most events of a page. */
const EVENTS = 10_000;
/** Regions are given out last in, first out, so the ones that are not needed are never touched and cost nothing. */
const REGIONS = 12;
const TABLES = 4096;
const WASM_PAGE = 65_536;

/** The part of the WebAssembly interface used here; Node's types leave it to the browser's. */
interface WasmRuntime {
  Module: new (bytes: Uint8Array) => object;
  Instance: new (module: object, imports: object) => { exports: object };
  Memory: new (size: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
}

interface ScannerExports {
  init(): void;
  scan(
    from: number,
    end: number,
    text: number,
    textEnd: number,
    lead: number,
    newline: number,
    ends: number,
    times: number,
    most: number,
  ): number;
  position: { value: number };
}

/** Where one page's text and index go. */
export interface ScannedRegion {
  readonly arena: PageArena;
  readonly at: number;
  readonly text: Buffer;
  readonly ends: Uint32Array;
  readonly times: Float64Array;
}

export class PageArena {
  readonly buffer: ArrayBuffer;
  readonly #scanner: ScannerExports;
  readonly #bodies: Buffer[] = [];
  readonly #regions: ScannedRegion[] = [];

  constructor(runtime: WasmRuntime) {
    const index = EVENTS * 12;
    const size = TABLES + REGIONS * (2 * (REGION + SLACK) + index);
    const pages = Math.ceil(size / WASM_PAGE);
    const memory = new runtime.Memory({ initial: pages, maximum: pages });
    const module = new runtime.Module(Buffer.from(PAGE_SCANNER, 'base64'));
    this.#scanner = new runtime.Instance(module, { env: { memory } }).exports as ScannerExports;
    this.#scanner.init();
    this.buffer = memory.buffer;
    let at = TABLES;
    for (let i = 0; i < REGIONS; i++) {
      this.#bodies.push(Buffer.from(this.buffer, at, REGION));
      at += REGION + SLACK;
    }
    for (let i = 0; i < REGIONS; i++) {
      const times = at;
      const ends = times + EVENTS * 8;
      const text = ends + EVENTS * 4;
      this.#regions.push({
        arena: this,
        at: text,
        text: Buffer.from(this.buffer, text, REGION),
        ends: new Uint32Array(this.buffer, ends, EVENTS),
        times: new Float64Array(this.buffer, times, EVENTS),
      });
      at = text + REGION + SLACK;
    }
    this.#bodies.reverse();
    this.#regions.reverse();
  }

  /** Room for a body of so many bytes; undefined when it is too large or all are taken. */
  takeBody(bytes: number): Buffer | undefined {
    return bytes > 0 && bytes <= REGION ? this.#bodies.pop() : undefined;
  }

  giveBody(body: Buffer): void {
    // What comes back may be a part of the region.
    this.#bodies.push(Buffer.from(this.buffer, body.byteOffset, REGION));
  }

  takeRegion(): ScannedRegion | undefined {
    return this.#regions.pop();
  }

  giveRegion(region: ScannedRegion): void {
    this.#regions.push(region);
  }

  /**
   * @param body in this arena's memory
   * @param from of the first event's brace, in the body
   * @returns undefined when something is unusual, and the scanner in TypeScript must do it
   */
  scan(
    body: Buffer,
    from: number,
    region: ScannedRegion,
    lead: number,
    newline: boolean,
  ): { count: number; position: number } | undefined {
    const count = this.#scanner.scan(
      body.byteOffset + from,
      body.byteOffset + body.length,
      region.at,
      region.at + REGION,
      lead,
      newline ? 1 : 0,
      region.ends.byteOffset,
      region.times.byteOffset,
      EVENTS,
    );
    if (count < 0) return undefined;
    return { count, position: this.#scanner.position.value - body.byteOffset };
  }
}

let arena: PageArena | null | undefined;

/** The process's one arena; undefined where the runtime has no WebAssembly or not the memory for it. */
export function pageArena(): PageArena | undefined {
  if (arena === undefined) {
    try {
      arena = new PageArena((globalThis as unknown as { WebAssembly: WasmRuntime }).WebAssembly);
    } catch {
      // Switched off, without SIMD, or out of address space: the scanner in TypeScript does all of it.
      arena = null;
    }
  }
  return arena ?? undefined;
}
