/**
 * What the services' own models say of an input. Real services let some unknown members pass and refuse others; the
 * sandbox refuses them all, and what it knows but would not obey, because a filter that is quietly ignored looks like
 * a program that works.
 */
import { AwsError } from './errors.ts';
import type { AwsService } from './service.ts';
import models from './service-models.json' with { type: 'json' };
import type { Input } from './validation.ts';

interface ServiceModel {
  /** Operation → shape of its input. */
  inputs: Readonly<Record<string, string>>;
  /** Structure → member → `''` without members, `Name` a structure, `[…]` a list of it, `{…}` a map to it. */
  shapes: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const MODELS = models as Readonly<Record<string, ServiceModel>>;

/** @throws AwsError SerializationException naming the member that the service's model does not have, and where */
export function checkMembers({ name, protocol }: AwsService, operation: string, input: Input): void {
  const model = MODELS[name];
  const shape = model?.inputs[operation];
  if (model === undefined || shape === undefined) return;
  // Query inputs are flat: `Tags.member.1.Key`.
  const read =
    protocol === 'query'
      ? Object.fromEntries(Object.keys(input).map((key) => [key.split('.')[0]!, undefined]))
      : input;
  checkValue(model, shape, read, operation);
}

function checkValue(model: ServiceModel, shape: string, value: unknown, at: string): void {
  if (shape === '' || value === null || value === undefined) return;
  if (shape.startsWith('[')) {
    if (!Array.isArray(value)) return;
    for (const [index, item] of value.entries())
      checkValue(model, shape.slice(1, -1), item, `${at}[${index}]`);
    return;
  }
  if (typeof value !== 'object' || Array.isArray(value)) return;
  const inner = shape.startsWith('{') ? shape.slice(1, -1) : undefined;
  const members = inner === undefined ? model.shapes[shape] : undefined;
  for (const [member, of] of Object.entries(value)) {
    if (members && !Object.hasOwn(members, member))
      throw new AwsError(
        'SerializationException',
        `Unknown member ${JSON.stringify(member)} in ${at}: expected one of ${Object.keys(members).join(', ')}`,
      );
    checkValue(model, inner ?? members?.[member] ?? '', of, `${at}.${member}`);
  }
}

/** Operations that change nothing: a member that was not read there is one that was not obeyed. */
export const isQuestion = (operation: string): boolean => /^(?:Describe|Filter|Get|List)/.test(operation);

/** An input that notices which of its members are read. */
export function watchReads(given: Input): { input: Input; checkAllRead(operation: string): void } {
  const read = new Set<string | symbol>();
  const input = new Proxy(given, {
    get(members, member) {
      read.add(member);
      return Reflect.get(members, member);
    },
  });
  return {
    input,
    /** @throws AwsError InvalidParameterException for what was asked for and not looked at */
    checkAllRead(operation) {
      const unread = Object.keys(given).find((member) => !read.has(member) && saysSomething(given[member]));
      if (unread === undefined) return;
      throw new AwsError(
        'InvalidParameterException',
        `The sandbox does not know what ${operation} does with ${unread}: leave it out`,
      );
    },
  };
}

const saysSomething = (value: unknown) =>
  value !== undefined && value !== null && value !== false && !(Array.isArray(value) && value.length === 0);
