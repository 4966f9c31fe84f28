/** Attributes of SQS messages: what may be in them, how much they count, and the digest that clients compare. */
import { createHash } from 'node:crypto';
import { AwsError } from './errors.ts';
import type { MessageAttribute } from './queue.ts';

const MAX_ATTRIBUTES = 10;

/** @throws AwsError InvalidParameterValue */
export function readAttributes(given: unknown): Record<string, MessageAttribute> | undefined {
  if (given === undefined || given === null) return undefined;
  const entries = Object.entries(given as Record<string, Partial<MessageAttribute>>);
  if (entries.length > MAX_ATTRIBUTES) {
    throw wrong(
      `Number of message attributes [${entries.length}] exceeds the allowed maximum [${MAX_ATTRIBUTES}].`,
    );
  }
  const attributes: Record<string, MessageAttribute> = {};
  for (const [name, { DataType, StringValue, BinaryValue }] of entries) {
    if (!/^[\w.-]{1,256}$/.test(name) || /^(AWS|Amazon)\./i.test(name)) {
      throw wrong(`The message attribute name '${name}' is invalid.`);
    }
    const [type = ''] = (DataType ?? '').split('.');
    if (!['String', 'Number', 'Binary'].includes(type)) {
      throw wrong(
        `The message attribute '${name}' has an invalid message attribute type, the set of supported type prefixes is Binary, Number, and String.`,
      );
    }
    const value = type === 'Binary' ? BinaryValue : StringValue;
    if (value === undefined || value === '') {
      throw wrong(
        `The message attribute '${name}' must contain non-empty message attribute value for message attribute type '${type}'.`,
      );
    }
    attributes[name] =
      type === 'Binary'
        ? { DataType: DataType!, BinaryValue: value }
        : { DataType: DataType!, StringValue: value };
  }
  return entries.length === 0 ? undefined : attributes;
}

/** Bytes that count against the size of the message. */
export function attributeBytes(attributes: Readonly<Record<string, MessageAttribute>> = {}): number {
  let bytes = 0;
  for (const [name, attribute] of Object.entries(attributes)) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(attribute.DataType) + valueBytes(attribute).length;
  }
  return bytes;
}

/** MD5 over names, types and values, each with its length before it, as SQS's guide describes it. */
export function attributesMd5(attributes: Readonly<Record<string, MessageAttribute>>): string {
  const digest = createHash('md5');
  const add = (bytes: Buffer) => {
    const length = Buffer.alloc(4);
    length.writeUInt32BE(bytes.length);
    digest.update(length).update(bytes);
  };
  for (const name of Object.keys(attributes).sort()) {
    const attribute = attributes[name]!;
    add(Buffer.from(name));
    add(Buffer.from(attribute.DataType));
    digest.update(Buffer.from([attribute.BinaryValue === undefined ? 1 : 2]));
    add(valueBytes(attribute));
  }
  return digest.digest('hex');
}

const valueBytes = ({ StringValue, BinaryValue }: MessageAttribute): Buffer =>
  BinaryValue === undefined ? Buffer.from(StringValue ?? '') : Buffer.from(BinaryValue, 'base64');

const wrong = (message: string) => new AwsError('InvalidParameterValue', message);
