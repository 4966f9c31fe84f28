/** External uploads: an address for the bytes, the bytes on disk, and shares that come a little later. */
import { randomBytes } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { mkdir, open, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { extname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import type { Json } from '../block-kit/schema.ts';
import type { SandboxFile } from '../protocol.ts';
import type { Clock } from '../time.ts';
import { HttpError, multipartBoundary } from './http.ts';
import { multipartFile } from './multipart.ts';
import type { Installation } from './workspace.ts';

interface Share {
  channel: string;
  channelName: string;
  isPrivate: boolean;
  ts: string;
  thread_ts?: string | undefined;
}

export interface StoredFile extends SandboxFile {
  shares: Share[];
  deleted: boolean;
}

interface Upload {
  id: string;
  token: string;
  name: string;
  length: number;
  /** Every byte is there. */
  received: boolean;
  at: number;
}

const PREVIEW_BYTES = 2048;
const UPLOAD_LIFETIME_MS = 60 * 60_000;

const TYPES: Readonly<Record<string, [mimetype: string, filetype: string]>> = {
  '.log': ['text/plain', 'text'],
  '.txt': ['text/plain', 'text'],
  '.csv': ['text/csv', 'csv'],
  '.json': ['application/json', 'json'],
  '.gz': ['application/x-gzip', 'gzip'],
  '.zip': ['application/zip', 'zip'],
  '.png': ['image/png', 'png'],
  '.pdf': ['application/pdf', 'pdf'],
};

export class Files {
  readonly #folder: string;
  readonly #installed: Installation;
  readonly #clock: Clock;
  readonly #base: () => string;
  readonly #uploads = new Map<string, Upload>();
  readonly #files = new Map<string, StoredFile>();

  constructor(dataDir: string, installed: Installation, clock: Clock, base: () => string) {
    this.#installed = installed;
    this.#folder = join(dataDir, 'files');
    this.#clock = clock;
    this.#base = base;
  }

  /** Messages do not survive a restart, so neither do their files. */
  async prepare(): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true });
    await mkdir(this.#folder, { recursive: true });
  }

  path(id: string): string {
    return join(this.#folder, id);
  }

  /** @returns the id, and where to post the bytes */
  announce(name: string, length: number): { id: string; url: string } {
    const id = `F${randomBytes(5).toString('hex').toUpperCase()}`;
    const token = randomBytes(24).toString('base64url');
    this.#uploads.set(id, { id, token, name, length, received: false, at: this.#clock.now() });
    return { id, url: `${this.#base()}/upload/v1/${token}` };
  }

  /**
   * Streams a request's bytes to disk: the raw body, or the one file of a form.
   * @param breakAfter cut the connection after so many bytes, as a fault
   * @returns how many bytes there were
   * @throws HttpError 404 for an unknown address, 400 when the number of bytes is not the announced one
   */
  async receive(token: string, request: IncomingMessage, breakAfter?: number): Promise<number> {
    const upload = [...this.#uploads.values()].find((one) => one.token === token);
    if (upload === undefined || this.#clock.now() - upload.at > UPLOAD_LIFETIME_MS) {
      request.resume();
      throw new HttpError(404, 'upload_url_not_found', 'This upload address is unknown or has expired.');
    }
    let size = 0;
    const boundary = multipartBoundary(request.headers['content-type'] ?? '');
    const isForm = (request.headers['content-type'] ?? '').startsWith('multipart/form-data');
    const bytes: AsyncIterable<Buffer> = isForm && boundary ? multipartFile(request, boundary) : request;
    const written = pipeline(
      bytes,
      async function* (source) {
        for await (const chunk of source as AsyncIterable<Buffer>) {
          size += chunk.length;
          if (breakAfter !== undefined && size >= breakAfter) request.destroy();
          // Not worth the disk beyond what was announced; the count goes on for the answer.
          if (size <= upload.length) yield chunk;
        }
      },
      createWriteStream(this.path(upload.id)),
    );
    try {
      await written;
    } catch (error) {
      await rm(this.path(upload.id), { force: true });
      throw error;
    }
    if (size !== upload.length) {
      await rm(this.path(upload.id), { force: true });
      throw new HttpError(
        400,
        'length_mismatch',
        `Expected the ${upload.length} bytes that were announced, but got ${size}.`,
      );
    }
    upload.received = true;
    return size;
  }

  /** @returns undefined when there is no such upload, or its bytes have not come, or it was completed before */
  async complete(id: string, title: string | undefined): Promise<StoredFile | undefined> {
    const upload = this.#uploads.get(id);
    if (upload === undefined || !upload.received) return undefined;
    this.#uploads.delete(id);
    const [mimetype] = typeOf(upload.name);
    const preview = await this.#preview(id);
    const link = `${this.#base()}/files-pri/${this.#installed.team.id}-${id}`;
    const file: StoredFile = {
      id,
      name: upload.name,
      title: title ?? upload.name,
      size: upload.length,
      mimetype,
      user: this.#installed.app.user,
      created: Math.floor(this.#clock.now() / 1000),
      channels: [],
      ...(preview === undefined ? {} : { preview }),
      url_private: `${link}/${encodeURIComponent(upload.name)}`,
      url_private_download: `${link}/download/${encodeURIComponent(upload.name)}`,
      shares: [],
      deleted: false,
    };
    this.#files.set(id, file);
    return file;
  }

  isUploaded(id: string): boolean {
    return this.#uploads.get(id)?.received === true;
  }

  find(id: string): StoredFile | undefined {
    const file = this.#files.get(id);
    return file?.deleted === true ? undefined : file;
  }

  /** As `find`, telling a deleted file from one that never was. */
  wasDeleted(id: string): boolean {
    return this.#files.get(id)?.deleted === true;
  }

  /** Newest first. */
  list(): StoredFile[] {
    return [...this.#files.values()].filter((file) => !file.deleted).reverse();
  }

  async delete(file: StoredFile): Promise<void> {
    file.deleted = true;
    await rm(this.path(file.id), { force: true });
  }

  async #preview(id: string): Promise<string | undefined> {
    const handle = await open(this.path(id));
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(PREVIEW_BYTES), 0, PREVIEW_BYTES, 0);
      const start = buffer.subarray(0, bytesRead);
      if (start.includes(0)) return undefined;
      // The last character may be cut in two; anything else that is not UTF-8 makes the file binary.
      return new TextDecoder('utf-8', { fatal: true }).decode(start, { stream: true });
    } catch (error) {
      if (error instanceof TypeError) return undefined;
      throw error;
    } finally {
      await handle.close();
    }
  }
}

const typeOf = (name: string): [mimetype: string, filetype: string] =>
  TYPES[extname(name).toLowerCase()] ?? ['application/octet-stream', 'binary'];

/** For the sandbox's page and for messages. */
export function publicFile(file: StoredFile): SandboxFile {
  const { shares: _shares, deleted: _deleted, ...rest } = file;
  return rest;
}

/** As `files.info` tells it. Before it is shared, `shares` is empty and the type is not known yet. */
export function wireFile(file: StoredFile, { team }: Installation): Json {
  const shares: Record<'public' | 'private', Record<string, Json[]>> = { public: {}, private: {} };
  for (const share of file.shares) {
    const kind = shares[share.isPrivate ? 'private' : 'public'];
    kind[share.channel] = [
      ...(kind[share.channel] ?? []),
      {
        ts: share.ts,
        ...(share.thread_ts === undefined ? {} : { thread_ts: share.thread_ts }),
        channel_name: share.channelName,
        team_id: team.id,
        share_user_id: file.user,
        reply_users: [],
        reply_users_count: 0,
        reply_count: 0,
      },
    ];
  }
  const isIm = (id: string): boolean => id.startsWith('D');
  return {
    ...publicFile(file),
    timestamp: file.created,
    filetype: typeOf(file.name)[1],
    pretty_type: typeOf(file.name)[1],
    mode: file.preview === undefined ? 'hosted' : 'snippet',
    editable: false,
    is_external: false,
    is_public: Object.keys(shares.public).length > 0,
    channels: file.channels.filter((id) => !isIm(id) && shares.private[id] === undefined),
    groups: file.channels.filter((id) => !isIm(id) && shares.private[id] !== undefined),
    ims: file.channels.filter(isIm),
    shares: Object.fromEntries(Object.entries(shares).filter(([, inner]) => Object.keys(inner).length > 0)),
    permalink: file.url_private,
  };
}
