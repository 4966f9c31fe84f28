/** What is kept of one log, and the manifest that says so. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { z } from 'zod';
import type { EpochMs } from '../../ground/time.ts';
import { type Piece, pieceShape } from './piece.ts';

export interface Volume {
  /** Names; a stream's number in the pieces is its place here. Of all of them everything before `completeTo` was here. */
  streams: readonly string[];
  /** Of each stream: nothing more will come of it before this. Of one that was silent it may be before `completeTo`. */
  certainTo: readonly EpochMs[];
  /** By time. */
  pieces: readonly Piece[];
  /** Exclusive. Pieces may hold later events where the volume was cut: those do not count. */
  completeTo: EpochMs;
  /** The job ended long ago, and everything is here. */
  isWhole: boolean;
  /** When its newest part was read. */
  readAt: EpochMs;
}

export const EMPTY: Volume = {
  streams: [],
  certainTo: [],
  pieces: [],
  completeTo: 0,
  isWhole: false,
  readAt: 0,
};

/** Up to when everything that there ever will be is in it. */
export function certainEnd({ completeTo, certainTo }: Volume): EpochMs {
  return certainTo.reduce((least, at) => Math.min(least, at), completeTo);
}

/** Without everything from a time on. */
export function cutVolume(volume: Volume, at: EpochMs): Volume {
  if (at >= volume.completeTo) return volume;
  return {
    ...volume,
    pieces: volume.pieces.filter((piece) => piece.first < at),
    completeTo: at,
    isWhole: false,
  };
}

/** @param edition tells logs of the same source apart: a job that was deleted and made again has another one */
export function volumeName(source: string, edition: string): string {
  return createHash('sha256')
    .update(JSON.stringify([source, edition]))
    .digest('hex')
    .slice(0, 32);
}

export const isVolumeName = (name: string): boolean => /^[0-9a-f]{32}$/.test(name);

const manifestShape = z.object({
  version: z.literal(1),
  streams: z.array(z.string()),
  certainTo: z.array(z.number()),
  pieces: z.array(pieceShape),
  completeTo: z.number(),
  isWhole: z.boolean(),
  readAt: z.number(),
});

/** A checksum in the first line: after a power cut a file may be of the right length and empty. */
export function encodeManifest(volume: Volume): string {
  const { streams, certainTo, pieces, completeTo, isWhole, readAt } = volume;
  const json = JSON.stringify({ version: 1, streams, certainTo, pieces, completeTo, isWhole, readAt });
  return `${crc32(json).toString(16)}\n${json}\n`;
}

/** @throws Error where it is not what was written */
export function decodeManifest(text: string): Volume {
  const [checksum, json = ''] = text.split('\n', 2);
  if (crc32(json).toString(16) !== checksum) throw new Error('the checksum is wrong');
  const { version: _, ...volume } = manifestShape.parse(JSON.parse(json));
  if (volume.certainTo.length !== volume.streams.length) throw new Error('it is not complete');
  return volume;
}
