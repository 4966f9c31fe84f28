/**
 * What the sandbox's own model files say about themselves, and how any model archive is looked at. A file made
 * here carries a card (its input shapes, operators, how it was exported) in front of filler bytes; a real
 * PyTorch file is recognised as traced or as bare weights; anything else is taken as it is.
 */
import { createHash } from 'node:crypto';
import { type TarEntry, writeTarGz } from './tar.ts';

export interface ModelCard {
  name: string;
  /** Input name → shape; null is a dimension that is not fixed. */
  inputs: Readonly<Record<string, readonly (number | null)[]>>;
  operators: readonly string[];
  exported: 'traced' | 'scripted' | 'weights';
  /** PyTorch's own version at export. */
  frameworkVersion: string;
}

const MAGIC = 'signalbox-sandbox-model\n';
const FILLER_BYTES = 24 * 1024;

/** A `model.tar.gz` as a PyTorch training job leaves it: the model and its labels. */
export function modelArchive(card: ModelCard): Buffer {
  return writeTarGz([
    { name: 'model.pth', content: cardFile(card) },
    { name: 'labels.txt', content: Buffer.from('ok\nscratch\ndent\nstain\n') },
  ]);
}

export function cardFile(card: ModelCard): Buffer {
  const json = Buffer.from(`${MAGIC}${JSON.stringify(card)}\n\0`);
  return Buffer.concat([json, filler(card.name, FILLER_BYTES)]);
}

/** Bytes that do not compress, always the same for the same seed: they stand for weights. */
export function filler(seed: string, bytes: number): Buffer {
  const parts: Buffer[] = [];
  for (let index = 0; index * 32 < bytes; index++) {
    parts.push(createHash('sha256').update(`${seed}/${index}`).digest());
  }
  return Buffer.concat(parts).subarray(0, bytes);
}

export function readCard(file: TarEntry): ModelCard | undefined {
  if (!file.head.subarray(0, MAGIC.length).equals(Buffer.from(MAGIC))) return undefined;
  const end = file.head.indexOf(0);
  try {
    return JSON.parse(file.head.subarray(MAGIC.length, end).toString('utf8')) as ModelCard;
  } catch {
    // Somebody's own file that happens to start like ours: it has no card.
    return undefined;
  }
}

/** How a .pth or .pt file was saved, as far as its first bytes tell. */
export function exportOf(file: TarEntry): ModelCard['exported'] | undefined {
  const card = readCard(file);
  if (card) return card.exported;
  // torch.save and torch.jit.save both write a zip; only the second puts code into it.
  if (!file.head.subarray(0, 4).equals(Buffer.from('PK\x03\x04', 'latin1'))) return undefined;
  if (file.head.includes('/code/__torch__')) return 'traced';
  return file.size <= file.head.length ? 'weights' : undefined;
}
