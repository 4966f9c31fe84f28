/** Reads a configuration file: YAML as plain values, with every mistake of the syntax in words. */
import { readFileSync } from 'node:fs';
import { LineCounter, parseDocument } from 'yaml';
import { AppError } from '../ground/errors.ts';
import { systemCode } from '../ground/files.ts';
import type { ConfigProblem } from './problems.ts';

/**
 * @param hints what to do when the file is missing, or cannot be read
 * @param problems is given what of it is no YAML
 * @returns undefined: it is none
 * @throws AppError invalid_input: the file cannot be read
 */
export function readYaml(
  path: string,
  hints: { missing: string; unreadable: string },
  problems: ConfigProblem[],
): { raw: unknown } | undefined {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    const missing = systemCode(error) === 'ENOENT';
    throw new AppError(
      'invalid_input',
      missing
        ? `There is no configuration file: expected ${path}.`
        : `The configuration file ${path} cannot be read: ${(error as Error).message}.`,
      { hint: missing ? hints.missing : hints.unreadable, cause: error },
    );
  }
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  for (const error of document.errors) {
    const { line, col } = lines.linePos(error.pos[0]);
    problems.push({
      key: `line ${line}`,
      message: `line ${line}, column ${col}: this is not valid YAML: ${error.message}`,
    });
  }
  return document.errors.length > 0 ? undefined : { raw: document.toJS() ?? {} };
}
