/** The checksums that S3 clients send along with an upload, computed while the bytes pass. */
import { createHash, type Hash } from 'node:crypto';

export interface Checksum {
  update(chunk: Buffer): void;
  /** base64, as headers carry it. */
  digest(): string;
}

/** Header name without `x-amz-checksum-` → how it is computed. */
const MAKERS: Readonly<Record<string, () => Checksum>> = {
  crc32: () => new Crc32(0xedb88320),
  crc32c: () => new Crc32(0x82f63b78),
  crc64nvme: () => new Crc64(),
  sha1: () => new Digest('sha1'),
  sha256: () => new Digest('sha256'),
};

export const CHECKSUMS = Object.keys(MAKERS);

/** @returns undefined for an algorithm that S3 does not have */
export function checksum(algorithm: string): Checksum | undefined {
  return MAKERS[algorithm.toLowerCase()]?.();
}

class Digest implements Checksum {
  readonly #hash: Hash;
  constructor(algorithm: string) {
    this.#hash = createHash(algorithm);
  }
  update(chunk: Buffer): void {
    this.#hash.update(chunk);
  }
  digest(): string {
    return this.#hash.digest('base64');
  }
}

class Crc32 implements Checksum {
  readonly #table = new Uint32Array(256);
  #crc = 0xffffffff;

  /** @param polynomial reversed */
  constructor(polynomial: number) {
    for (let index = 0; index < 256; index++) {
      let value = index;
      for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ polynomial : value >>> 1;
      this.#table[index] = value;
    }
  }
  update(chunk: Buffer): void {
    let crc = this.#crc;
    for (const byte of chunk) crc = this.#table[(crc ^ byte) & 0xff]! ^ (crc >>> 8);
    this.#crc = crc;
  }
  digest(): string {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE((this.#crc ^ 0xffffffff) >>> 0);
    return bytes.toString('base64');
  }
}

/** CRC-64/NVME, its 64 bits in two halves: BigInt would be far slower. */
class Crc64 implements Checksum {
  static readonly #high = new Uint32Array(256);
  static readonly #low = new Uint32Array(256);
  #highBits = 0xffffffff;
  #lowBits = 0xffffffff;

  static {
    const polynomial = 0x9a6c9329ac4bc9b5n;
    for (let index = 0; index < 256; index++) {
      let value = BigInt(index);
      for (let bit = 0; bit < 8; bit++) value = value & 1n ? (value >> 1n) ^ polynomial : value >> 1n;
      Crc64.#high[index] = Number(value >> 32n);
      Crc64.#low[index] = Number(value & 0xffffffffn);
    }
  }
  update(chunk: Buffer): void {
    let high = this.#highBits;
    let low = this.#lowBits;
    for (const byte of chunk) {
      const index = (low ^ byte) & 0xff;
      low = ((low >>> 8) | (high << 24)) ^ Crc64.#low[index]!;
      high = (high >>> 8) ^ Crc64.#high[index]!;
    }
    this.#highBits = high >>> 0;
    this.#lowBits = low >>> 0;
  }
  digest(): string {
    const bytes = Buffer.alloc(8);
    bytes.writeUInt32BE((this.#highBits ^ 0xffffffff) >>> 0, 0);
    bytes.writeUInt32BE((this.#lowBits ^ 0xffffffff) >>> 0, 4);
    return bytes.toString('base64');
  }
}
