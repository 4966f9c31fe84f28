import { mkdtemp, open, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Piece } from '../../../src/logs/library/piece.ts';
import { DamagedPiece, PieceFiles } from '../../../src/logs/library/piece-files.ts';
import { PieceWriter } from '../../../src/logs/library/piece-writer.ts';

let dir: string;
let pieces: readonly Piece[];
let files: PieceFiles;
const LINES = 60;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'signalbox-pieces-'));
  const before = async (): Promise<void> => {};
  const writer = new PieceWriter({ dir, pieceBytes: 30, lead: 2, streams: [0], before });
  await writer.start();
  for (let i = 0; i < LINES; i++) {
    const line = Buffer.from(lineOf(i));
    const of = { times: Float64Array.of(i), ends: Uint32Array.of(line.length), streams: Uint32Array.of(0) };
    await writer.write(line, { count: 1, ...of });
  }
  pieces = await writer.finish();
  files = new PieceFiles(dir);
});

afterEach(async () => {
  await files.close();
  await rm(dir, { recursive: true, force: true });
});

const lineOf = (i: number): string => `> line ${i}\n`;
const all = (): string => Array.from({ length: LINES }, (_, i) => lineOf(i)).join('');
const textOf = (members: readonly Buffer[]): string => gunzipSync(Buffer.concat(members)).toString();
const pathOf = (piece: Piece): string => join(dir, piece.file);

describe('[L11] pieces', () => {
  it('that were packed with the same memory, one after the other, hold what was written', async () => {
    expect(pieces.length).toBeGreaterThan(10);
    expect(textOf(await files.members(pieces))).toBe(all());
    for (const piece of pieces) expect((await files.content(piece)).lead).toBe(2);
  });

  it('are read together only where they follow each other', async () => {
    const [first, , third] = pieces as [Piece, Piece, Piece];
    expect(await files.members([first, third])).toHaveLength(1);
  });

  it('before one that is damaged can be had, and then it is named', async () => {
    const damaged = pieces[5]!;
    const file = await open(pathOf(damaged), 'r+');
    await file.write(Buffer.from('x'), 0, 1, damaged.at + 3);
    await file.close();
    expect(await files.members(pieces)).toHaveLength(5);
    await expect(files.members(pieces.slice(5))).rejects.toMatchObject({ piece: damaged });
  });

  it('that a file has lost are named too', async () => {
    const cut = pieces[7]!;
    const file = await open(pathOf(cut), 'r+');
    await file.truncate(cut.at + 5);
    await file.close();
    let had = 0;
    const failed = (async () => {
      while (had < pieces.length) had += (await files.members(pieces.slice(had))).length;
    })();
    await expect(failed).rejects.toBeInstanceOf(DamagedPiece);
    await expect(failed).rejects.toMatchObject({ piece: cut });
    expect(had).toBe(7);
  });
});

describe('[L11] a file of pieces gets a second name', () => {
  it('if it has these pieces and no more, without being copied', async () => {
    const second = join(dir, 'segment');
    expect(await files.linkAll(pieces, second)).toBe(true);
    const [one, other] = [await stat(pathOf(pieces[0]!)), await stat(second)];
    expect(other.ino).toBe(one.ino);
    expect(other.mode & 0o777).toBe(0o600);
  });

  it('not if it has others, or not all of them, or may not be linked there', async () => {
    const second = join(dir, 'segment');
    expect(await files.linkAll(pieces.slice(1), second)).toBe(false);
    expect(await files.linkAll(pieces.slice(0, -1), second)).toBe(false);
    expect(await files.linkAll([], second)).toBe(false);
    expect(await files.linkAll(pieces, join(dir, 'nowhere', 'segment'))).toBe(false);
    await expect(readFile(second)).rejects.toThrow('ENOENT');
  });
});
