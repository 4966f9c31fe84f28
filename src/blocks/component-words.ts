/** What is told of a component wherever it is shown. */
import { type Component, componentStateLabel } from '../domain/components.ts';
import { adviceForComponent } from '../domain/failure-guidance.ts';
import { guidanceLines, verbatim } from './job-facts.ts';
import { code, moment, plain } from './text.ts';

export const COMPONENTS = {
  list: 'components.list',
  page: 'components.page',
  details: 'components.details',
  devices: 'components.devices',
  package: 'components.package',
  publish: 'components.publish',
} as const;

/** Use case, name, version; names have no spaces. */
export function componentRef({ useCase, chain }: Pick<Component, 'useCase' | 'chain'>): string {
  return `${useCase} ${chain.component.name} ${chain.component.version}`;
}

export function readComponentRef(
  text: string,
): { useCase: string; name: string; version: string } | undefined {
  const [useCase, name, version] = text.split(' ');
  return useCase && name && version ? { useCase, name, version } : undefined;
}

export function chainWords({ chain }: Pick<Component, 'chain'>): string {
  return [
    `training ${code(chain.trainingJob)}`,
    `target *${plain(chain.target, 60)}*`,
    `compilation ${code(chain.compilationJob)}`,
    `component ${code(`${chain.component.name} ${chain.component.version}`)}`,
  ].join(' → ');
}

/** Name and version, state, ARN, creation time; for a failed one the service's words and what to do. */
export function componentLines(component: Component): string[] {
  const label = componentStateLabel(component.state);
  const { name, version } = component.chain.component;
  const lines = [
    `${label.symbol} ${code(`${name} ${version}`)} *${plain(label.word, 60)}* · created ${moment(component.createdAt)}`,
    component.arn ? code(component.arn, 400) : '_no ARN yet_',
  ];
  if (component.state.toUpperCase() === 'FAILED') lines.push(...componentFailure(component));
  return lines;
}

export function componentFailure(component: Pick<Component, 'message' | 'errors'>): string[] {
  const errors = Object.entries(component.errors ?? {}).map(([where, what]) => `${where}: ${what}`);
  const words = [component.message ?? '', ...errors].filter((part) => part !== '').join('\n');
  return [
    ...(words === '' ? [] : [verbatim(words, 900).block]),
    guidanceLines(adviceForComponent(component.message, component.errors ?? {})),
  ];
}
