/** One connection that hears what others tell: kept up, and asked for what was missed whenever it was down. */
import pg from 'pg';
import { backoff, jittered } from '../../ground/backoff.ts';
import { inTime } from '../../ground/pause.ts';
import { type ConnectionOptions, clientOptions, type Row } from './connections.ts';

/** Milliseconds between tries to connect again. */
const AGAIN: readonly [number, number] = [100, 5_000];

export interface ListeningOptions extends ConnectionOptions {
  channels: readonly string[];
  /** @param told undefined: it was down, and anything may have been said meanwhile */
  onTold: (told: { channel: string; payload: string } | undefined) => void;
  onDown: (error: unknown) => void;
  /** Milliseconds between looks whether the server still answers, and for its answer. Default: 30 s and 10 s. */
  looks?: { every: number; within: number } | undefined;
}

const LOOKS = { every: 30_000, within: 10_000 };

export class Listening {
  readonly #options: ListeningOptions;
  #client: pg.Client | undefined;
  #retry: NodeJS.Timeout | undefined;
  #looks: NodeJS.Timeout | undefined;
  #failures = 0;
  #closed = false;

  constructor(options: ListeningOptions) {
    this.#options = options;
  }

  /** @throws what the driver throws: the first time it must work */
  async open(): Promise<void> {
    const client = new pg.Client({
      ...clientOptions(this.#options, 'listening'),
      keepAliveInitialDelayMillis: 10_000,
      // Several ask at the same time.
      pipeline: true,
    });
    client.on('notification', ({ channel, payload }) =>
      this.#options.onTold({ channel, payload: payload ?? '' }),
    );
    let isDown = false;
    const down = (error: unknown): void => {
      if (isDown) return;
      isDown = true;
      this.#down(client, error);
    };
    client.on('error', down);
    client.on('end', () => down(new Error('Connection terminated')));
    try {
      await client.connect();
      for (const channel of this.#options.channels) await client.query(`listen ${channel}`);
    } catch (error) {
      isDown = true;
      client.end().catch(() => {});
      throw error;
    }
    if (this.#closed) {
      isDown = true;
      await client.end().catch(() => {});
      return;
    }
    this.#client = client;
    this.#failures = 0;
    const { every, within } = this.#options.looks ?? LOOKS;
    clearInterval(this.#looks);
    // A server that went without a word would be listened to for hours.
    this.#looks = setInterval(() => {
      void inTime(within, this.ask('select')).then((answer) => {
        if (answer === undefined && this.#client === client)
          this.#down(client, new Error('Connection terminated: the server no longer answers'));
      });
    }, every).unref();
  }

  /** On this connection: what was told before the answer has been heard by then. Undefined while it is down. */
  async ask<R extends Row>(text: string, values: readonly unknown[] = []): Promise<R[] | undefined> {
    const client = this.#client;
    if (!client) return undefined;
    try {
      return (await client.query<R>(text, [...values])).rows;
    } catch (error) {
      if (this.#client === client) this.#down(client, error);
      return undefined;
    }
  }

  async close(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#retry);
    clearInterval(this.#looks);
    const client = this.#client;
    this.#client = undefined;
    await client?.end().catch(() => {});
  }

  #down(client: pg.Client, error: unknown): void {
    if (this.#client === client) this.#client = undefined;
    clearInterval(this.#looks);
    client.end().catch(() => {});
    if (this.#closed) return;
    this.#options.onDown(error);
    this.#openLater();
  }

  #openLater(): void {
    clearTimeout(this.#retry);
    this.#failures += 1;
    this.#retry = setTimeout(
      () => {
        if (this.#closed) return;
        this.open().then(
          () => this.#options.onTold(undefined),
          () => this.#openLater(),
        );
      },
      jittered(backoff(AGAIN, this.#failures)),
    );
    this.#retry.unref();
  }
}
