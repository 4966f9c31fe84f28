/** Parameter checks in the words that AWS's services answer with. */
import { AwsError } from './errors.ts';

export type Input = Readonly<Record<string, unknown>>;

export interface TextRule {
  min?: number;
  max?: number;
  /** Without anchors, as the service names it. */
  pattern?: string;
  values?: readonly string[];
}

/** Reads the members of one request, collecting every broken constraint; `check` throws them all at once. */
export class Parameters {
  readonly #input: Input;
  readonly #code: string;
  readonly #problems: string[];
  /** In front of the names of members: `resourceConfig.`. */
  readonly #path: string;

  /** @param code what the service calls a broken constraint */
  constructor(input: Input, code: string, within: { problems?: string[]; path?: string } = {}) {
    this.#input = input;
    this.#code = code;
    this.#problems = within.problems ?? [];
    this.#path = within.path ?? '';
  }

  /** A structure inside; its broken constraints are told by this one's `check`. Missing, it has no members. */
  part(name: string): Parameters {
    const value = this.#input[name];
    if (value !== undefined && value !== null && (typeof value !== 'object' || Array.isArray(value)))
      throw notA('Structure', name);
    const path = `${this.#path}${lowerFirst(name)}.`;
    return new Parameters((value ?? {}) as Input, this.#code, { problems: this.#problems, path });
  }

  /** One that must be there. */
  needPart(name: string): Parameters {
    if (this.#input[name] === undefined || this.#input[name] === null) this.need(name);
    return this.part(name);
  }

  /** A member that must be there. */
  need(name: string, rule: TextRule = {}): string {
    if (this.#input[name] === undefined || this.#input[name] === null) {
      this.#problems.push(
        `Value null at '${this.#path}${lowerFirst(name)}' failed to satisfy constraint: Member must not be null`,
      );
      return '';
    }
    return this.text(name, rule) ?? '';
  }

  text(name: string, rule: TextRule = {}): string | undefined {
    const value = this.#input[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'string') throw notA('String', name);
    if (rule.min !== undefined && value.length < rule.min) {
      this.#broken(name, value, `Member must have length greater than or equal to ${rule.min}`);
    }
    if (rule.max !== undefined && value.length > rule.max) {
      this.#broken(name, value, `Member must have length less than or equal to ${rule.max}`);
    }
    if (rule.pattern !== undefined && !new RegExp(`^(?:${rule.pattern})$`, 'u').test(value)) {
      this.#broken(name, value, `Member must satisfy regular expression pattern: ${rule.pattern}`);
    }
    if (rule.values !== undefined && !rule.values.includes(value)) {
      this.#broken(name, value, `Member must satisfy enum value set: [${rule.values.join(', ')}]`);
    }
    return value;
  }

  number(name: string, rule: { min?: number; max?: number } = {}): number | undefined {
    const value = this.#input[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'number' || !Number.isFinite(value)) throw notA('Integer', name);
    if (rule.min !== undefined && value < rule.min) {
      this.#broken(name, value, `Member must have value greater than or equal to ${rule.min}`);
    }
    if (rule.max !== undefined && value > rule.max) {
      this.#broken(name, value, `Member must have value less than or equal to ${rule.max}`);
    }
    return value;
  }

  flag(name: string): boolean | undefined {
    const value = this.#input[name];
    if (value === undefined || value === null) return undefined;
    if (typeof value !== 'boolean') throw notA('Boolean', name);
    return value;
  }

  list(name: string, rule: { min?: number; max?: number } = {}): unknown[] | undefined {
    const value = this.#input[name];
    if (value === undefined || value === null) return undefined;
    if (!Array.isArray(value)) throw notA('List', name);
    if (rule.min !== undefined && value.length < rule.min) {
      this.#broken(name, '[]', `Member must have length greater than or equal to ${rule.min}`);
    }
    if (rule.max !== undefined && value.length > rule.max) {
      this.#broken(
        name,
        `[${value.slice(0, 5).join(', ')}…]`,
        `Member must have length less than or equal to ${rule.max}`,
      );
    }
    return value;
  }

  /** @throws AwsError naming every broken constraint */
  check(): void {
    const count = this.#problems.length;
    if (count === 0) return;
    throw new AwsError(
      this.#code,
      `${count} validation error${count === 1 ? '' : 's'} detected: ${this.#problems.join('; ')}`,
    );
  }

  #broken(name: string, value: unknown, constraint: string): void {
    this.#problems.push(
      `Value '${value}' at '${this.#path}${lowerFirst(name)}' failed to satisfy constraint: ${constraint}`,
    );
  }
}

const lowerFirst = (name: string) => name.charAt(0).toLowerCase() + name.slice(1);

const notA = (type: string, name: string) =>
  new AwsError('SerializationException', `Unexpected value for '${name}': expected a ${type}`);
