/**
 * Socket Mode: the app opens WebSockets with single-use tickets; each payload goes to exactly one of them, in an
 * envelope that is to be acknowledged on the same connection.
 */
import { randomBytes, randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { type RawData, type WebSocket, WebSocketServer } from 'ws';
import { isObject } from '../block-kit/schema.ts';
import type { FaultPlan } from '../faults.ts';
import type { Clock } from '../time.ts';
import type { Answer, AppLink, Delivery } from './app-link.ts';
import { parseJson } from './http.ts';

const MAX_CONNECTIONS = 10;
const TICKET_LIFETIME_MS = 30_000;
const PING_INTERVAL_MS = 10_000;
const CLOSE_TIMEOUT_MS = 250;
/** Seconds after which Slack asks for a new connection. */
const CONNECTION_TIME = 18_060;

interface Connection {
  readonly socket: WebSocket;
  /** Was told to go: gets nothing more while another is there. */
  leaving: boolean;
  readonly waiting: Map<string, (answer: Answer) => void>;
}

export class SocketMode implements AppLink {
  readonly #server = new WebSocketServer({ noServer: true });
  readonly #appId: string;
  readonly #clock: Clock;
  readonly #faults: FaultPlan;
  readonly #onChange: () => void;
  readonly #tickets = new Map<string, number>();
  readonly #connections = new Set<Connection>();
  readonly #pings: NodeJS.Timeout;
  #next = 0;

  constructor(appId: string, clock: Clock, faults: FaultPlan, onChange: () => void) {
    this.#appId = appId;
    this.#clock = clock;
    this.#faults = faults;
    this.#onChange = onChange;
    this.#pings = setInterval(() => {
      for (const { socket } of this.#connections) socket.ping();
    }, PING_INTERVAL_MS);
    this.#pings.unref();
  }

  get connected(): boolean {
    return this.#connections.size > 0;
  }

  get connections(): number {
    return this.#connections.size;
  }

  newTicket(): string {
    const ticket = randomUUID();
    this.#tickets.set(ticket, this.#clock.now() + TICKET_LIFETIME_MS);
    for (const [old, until] of this.#tickets) if (until < this.#clock.now()) this.#tickets.delete(old);
    return ticket;
  }

  upgrade(request: IncomingMessage, socket: Duplex, head: Buffer, ticket: string): void {
    const until = this.#tickets.get(ticket);
    this.#tickets.delete(ticket);
    if (until === undefined || until < this.#clock.now()) {
      socket.end('HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n');
      return;
    }
    this.#server.handleUpgrade(request, socket, head, (opened) => this.#accept(opened));
  }

  #accept(socket: WebSocket): void {
    socket.on('error', () => socket.terminate());
    if (this.#connections.size >= MAX_CONNECTIONS) {
      socket.send(
        JSON.stringify({ type: 'disconnect', reason: 'too_many_websockets', debug_info: debugInfo() }),
      );
      socket.close();
      return;
    }
    const connection: Connection = { socket, leaving: false, waiting: new Map() };
    this.#connections.add(connection);
    socket.on('message', (data) => take(connection, data));
    socket.on('close', () => {
      this.#connections.delete(connection);
      // What was handed over is in the app's hands: its ack is lost with the connection.
      this.#onChange();
    });
    socket.send(
      JSON.stringify({
        type: 'hello',
        num_connections: this.#connections.size,
        debug_info: { ...debugInfo(), approximate_connection_time: CONNECTION_TIME },
        connection_info: { app_id: this.#appId },
      }),
    );
    this.#onChange();
  }

  /**
   * What Slack does to connections from time to time.
   * @param what `warning` announces, `refresh_requested` asks the oldest connection to reconnect, `drop` cuts all
   * @returns how many connections it met
   */
  disturb(what: 'warning' | 'refresh_requested' | 'drop'): number {
    const open = [...this.#connections];
    const met = what === 'drop' ? open : open.filter((one) => !one.leaving).slice(0, 1);
    for (const connection of met) {
      if (what === 'drop') connection.socket.terminate();
      else {
        if (what === 'refresh_requested') connection.leaving = true;
        connection.socket.send(JSON.stringify({ type: 'disconnect', reason: what, debug_info: debugInfo() }));
      }
    }
    return met.length;
  }

  deliver(delivery: Delivery, timeoutMs: number): Promise<Answer> {
    const connection = this.#choose();
    if (connection === undefined) return Promise.resolve({ kind: 'unconnected' });
    const fault = this.#faults.take('socket');
    if (fault !== undefined && fault.kind !== 'lost_answer') {
      // Cut before it was handed over: another connection gets it, as Slack would do.
      this.#connections.delete(connection);
      connection.socket.terminate();
      this.#onChange();
      return this.deliver(delivery, timeoutMs);
    }
    const id = randomUUID();
    return new Promise((resolve) => {
      const settle = (answer: Answer): void => {
        clearTimeout(timer);
        connection.waiting.delete(id);
        resolve(answer);
      };
      const timer = setTimeout(() => settle({ kind: 'timeout' }), timeoutMs);
      connection.waiting.set(id, settle);
      const envelope = {
        envelope_id: id,
        type: delivery.type,
        accepts_response_payload: delivery.acceptsAnswer,
        ...(delivery.type === 'events_api'
          ? { retry_attempt: delivery.retry?.num ?? 0, retry_reason: delivery.retry?.reason ?? '' }
          : {}),
        payload: delivery.payload,
      };
      connection.socket.send(JSON.stringify(envelope), () => {
        if (fault?.kind === 'lost_answer') connection.socket.terminate();
      });
    });
  }

  /** In turn, those that were told to leave last. */
  #choose(): Connection | undefined {
    const open = [...this.#connections].filter(({ socket }) => socket.readyState === socket.OPEN);
    const staying = open.filter(({ leaving }) => !leaving);
    const from = staying.length > 0 ? staying : open;
    this.#next += 1;
    return from[this.#next % Math.max(1, from.length)];
  }

  async close(): Promise<void> {
    clearInterval(this.#pings);
    await this.disconnect();
    this.#server.close();
  }

  /** Ends every connection; new ones may come. */
  async disconnect(): Promise<void> {
    const open = [...this.#connections];
    this.#connections.clear();
    const closed = open.map(({ socket, waiting }) => {
      for (const settle of waiting.values()) settle({ kind: 'unconnected' });
      return new Promise<void>((resolve) => {
        // Clients that are closing themselves take a cut for an error, so the handshake gets its moment.
        const cut = setTimeout(() => socket.terminate(), CLOSE_TIMEOUT_MS);
        socket.once('close', () => {
          clearTimeout(cut);
          resolve();
        });
        socket.close(1001);
      });
    });
    await Promise.all(closed);
  }
}

/** An ack: `{ envelope_id, payload? }`. Anything else a client sends is ignored, as Slack does. */
function take(connection: Connection, data: RawData): void {
  const message = parseJson(String(data));
  if (!isObject(message) || typeof message.envelope_id !== 'string') return;
  connection.waiting.get(message.envelope_id)?.({ kind: 'acked', body: message.payload });
}

const debugInfo = () => ({
  host: `sandbox-link-${randomBytes(2).toString('hex')}`,
  started: new Date().toISOString(),
  build_number: 1,
});
