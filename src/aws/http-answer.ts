/**
 * One HTTP/1.1 answer out of the bytes of a connection, in pieces of any size. A body whose length is announced is
 * received straight into the memory that it is read from: it is not copied, and no buffer is made for any piece of it.
 */

/** Where bodies are kept. What it does not have room for goes into a buffer of its own. */
export interface BodyMemory {
  take(bytes: number): Buffer | undefined;
  /** Takes back what `take` gave, or a part of it. */
  give(body: Buffer): void;
}

/** What came, with the names of headers in lower case. */
export interface HttpAnswer {
  statusCode: number;
  reason: string;
  headers: Record<string, string>;
  /** The caller's, who gives it back to the memory that it may be of. */
  body: Buffer;
}

const LONGEST_HEAD = 64 * 1024;
const LONGEST_LINE = 8 * 1024;
const HEAD_END = '\r\n\r\n';
const EMPTY = Buffer.allocUnsafeSlow(0);

/** What follows in a body of chunks (RFC 9112, 7.1). */
type Expecting = 'size' | 'data' | 'data-end' | 'trailer';

export class AnswerReader {
  readonly #memory: BodyMemory;
  #head = '';
  #framing: 'head' | 'length' | 'chunks' | 'close' | 'over' = 'head';
  #statusCode = 0;
  #reason = '';
  #headers: Record<string, string> = {};
  #body: Buffer = EMPTY;
  #filled = 0;
  /** Of a body whose length is not known beforehand. */
  #pieces: Buffer[] = [];
  #expecting: Expecting = 'size';
  #line = '';
  #left = 0;
  #lastsOn = true;

  constructor(memory: BodyMemory) {
    this.#memory = memory;
  }

  /** Whether anything has come. */
  get hasBegun(): boolean {
    return this.#head !== '' || this.#framing !== 'head';
  }

  get isWhole(): boolean {
    return this.#framing === 'over';
  }

  /** Whether another request may follow on the same connection. */
  get lastsOn(): boolean {
    return this.#framing === 'over' && this.#lastsOn;
  }

  /** Where the next bytes belong, if that is known: they may be received there, and `filled` be told. */
  get room(): Buffer | undefined {
    return this.#framing === 'length' ? this.#body.subarray(this.#filled) : undefined;
  }

  /** So many bytes have been received into `room`. */
  filled(bytes: number): void {
    this.#filled += bytes;
    if (this.#filled === this.#body.length) this.#framing = 'over';
  }

  /**
   * Takes what was received elsewhere; keeps nothing of it.
   * @throws Error: it is not HTTP/1.1, or more than the answer
   */
  feed(bytes: Buffer): void {
    let rest = bytes;
    if (this.#framing === 'head') rest = this.#feedHead(rest);
    if (rest.length === 0) return;
    if (this.#framing === 'length') {
      const taken = rest.copy(this.#body, this.#filled);
      this.filled(taken);
      rest = rest.subarray(taken);
    } else if (this.#framing === 'close') {
      this.#pieces.push(Buffer.from(rest));
      return;
    } else if (this.#framing === 'chunks') {
      rest = this.#feedChunks(rest);
    }
    if (rest.length > 0) throw broken('sent more than its answer');
  }

  /** The connection has ended. @throws Error: in the middle of the answer */
  end(): void {
    if (this.#framing === 'close') this.#finish(false);
    if (this.#framing !== 'over') {
      throw Object.assign(new Error('The connection was cut'), { code: 'ECONNRESET' });
    }
  }

  /** The whole answer. */
  answer(): HttpAnswer {
    const body = this.#body;
    this.#body = EMPTY;
    return { statusCode: this.#statusCode, reason: this.#reason, headers: this.#headers, body };
  }

  /** Gives back what nobody will read. */
  drop(): void {
    if (this.#body.length > 0) this.#memory.give(this.#body);
    this.#body = EMPTY;
    this.#framing = 'over';
    this.#lastsOn = false;
  }

  /** @returns what comes after the head */
  #feedHead(bytes: Buffer): Buffer {
    let rest = bytes;
    while (this.#framing === 'head' && rest.length > 0) {
      const before = this.#head.length;
      // A character for each byte, so that places in the text are places in the bytes.
      const head = this.#head + rest.toString('latin1');
      const end = head.indexOf(HEAD_END, Math.max(0, before - HEAD_END.length));
      if (end < 0) {
        if (head.length > LONGEST_HEAD) throw broken('sent a head without an end');
        this.#head = head;
        return EMPTY;
      }
      rest = rest.subarray(end + HEAD_END.length - before);
      this.#head = '';
      this.#readHead(head.slice(0, end));
    }
    return rest;
  }

  #readHead(head: string): void {
    const [first = '', ...lines] = head.split('\r\n');
    const status = /^HTTP\/1\.([01]) ([1-9]\d\d)(?: (.*))?$/.exec(first);
    if (!status) throw broken('did not answer in HTTP/1.1');
    const [, minor, code, reason = ''] = status;
    const headers: Record<string, string> = {};
    for (const line of lines) {
      const colon = line.indexOf(':');
      if (colon <= 0 || /\s/.test(line.slice(0, colon))) throw broken('sent a header that is none');
      const name = line.slice(0, colon).toLowerCase();
      const value = line.slice(colon + 1).trim();
      const earlier = Object.hasOwn(headers, name) ? headers[name] : undefined;
      if (name === '__proto__') continue;
      headers[name] = earlier === undefined ? value : `${earlier}, ${value}`;
    }
    this.#statusCode = Number(code);
    // Another answer follows.
    if (this.#statusCode < 200 && this.#statusCode !== 101) return;
    this.#reason = reason;
    this.#headers = headers;
    const connection = (headers.connection ?? '').toLowerCase();
    this.#lastsOn = minor === '1' ? !connection.includes('close') : connection.includes('keep-alive');
    this.#begin(headers);
  }

  #begin(headers: Record<string, string>): void {
    const encoding = headers['transfer-encoding'];
    const length = headers['content-length'];
    if (this.#statusCode === 204 || this.#statusCode === 304) this.#framing = 'over';
    else if (encoding !== undefined) {
      if (encoding.toLowerCase() !== 'chunked') throw broken('answered in an encoding of its own');
      this.#framing = 'chunks';
    } else if (length === undefined) this.#framing = 'close';
    else {
      // Twice the same is allowed; anything else is not a number.
      const [bytes = '', ...more] = length.split(/\s*,\s*/);
      if (!/^\d{1,15}$/.test(bytes) || more.some((other) => other !== bytes)) {
        throw broken('did not say how long its answer is');
      }
      const count = Number(bytes);
      if (count > 0) {
        const body = this.#memory.take(count) ?? Buffer.allocUnsafeSlow(count);
        this.#body = body.length === count ? body : body.subarray(0, count);
      }
      this.#framing = count > 0 ? 'length' : 'over';
    }
  }

  /** @returns what comes after the body */
  #feedChunks(bytes: Buffer): Buffer {
    let at = 0;
    while (at < bytes.length && this.#framing === 'chunks') {
      if (this.#expecting === 'data') {
        const piece = bytes.subarray(at, at + this.#left);
        this.#pieces.push(Buffer.from(piece));
        at += piece.length;
        this.#left -= piece.length;
        if (this.#left === 0) this.#expecting = 'data-end';
        continue;
      }
      const newline = bytes.indexOf(10, at);
      const stop = newline < 0 ? bytes.length : newline + 1;
      this.#line += bytes.toString('latin1', at, stop);
      at = stop;
      if (this.#line.length > LONGEST_LINE) throw broken('sent a line without an end');
      if (newline >= 0) this.#readLine();
    }
    return bytes.subarray(at);
  }

  #readLine(): void {
    const line = this.#line.replace(/\r?\n$/, '');
    this.#line = '';
    if (this.#expecting === 'trailer') {
      if (line === '') this.#finish(this.#lastsOn);
      return;
    }
    if (this.#expecting === 'data-end') {
      if (line !== '') throw broken('sent a chunk that is longer than it said');
      this.#expecting = 'size';
      return;
    }
    const size = /^([\da-f]{1,10})[ \t]*(?:;.*)?$/i.exec(line)?.[1];
    if (size === undefined) throw broken('did not say how long a chunk is');
    this.#left = Number.parseInt(size, 16);
    this.#expecting = this.#left === 0 ? 'trailer' : 'data';
  }

  #finish(lastsOn: boolean): void {
    // Of its own: what is given to the memory must not share its own with others, as small buffers of Node's do.
    const body = Buffer.allocUnsafeSlow(this.#pieces.reduce((sum, piece) => sum + piece.length, 0));
    let at = 0;
    for (const piece of this.#pieces) at += piece.copy(body, at);
    this.#body = body;
    this.#pieces = [];
    this.#framing = 'over';
    this.#lastsOn = lastsOn;
  }
}

/** As the next attempt may well succeed, it counts as a broken connection. */
function broken(what: string): Error {
  return Object.assign(new Error(`The service ${what}`), { code: 'ECONNRESET' });
}
