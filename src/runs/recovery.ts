/** Which part of a log can be trusted after a killed writer, a power cut or a damaged disk. */
import { crc32 } from 'node:zlib';
import { lastChunk, outsideGaps, withGap } from '../domain/run-log-gaps.ts';
import type { ChunkFiles } from './chunk-files.ts';
import type { LogState } from './log-state.ts';

/** Bytes that are read at a time. */
const PIECE = 1024 * 1024;

/**
 * A kill leaves at most unacknowledged bytes, which are removed. After a power cut bytes may be missing that were
 * appended since the last sync: they become a gap, so that the size, and what the cursor says, still hold.
 * @returns the state that holds now; nothing is written
 */
export async function recovered(state: LogState, chunks: ChunkFiles): Promise<LogState> {
  const { size, chunkBytes, synced } = state;
  const chunk = lastChunk(size, chunkBytes);
  for (const index of await chunks.indexes()) if (index * chunkBytes > chunk) await chunks.drop(index);
  await chunks.cutAt(size, size);
  let gaps = state.gaps;
  const lose = (from: number, to: number): void => {
    if (from < to) gaps = withGap(gaps, { from, to, reason: 'lost' });
  };
  for (const index of unsyncedChunks(state, chunk)) {
    const start = index * chunkBytes;
    const until = await heldUntil(state.gaps, chunks, start, start + chunkBytes);
    lose(until.at, start + chunkBytes);
  }
  const last = await heldUntil(state.gaps, chunks, chunk, size);
  if (last.at >= size && last.crc === state.crc) return gaps === state.gaps ? state : { ...state, gaps };
  // What was on disk at the last sync is tried next, then nothing of the chunk is believed.
  const trusted = synced.size > chunk ? await heldUntil(state.gaps, chunks, chunk, synced.size) : undefined;
  const isWhole = trusted !== undefined && trusted.at >= synced.size && trusted.crc === synced.crc;
  lose(isWhole ? synced.size : chunk, size);
  return { ...state, gaps, crc: isWhole ? synced.crc : 0 };
}

/** Full chunks of which something was appended since the last sync, those in gaps left out: there may be any number. */
function unsyncedChunks({ gaps, chunkBytes, synced }: LogState, upTo: number): number[] {
  const indexes: number[] = [];
  for (const { from, to } of outsideGaps(gaps, lastChunk(synced.size, chunkBytes), upTo))
    for (let index = Math.floor(from / chunkBytes); index * chunkBytes < to; index++)
      if (indexes.at(-1) !== index) indexes.push(index);
  return indexes;
}

/** @returns up to where a range of one chunk is there, and the CRC-32 of that, gaps left out */
export async function heldUntil(
  gaps: LogState['gaps'],
  chunks: ChunkFiles,
  from: number,
  to: number,
): Promise<{ at: number; crc: number }> {
  let crc = 0;
  for (const part of outsideGaps(gaps, from, to))
    for (let at = part.from; at < part.to; ) {
      const wanted = Math.min(PIECE, part.to - at);
      const bytes = await chunks.read(at, wanted);
      crc = crc32(bytes, crc);
      at += bytes.length;
      if (bytes.length < wanted) return { at, crc };
    }
  return { at: to, crc };
}
