/** In which order SageMaker is asked about events, when there are more of them than it answers. */
import { expect, it } from 'vitest';
import { JobConfirmer } from '../../src/operations/confirm-jobs.ts';
import type { UseCaseGateway } from '../../src/ports/use-case-session.ts';
import { LINE_3 } from './simulated-account.ts';

/** As many questions at once as SageMaker is asked. */
const AT_ONCE = 4;

/** Asks about all of them in one moment. @returns their names in the order in which SageMaker was asked */
async function order(...jobs: { name: string; known: boolean }[]): Promise<string[]> {
  const asked: string[] = [];
  const gateway = {
    open: async () => ({
      providers: [
        {
          name: 'sagemaker',
          getStatus: async (name: string) => {
            asked.push(name);
            return undefined;
          },
        },
      ],
    }),
  } as unknown as UseCaseGateway;
  const confirmer = new JobConfirmer(
    { gateway, clock: { now: () => 0 } },
    { team: 'T', pauses: [], perSecond: 1e6 },
  );
  const { signal } = new AbortController();
  await Promise.all(
    jobs.map(({ name, known }) => confirmer.ask(LINE_3, name, { ended: true, known }, signal)),
  );
  return asked;
}

const many = (count: number, prefix: string, known: boolean) =>
  Array.from({ length: count }, (_, n) => ({ name: `${prefix}-${String(n).padStart(4, '0')}-x`, known }));

it('[N4] a job that is known comes before a thousand names that nobody knows', async () => {
  const asked = await order(...many(1000, 'made-up', false), { name: 'resnet-1', known: true });
  expect(asked).toHaveLength(1001);
  expect(asked.indexOf('resnet-1')).toBeLessThanOrEqual(AT_ONCE);
});

it('[N4] a job of another pipeline comes before the rest of three hundred of one', async () => {
  const sweep = Array.from({ length: 300 }, (_, n) => ({
    name: `sweep-2026-01-05-12-00-${String(n).padStart(3, '0')}`,
    known: true,
  }));
  const asked = await order(...sweep, { name: 'resnet-1', known: true });
  expect(asked).toHaveLength(301);
  expect(asked.indexOf('resnet-1')).toBeLessThanOrEqual(2 * AT_ONCE);
});
