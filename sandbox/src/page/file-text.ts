/** The text of a file as its preview needs it: a part from either end, or all of it. */
import type { SandboxFile } from '../protocol.ts';
import { api } from './api.ts';

/** Of a larger file only so much is read until more is asked for. */
const PART_BYTES = 512 * 1024;
/** Beyond this a browser's page is the wrong tool. */
export const WHOLE_BYTES = 64 * 1024 * 1024;

export type Part = 'start' | 'end' | 'whole';

export interface FileText {
  part: Part;
  /** Without their line ends. */
  lines: string[];
  /** How much text that is. */
  bytes: number;
}

const isGzip = (file: SandboxFile): boolean => file.name.endsWith('.gz');

export const isImage = (file: SandboxFile): boolean => /^image\/(?:png|jpe?g|gif|webp)$/.test(file.mimetype);
export const isText = (file: SandboxFile): boolean =>
  file.preview !== undefined ||
  file.mimetype.startsWith('text/') ||
  file.mimetype === 'application/json' ||
  /\.(?:log|txt|csv|json)\.gz$/.test(file.name);

/** A log is read from its end: there it says how the job ended. */
export const isLog = (file: SandboxFile): boolean => /\.log(?:\.gz)?$/.test(file.name);

/**
 * Reads that part of the file. A file no longer than a part, and a compressed one, is read whole whatever is asked.
 * A part begins and ends with whole lines, if it has any end of line at all.
 * @throws Error in words for the reader
 */
export async function loadText(file: SandboxFile, part: Part, signal: AbortSignal): Promise<FileText> {
  if (isGzip(file)) return unzipped(file, signal);
  const wanted = file.size <= PART_BYTES ? 'whole' : part;
  const range = { start: `bytes=0-${PART_BYTES - 1}`, end: `bytes=-${PART_BYTES}`, whole: undefined }[wanted];
  const response = await read(file, signal, range === undefined ? {} : { range });
  const bytes = new Uint8Array(await response.arrayBuffer());
  // A server may ignore a range and send everything.
  return textOf(bytes, response.status === 206 ? wanted : 'whole');
}

async function read(
  file: SandboxFile,
  signal: AbortSignal,
  headers: Record<string, string>,
): Promise<Response> {
  const response = await fetch(api.fileContent(file.id), { signal, headers });
  if (!response.ok) throw new Error(`The file could not be read (status ${response.status}).`);
  return response;
}

/** What is at the end of a compressed file is only known after all that is before it. */
async function unzipped(file: SandboxFile, signal: AbortSignal): Promise<FileText> {
  const response = await read(file, signal, {});
  if (!response.body) throw new Error('The file is empty.');
  const reader = response.body.pipeThrough(new DecompressionStream('gzip')).getReader();
  const kept: Uint8Array<ArrayBuffer>[] = [];
  let size = 0;
  let isCut = false;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    kept.push(value);
    size += value.byteLength;
    while (size > WHOLE_BYTES && kept.length > 1) {
      size -= kept.shift()?.byteLength ?? 0;
      isCut = true;
    }
  }
  return textOf(new Uint8Array(await new Blob(kept).arrayBuffer()), isCut ? 'end' : 'whole');
}

const NEWLINE = 10;

export function textOf(bytes: Uint8Array, part: Part): FileText {
  const first = part === 'end' ? bytes.indexOf(NEWLINE) + 1 : 0;
  const last = part === 'start' ? bytes.lastIndexOf(NEWLINE) + 1 : bytes.length;
  const whole = bytes.subarray(first, last === 0 ? bytes.length : last);
  const text = new TextDecoder().decode(whole);
  return { part, lines: text.replace(/\r?\n$/, '').split(/\r?\n/), bytes: whole.length };
}
