/** Uploads files from disk to a channel: three calls, bytes streamed with a known length, and waiting for the share. */
import { open } from 'node:fs/promises';
import { type ClientRequest, request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { Logger } from 'pino';
import { LIMITS } from '#sandbox/block-kit';
import { AppError, CancelledError } from '../ground/errors.ts';
import { pause, unlessAborted } from '../ground/pause.ts';
import type { FileDelivery } from '../ports/file-delivery.ts';
import type { CallBudgets, Waiting } from './call-budgets.ts';
import type { SlackClients, WebClient } from './clients.ts';
import { BLOCKS_REFUSED, slackCall, slackErrorCode } from './errors.ts';
import { isFileThere } from './find-post.ts';
import { once } from './once.ts';

/** Slack accepts 1 GB per file; the rest is left for gzip's own overhead. */
const MAX_BYTES = 1_000_000_000;
/** Files in one message. */
const FILES_A_MESSAGE = 10;
const UPLOAD_TRIES = 4;
/** Bytes that are read at a time, into one of two places in turn: 39 MB in new memory for each 64 kB stay resident. */
const READ = 128 * 1024;
/** Milliseconds without a byte moving until an upload counts as broken. */
const STALLED = 60_000;
/** Pauses before sharing is retried, as multiples of the retry delay. */
const SHARE_TRIES = [1, 2, 4, 8];
/** Milliseconds between checks of whether a file is shared; the last repeats. */
const SHARE_CHECKS = [300, 700, 1000, 2000, 3000];
/** Slack's codes for a file that it does not have. */
const NO_FILE = ['file_not_found', 'file_deleted'];
/** Milliseconds after which we stop waiting for Slack to share a file. */
const SHARE_PATIENCE = 60_000;

/** Where a file is shared, and since when. */
interface Place {
  channel: string;
  thread: string | undefined;
  since: number;
}

export interface FileUploadOptions {
  /** Milliseconds before a broken upload is retried, times the number of the try. */
  retryDelay?: number;
  sharePatience?: number;
}

export class SlackFiles implements FileDelivery {
  readonly maxBytes = MAX_BYTES;
  readonly #client: WebClient;
  /** For requests that somebody waits for. */
  readonly #interactive: WebClient;
  readonly #once: WebClient;
  readonly #calls: CallBudgets;
  readonly #log: Logger;
  readonly #retryDelay: number;
  readonly #sharePatience: number;

  constructor(
    clients: Pick<SlackClients, 'uploads' | 'once' | 'interactive'>,
    calls: CallBudgets,
    log: Logger,
    options: FileUploadOptions = {},
  ) {
    this.#client = clients.uploads;
    this.#interactive = clients.interactive;
    this.#once = clients.once;
    this.#calls = calls;
    this.#log = log;
    this.#retryDelay = options.retryDelay ?? 1000;
    this.#sharePatience = options.sharePatience ?? SHARE_PATIENCE;
  }

  async deliver(
    delivery: Parameters<FileDelivery['deliver']>[0],
    options: Parameters<FileDelivery['deliver']>[1],
  ): Promise<{ shared: Promise<boolean> }> {
    const uploaded: { id: string; title: string }[] = [];
    let before = 0;
    for (const file of delivery.files) {
      const id = await this.#upload(file, options, (sent) => options.onProgress?.(before + sent));
      before += file.bytes;
      uploaded.push({ id, title: file.title });
    }
    options.signal?.throwIfAborted();
    const ids = uploaded.map(({ id }) => id);
    await options.onSharing?.(ids);
    const place = { channel: delivery.channel, thread: delivery.thread, since: Date.now() };
    for (let at = 0; at < uploaded.length; at += FILES_A_MESSAGE) {
      const files = uploaded.slice(at, at + FILES_A_MESSAGE);
      const share = (content: object): Promise<unknown> => {
        const request = {
          files: files as [{ id: string; title: string }],
          channel_id: delivery.channel,
          ...(delivery.thread === undefined ? {} : { thread_ts: delivery.thread }),
          ...content,
        } as Parameters<WebClient['files']['completeUploadExternal']>[0];
        return this.#share(request, files.at(-1)!.id, place, options);
      };
      await slackCall('sharing the file', () => (at === 0 ? withComment(delivery, share) : share({})));
    }
    // Files of one request are shared at about the same time, so the last one stands for all.
    const last = ids.at(-1);
    return {
      shared:
        last === undefined ? Promise.resolve(true) : this.#isShared(last, delivery.channel, options.signal),
    };
  }

  async hasArrived(ids: readonly string[], channel: string, since: number): Promise<boolean | undefined> {
    const last = ids.at(-1);
    return last === undefined ? false : this.#isComplete(last, { channel, thread: undefined, since });
  }

  async #share(
    request: Parameters<WebClient['files']['completeUploadExternal']>[0],
    last: string,
    place: Place,
    waiting: Waiting,
  ): Promise<unknown> {
    const { signal } = waiting;
    const share = (): Promise<unknown> => {
      isAsked = true;
      return this.#once.files.completeUploadExternal(request);
    };
    let isAsked = false;
    let isUnseen = false;
    try {
      return await once<unknown>({
        call: () => this.#calls.call('files.completeUploadExternal', share, waiting),
        // A file that is already shared is refused as not found.
        check: async () => {
          // Asked to end while it waited for its turn.
          if (!isAsked) return undefined;
          const isComplete = await this.#isComplete(last, place);
          isUnseen = isComplete === undefined;
          return isComplete || undefined;
        },
        pauses: SHARE_TRIES.map((tries) => this.#retryDelay * tries),
        signal,
      });
    } catch (error) {
      if (!isUnseen || signal?.aborted) throw error;
      throw new AppError('unavailable', 'Slack was given the file, and its answer was lost on the way.', {
        hint: 'Look here in a minute before you ask again: the file may have arrived, and Slack does not say now whether it has.',
        cause: error,
      });
    }
  }

  /** A broken upload cannot be resumed, so each try requests a new URL. */
  async #upload(
    file: { path: string; name: string; bytes: number },
    waiting: Waiting,
    onSent: (bytes: number) => void,
  ): Promise<string> {
    const { signal } = waiting;
    const announce = () =>
      this.#client.files.getUploadURLExternal({ filename: file.name, length: file.bytes });
    for (let attempt = 1; ; attempt += 1) {
      signal?.throwIfAborted();
      // Nothing is lost if nobody waits for the URL any more.
      const target = await unlessAborted(
        signal,
        slackCall('an upload URL', () => this.#calls.call('files.getUploadURLExternal', announce, waiting)),
      );
      if (!target.upload_url || !target.file_id)
        throw new AppError('internal', 'Slack gave no URL to upload to.', { hint: 'Try again in a minute.' });
      try {
        await postBytes(target.upload_url, file, signal, onSent);
        return target.file_id;
      } catch (error) {
        if (signal?.aborted)
          throw signal.reason instanceof Error
            ? signal.reason
            : new CancelledError(undefined, { cause: error });
        if (attempt >= UPLOAD_TRIES)
          throw new AppError('unavailable', 'The upload to Slack broke off, again and again.', {
            hint: 'Try again in a few minutes. Slack shows its own state at status.slack.com.',
            cause: error,
          });
        this.#log.warn({ err: error, attempt, file: file.name }, 'upload broke off, trying again');
        onSent(0);
        await pause(this.#retryDelay * attempt, signal);
      }
    }
  }

  /**
   * Slack knows a file only once its upload is complete; whether it is shared shows in its `shares`.
   * @returns undefined if that cannot be determined
   */
  async #isComplete(id: string, place: Place): Promise<boolean | undefined> {
    try {
      const { file } = await this.#calls.call('files.info', () => this.#once.files.info({ file: id }));
      return file !== undefined;
    } catch (error) {
      if (NO_FILE.includes(slackErrorCode(error) ?? '')) return false;
      this.#log.warn(
        { err: error, file: id },
        'Slack does not say whether it has a file: looking in the channel',
      );
    }
    // The direct message's own channel is not known.
    if (/^[UW]/.test(place.channel)) return undefined;
    try {
      // A missing share proves nothing: it may come in a moment.
      return (await isFileThere(this.#interactive, id, place)) || undefined;
    } catch (error) {
      this.#log.warn({ err: error, file: id }, 'whether a file is in its channel cannot be looked up');
      return undefined;
    }
  }

  /** Slack shares the file some time after it has reported success. */
  async #isShared(id: string, channel: string, signal: AbortSignal | undefined): Promise<boolean> {
    /** Of our patience with Slack; waiting for our own turn is no fault of the file's. */
    let spent = 0;
    const look = async () => {
      const begun = performance.now();
      try {
        return await this.#client.files.info({ file: id });
      } finally {
        spent += performance.now() - begun;
      }
    };
    for (let check = 0; ; check += 1) {
      try {
        const { file } = await this.#calls.call('files.info', look, { signal });
        const shares = file?.shares as Partial<Record<string, Record<string, unknown>>> | undefined;
        if (shares?.public?.[channel] || shares?.private?.[channel]) return true;
      } catch (error) {
        // The file will get there; only the confirmation is missing.
        this.#log.warn({ err: error, file: id }, 'could not see whether a file is shared');
      }
      const wait = SHARE_CHECKS[Math.min(check, SHARE_CHECKS.length - 1)]!;
      spent += wait;
      if (spent > this.#sharePatience || signal?.aborted) return false;
      await pause(wait, signal).catch(() => undefined);
    }
  }
}

/** Slack accepts either blocks or a comment with a file: the comment if it refuses the blocks. */
async function withComment(
  { comment, blocks }: Pick<Parameters<FileDelivery['deliver']>[0], 'comment' | 'blocks'>,
  share: (content: object) => Promise<unknown>,
): Promise<void> {
  const words = { initial_comment: comment.slice(0, LIMITS.messageText.recommended) };
  if (!blocks) return void (await share(words));
  try {
    await share({ blocks });
  } catch (error) {
    if (!BLOCKS_REFUSED.test(slackErrorCode(error) ?? '')) throw error;
    await share(words);
  }
}

/** Resolves when the server has confirmed that it received all bytes. */
async function postBytes(
  url: string,
  file: { path: string; bytes: number },
  signal: AbortSignal | undefined,
  onSent: (bytes: number) => void,
): Promise<void> {
  const open = url.startsWith('https:') ? httpsRequest : httpRequest;
  const request = open(url, {
    method: 'POST',
    headers: { 'content-type': 'application/octet-stream', 'content-length': file.bytes },
    ...(signal ? { signal } : {}),
  });
  request.setTimeout(STALLED, () => request.destroy(new Error(`no byte moved for ${STALLED} ms`)));
  const answered = new Promise<void>((resolve, reject) => {
    request.once('error', reject);
    request.once('response', (response) => {
      response.resume();
      response.once('error', reject);
      const { statusCode = 0 } = response;
      if (statusCode >= 200 && statusCode < 300) response.once('end', resolve);
      else reject(new Error(`the upload was answered with HTTP ${statusCode}`));
    });
  });
  try {
    // Both at once, because a server may answer with an error before it has received all bytes.
    await Promise.all([sendFile(file, request, onSent), answered]);
  } finally {
    if (!request.destroyed) request.destroy();
  }
}

async function sendFile(
  { path, bytes }: { path: string; bytes: number },
  request: ClientRequest,
  onSent: (bytes: number) => void,
): Promise<void> {
  const file = await open(path);
  let sending = Promise.resolve();
  try {
    const [one, other] = [Buffer.allocUnsafeSlow(READ), Buffer.allocUnsafeSlow(READ)];
    for (let at = 0, into = one; at < bytes; into = into === one ? other : one) {
      const { bytesRead } = await file.read(into, 0, Math.min(READ, bytes - at), at);
      if (bytesRead === 0) throw new Error(`${path} ends after ${at} of ${bytes} bytes`);
      await sending;
      onSent(at);
      sending = written(request, into.subarray(0, bytesRead));
      // Whoever waits for it is told.
      sending.catch(() => undefined);
      at += bytesRead;
    }
    await sending;
    onSent(bytes);
    request.end();
  } finally {
    await file.close();
  }
}

/** Resolves when the memory of the bytes may be used again. */
function written(request: ClientRequest, bytes: Buffer): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(new Error('the connection was closed'));
    request.once('close', onClose);
    request.write(bytes, (error) => {
      request.off('close', onClose);
      if (error) reject(error);
      else resolve();
    });
  });
}
