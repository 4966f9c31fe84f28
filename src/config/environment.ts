/** Variables of the environment, read and found wrong in the same words. */
import type { ConfigProblem } from './problems.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

/** An empty variable counts as not set: that is how a compose file or a shell blanks one. */
export function set(env: Environment, name: string): string | undefined {
  const value = env[name]?.trim();
  return value === '' ? undefined : value;
}

export function variable(
  name: string,
  expected: string,
  given: string | undefined,
  example: string,
): ConfigProblem {
  const what = given === undefined ? 'it is not set' : `got ${JSON.stringify(given.slice(0, 80))}`;
  return {
    key: name,
    message: `${name} (environment): expected ${expected}, but ${what}. Example: ${name}=${example}`,
  };
}

export function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

export function readPort(
  env: Environment,
  problems: ConfigProblem[],
  name = 'PORT',
  example = '3000',
): number | undefined {
  const value = set(env, name);
  if (value === undefined) return undefined;
  const port = Number(value);
  if (!/^\d+$/.test(value) || port > 65_535)
    problems.push(variable(name, 'a port number, 0 to 65535 (0: any free one)', value, example));
  return port;
}
