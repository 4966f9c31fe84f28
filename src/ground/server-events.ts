/**
 * Server-sent events as bytes arrive, wherever these are cut:
 * https://html.spec.whatwg.org/multipage/server-sent-events.html#parsing-an-event-stream
 */

export interface ServerEvent {
  /** `message` where the stream names none. */
  event: string;
  data: string;
  /** Of this event, or else of the last one that had one. */
  id: string;
}

/** Characters of one event at most: a stream that never ends one must not fill the memory. */
const LONGEST = 16 * 1024 * 1024;

export class ServerEventReader {
  readonly #decoder = new TextDecoder();
  #line = '';
  #afterReturn = false;
  #event = '';
  #data: string[] = [];
  #size = 0;
  #id = '';

  /**
   * What ends with these bytes. An event that the stream breaks off in is none.
   * @throws RangeError an event is too long
   */
  read(bytes: Uint8Array): ServerEvent[] {
    const events: ServerEvent[] = [];
    const text = this.#decoder.decode(bytes, { stream: true });
    if (text === '') return events;
    // The second half of a line end of which the first came before.
    const begin = this.#afterReturn && text.startsWith('\n') ? 1 : 0;
    this.#afterReturn = text.endsWith('\r');
    const lines = text.slice(begin).split(/\r\n|\n|\r/);
    const rest = lines.pop()!;
    for (const line of lines) {
      this.#take(this.#line + line, events);
      this.#line = '';
    }
    this.#line += rest;
    this.#check(this.#line.length);
    return events;
  }

  #take(line: string, events: ServerEvent[]): void {
    if (line === '') {
      if (this.#data.length > 0)
        events.push({ event: this.#event || 'message', data: this.#data.join('\n'), id: this.#id });
      this.#event = '';
      this.#data = [];
      this.#size = 0;
      return;
    }
    const colon = line.indexOf(':');
    const field = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
    if (field === 'data') {
      this.#size += value.length;
      this.#check(0);
      this.#data.push(value);
    } else if (field === 'event') this.#event = value;
    else if (field === 'id' && !value.includes('\0')) this.#id = value;
    // Comments begin with a colon; `retry` is for browsers.
  }

  #check(more: number): void {
    if (this.#size + more > LONGEST) throw new RangeError(`an event of more than ${LONGEST} characters`);
  }
}

/** The events of a body, as they come. @throws as `read`, and as the body */
export async function* serverEvents(body: AsyncIterable<Uint8Array>): AsyncGenerator<ServerEvent> {
  const reader = new ServerEventReader();
  for await (const bytes of body) yield* reader.read(bytes);
}
