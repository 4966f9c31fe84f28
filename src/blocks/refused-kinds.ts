/** What roles may not ask about: said with a list that would otherwise be taken for all there is. */
import { notLookedAt, onlyListed, type ProviderName, untoldParts } from '../domain/providers.ts';
import type { UseCase } from '../domain/use-cases.ts';
import type { Block } from './message.ts';
import { context, plain } from './text.ts';

export interface RefusedKinds {
  useCase: Pick<UseCase, 'id' | 'name'>;
  unlisted: readonly ProviderName[];
  onlyListed: readonly ProviderName[];
}

const LINES = 4;

const told = (words: (kinds: readonly ProviderName[]) => string, kinds: readonly ProviderName[]): string =>
  [words(kinds), untoldParts(kinds)].filter((one) => one !== undefined).join(' ');

/** @param many the list is of several use cases: each line names its own */
export function refusedKinds(refused: readonly RefusedKinds[], many: boolean): Block[] {
  const lines = refused.flatMap((one) => {
    const where = many ? `${plain(one.useCase.name, 100)}: ` : '';
    return [
      ...(one.unlisted.length === 0 ? [] : [`${where}${told(notLookedAt, one.unlisted)}`]),
      ...(one.onlyListed.length === 0 ? [] : [`${where}${told(onlyListed, one.onlyListed)}`]),
    ];
  });
  if (lines.length === 0) return [];
  const rest = lines.length > LINES ? ['… and more in other use cases'] : [];
  return [context([...lines.slice(0, LINES), ...rest].join('\n'))];
}
