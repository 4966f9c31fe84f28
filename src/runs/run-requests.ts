/** What a runner is asked to run: which requests it refuses, and when one repeats another. */
import { nearestNames } from '../domain/nearest-names.ts';
import { type RunTemplate, runParameters } from '../domain/run-templates.ts';
import { isRunnerName } from '../domain/runs.ts';
import { AppError } from '../ground/errors.ts';
import type { RunRequest } from '../ports/training-runner.ts';
import type { RunFile } from './run-records.ts';

/**
 * The template that is asked for, and its parameters with their defaults.
 * @throws AppError invalid_input
 */
export function checkedRequest(
  asked: RunRequest,
  templates: readonly RunTemplate[],
): { template: RunTemplate; parameters: ReturnType<typeof runParameters> } {
  const template = templates.find(({ name }) => name === asked.template);
  if (!template) throw noTemplate(asked.template, templates);
  requireName(asked.name);
  return { template, parameters: runParameters(template, asked.parameters) };
}

/** @throws AppError conflict: the run of that name was asked for with something else */
export function requireSame(
  { id, ...known }: RunFile<'request'>,
  template: string,
  parameters: Readonly<Record<string, string>>,
): void {
  const names = Object.keys(parameters);
  const isSame =
    known.template === template &&
    names.length === Object.keys(known.parameters).length &&
    names.every((name) => known.parameters[name] === parameters[name]);
  if (isSame) return;
  throw new AppError(
    'conflict',
    `There is a run ${id} already, of ${known.template} with other parameters.`,
    {
      hint: 'Choose another name. The very same request again would have given that run.',
    },
  );
}

function noTemplate(name: string, templates: readonly RunTemplate[]): AppError {
  const near = nearestNames(
    name,
    templates.map((one) => one.name),
    1,
  );
  const names = (near.length > 0 ? near : templates.map((one) => one.name)).slice(0, 10).join(', ');
  return new AppError('invalid_input', `There is no template ${JSON.stringify(name.slice(0, 80))}.`, {
    hint: near.length > 0 ? `Did you mean ${names}?` : `This runner has: ${names}.`,
  });
}

function requireName(name: string): void {
  if (isRunnerName(name)) return;
  throw new AppError('invalid_input', `A run cannot be called ${JSON.stringify(name.slice(0, 80))}.`, {
    hint: '1 to 63 letters, digits, dots, dashes and underscores, beginning with a letter or digit.',
  });
}
