/**
 * A run's state in two slots of one file, written in turn in the place where they are: a writer that is killed in the
 * middle leaves the other slot whole, and a full disk refuses nothing, since the room was taken when the log was made.
 */
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { AppError } from '../ground/errors.ts';
import { writeWhole } from '../ground/files.ts';
import type { LogState } from './log-state.ts';

/** A cursor and a note of the longest (domain/run-log-rules.ts) leave room for the gaps. */
const SLOT_BYTES = 32 * 1024;
/** `<CRC-32 of what follows the second blank> <its length> `, then JSON and a newline. */
const HEAD = /^([0-9a-f]{8}) (\d{6}) $/;
const HEAD_BYTES = 16;

export const statePath = (folder: string): string => join(folder, 'state');

interface Slot {
  /** Rises by one with each write. */
  n: number;
  state: LogState;
}

function encode(slot: Slot): Buffer {
  const json = Buffer.from(JSON.stringify(slot));
  if (json.length + HEAD_BYTES + 1 > SLOT_BYTES)
    throw new AppError('internal', `The state of ${slot.state.id} has ${json.length} bytes: too many.`);
  const head = `${crc32(json).toString(16).padStart(8, '0')} ${String(json.length).padStart(6, '0')} `;
  return Buffer.concat([Buffer.from(head), json, Buffer.from('\n')]);
}

/** @returns undefined where it was cut off, or nothing was written yet */
function decode(bytes: Buffer): Slot | undefined {
  const [, crc, length] = HEAD.exec(bytes.toString('latin1', 0, HEAD_BYTES)) ?? [];
  if (crc === undefined) return undefined;
  const json = bytes.subarray(HEAD_BYTES, HEAD_BYTES + Number(length));
  if (json.length !== Number(length) || crc32(json) !== Number.parseInt(crc, 16)) return undefined;
  return JSON.parse(json.toString()) as Slot;
}

/** @param folder where it is made, room for both slots included */
export async function createStateFile(folder: string, state: LogState): Promise<void> {
  const file = await open(statePath(folder), 'wx', 0o600);
  try {
    // Zeros might be kept without taking any room.
    const whole = Buffer.alloc(2 * SLOT_BYTES, '\n');
    encode({ n: 0, state }).copy(whole);
    await writeWhole(file, whole, 0);
    await file.sync();
  } finally {
    await file.close();
  }
}

export class StateFile {
  readonly #file: FileHandle;
  readonly #path: string;
  readonly #buffer = Buffer.allocUnsafeSlow(2 * SLOT_BYTES);
  #n = 0;

  private constructor(file: FileHandle, path: string) {
    this.#file = file;
    this.#path = path;
  }

  /** @throws the system's error: ENOENT where there is no such log */
  static async open(folder: string, flags: 'r' | 'r+'): Promise<StateFile> {
    const path = statePath(folder);
    return new StateFile(await open(path, flags), path);
  }

  /** One call at a time. @throws AppError internal: neither slot can be read */
  async read(): Promise<LogState> {
    let best: Slot | undefined;
    // A slot that is being written now is whole the next time; one that was cut off is not, and the other counts.
    for (let round = 0; round < 4; round++) {
      const buffer = this.#buffer;
      const { bytesRead } = await this.#file.read(buffer, 0, buffer.length, 0);
      const slots = [
        decode(buffer.subarray(0, Math.min(SLOT_BYTES, bytesRead))),
        decode(buffer.subarray(SLOT_BYTES, Math.max(SLOT_BYTES, bytesRead))),
      ];
      for (const slot of slots) if (slot && slot.n >= (best?.n ?? 0)) best = slot;
      if (best && (slots.every(Boolean) || best.n === 0 || best.state.packed)) break;
    }
    if (!best)
      throw new AppError('internal', `The state of a run's log cannot be read: ${this.#path}`, {
        hint: 'It was changed by something other than Signalbox. The chunks beside it hold the bytes: cat *.log shows them.',
      });
    this.#n = best.n;
    return best.state;
  }

  /** Only after `read`. It counts once this returns; before, the state is as it was. */
  async write(state: LogState): Promise<void> {
    const n = this.#n + 1;
    await writeWhole(this.#file, encode({ n, state }), (n % 2) * SLOT_BYTES);
    this.#n = n;
  }

  sync(): Promise<void> {
    return this.#file.datasync();
  }

  /** For a state that does not change any more: gives back the room for others. */
  async writeLast(state: LogState): Promise<void> {
    await this.write(state);
    if (this.#n % 2 !== 0) await this.write(state);
    await this.sync();
    await this.#file.truncate(encode({ n: this.#n, state }).length);
  }

  /** Whether it was removed since it was opened. */
  async isGone(): Promise<boolean> {
    return (await this.#file.stat()).nlink === 0;
  }

  close(): Promise<void> {
    return this.#file.close();
  }
}
