/** Which use case somebody means, and whether they may: from a flag, from the channel, or by searching. */
import { may, type Permission, permittedUseCases } from '../domain/access.ts';
import { cite } from '../domain/command-words.ts';
import { nearestNames } from '../domain/nearest-names.ts';
import { belongsTo, type UseCase } from '../domain/use-cases.ts';
import { AppError } from '../ground/errors.ts';
import type { Directory } from '../ports/directory.ts';

export interface UseCaseQuestion {
  user: string;
  permission: Permission;
  /** From a flag or a button. */
  id?: string | undefined;
  /** Where it was typed; a direct message belongs to no use case. */
  channel?: string | undefined;
  isDirect: boolean;
}

/** One use case, or several that may be meant, each with the permission. */
export type UseCaseAnswer =
  | { kind: 'chosen'; candidates: readonly [UseCase, ...UseCase[]] }
  /** The use case that was meant; undefined if there is none. Outsiders get the same answer for both. */
  | { kind: 'refused'; useCase: UseCase | undefined }
  /** The channel belongs to no use case; `open` are those that the person may use anyway. */
  | { kind: 'no_use_case'; open: readonly UseCase[] };

/** @throws AppError unavailable when the directory fails */
export async function chooseUseCase(
  question: UseCaseQuestion,
  useCases: readonly UseCase[],
  directory: Directory,
): Promise<UseCaseAnswer> {
  const { user, permission } = question;
  if (question.id !== undefined) {
    const useCase = lookUp(question.id, useCases);
    // Ask Slack even if the use case does not exist, so that both fail alike when Slack does not answer.
    if (!useCase) await permittedUseCases(user, permission, useCases, directory);
    return useCase && (await may(user, permission, useCase, directory))
      ? { kind: 'chosen', candidates: [useCase] }
      : { kind: 'refused', useCase };
  }
  const here = useCases.filter((useCase) => belongsTo(question.channel, useCase));
  const open = await permittedUseCases(user, permission, here.length > 0 ? here : useCases, directory);
  const [first, ...rest] = open;
  if (here.length > 0) {
    return first ? { kind: 'chosen', candidates: [first, ...rest] } : { kind: 'refused', useCase: here[0] };
  }
  return question.isDirect && first
    ? { kind: 'chosen', candidates: [first, ...rest] }
    : { kind: 'no_use_case', open };
}

/** By id or name, ignoring case. */
function lookUp(id: string, useCases: readonly UseCase[]): UseCase | undefined {
  const wanted = id.toLowerCase();
  return (
    useCases.find((useCase) => useCase.id.toLowerCase() === wanted) ??
    useCases.find((useCase) => useCase.name.toLowerCase() === wanted)
  );
}

/** @throws AppError invalid_input naming the nearest id */
export function findUseCase(id: string, useCases: readonly UseCase[]): UseCase {
  const found = lookUp(id, useCases);
  if (found) return found;
  throw noUseCase(id, useCases);
}

/** @param known those that may be named to the person */
export function noUseCase(id: string, known: readonly UseCase[]): AppError {
  const ids = known.map((useCase) => useCase.id);
  const [nearest] = nearestNames(id.toLowerCase(), ids, 1);
  return new AppError('invalid_input', `There is no use case ${cite(id)}.`, {
    hint: `${nearest ? `Did you mean ${nearest}? ` : ''}The use cases are ${ids.join(', ')}.`,
  });
}
