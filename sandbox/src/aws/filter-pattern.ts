/**
 * CloudWatch Logs' filter patterns for unstructured text: terms that must all be there, `"quoted phrases"`,
 * `-term` that must not be there, and `?a ?b` of which one must be. Letter case counts.
 * JSON patterns `{…}`, space-delimited `[…]` and `%regex%` are refused: an answer that ignored them
 * would be a wrong answer.
 */
import { AwsError } from './errors.ts';

export type EventFilter = (message: string) => boolean;

/** @returns undefined when every event matches. @throws AwsError InvalidParameterException */
export function parseFilterPattern(pattern: string): EventFilter | undefined {
  const text = pattern.trim();
  if (text === '') return undefined;
  if (/^[{[]/.test(text) || text.includes('%')) {
    throw new AwsError(
      'InvalidParameterException',
      `Invalid filter pattern: the sandbox knows terms, "quoted phrases", -exclusions and ?alternatives; got '${text}'`,
    );
  }
  const needed: string[] = [];
  const excluded: string[] = [];
  const either: string[] = [];
  for (const { sign, term } of terms(text)) {
    (sign === '-' ? excluded : sign === '?' ? either : needed).push(term);
  }
  // Beside other terms the real service takes no notice of the alternatives.
  const alternatives = needed.length + excluded.length > 0 ? [] : either;
  return (message) =>
    needed.every((term) => message.includes(term)) &&
    !excluded.some((term) => message.includes(term)) &&
    (alternatives.length === 0 || alternatives.some((term) => message.includes(term)));
}

function* terms(text: string): Generator<{ sign: string; term: string }> {
  let at = 0;
  while (at < text.length) {
    if (/\s/.test(text[at]!)) {
      at++;
      continue;
    }
    const sign = text[at] === '-' || text[at] === '?' ? text[at]! : '';
    at += sign.length;
    if (text[at] === '"') {
      const quoted = /^"((?:[^"\\]|\\.)*)"/s.exec(text.slice(at));
      if (!quoted)
        throw new AwsError('InvalidParameterException', 'Invalid filter pattern: unbalanced quote');
      yield { sign, term: quoted[1]!.replace(/\\(.)/gs, '$1') };
      at += quoted[0].length;
    } else {
      const term = /^\S*/.exec(text.slice(at))![0];
      if (!/^[\w*]+$/.test(term) && !/^[\p{L}\p{N}_]+$/u.test(term)) {
        throw new AwsError('InvalidParameterException', `Invalid character(s) in term '${term}'`);
      }
      yield { sign, term };
      at += term.length;
    }
  }
}
