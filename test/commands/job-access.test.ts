/** Whose job it is that somebody typed. */
import { describe, expect, it } from 'vitest';
import type { Context } from '../../src/commands/context.ts';
import { ownerOf } from '../../src/commands/job-access.ts';
import type { Services } from '../../src/commands/services.ts';
import { MemoryRunner } from '../fixtures/memory-provider.ts';
import { HARBOR, LINE_3 } from '../slack/workspace.ts';

const PLACES = ['sagemaker', 'local'] as const;

/** Only the second use case has `press-1`, on some of its providers, and the store does not know it. */
function twoUseCases(having: readonly string[]) {
  const asked: string[] = [];
  const sessions = new Map(
    [LINE_3, HARBOR].map(({ id }) => {
      const providers = PLACES.map((place) => {
        const runner = new MemoryRunner(id, place);
        if (id === HARBOR.id && having.includes(place)) runner.put('press-1', 'EXITED_0', { createdAt: 1 });
        const opened = runner.open();
        const getStatus = (name: string) => {
          asked.push(`${id} ${place}`);
          return opened.getStatus(name);
        };
        return { ...opened, getStatus };
      });
      return [id, { providers }];
    }),
  );
  const services = {
    store: { getJob: async () => undefined },
    gateway: { trainsOn: () => PLACES, open: async ({ id }: { id: string }) => sessions.get(id) },
  } as unknown as Services;
  const context = { actor: { team: 'T', user: 'U0ADA' } } as Context;
  return { asked, find: (word: string) => ownerOf(services, context, [LINE_3, HARBOR], word) };
}

describe('a job that only one of several use cases has', () => {
  it.each([
    ['press-1', ['local'], ['local:press-1']],
    ['local:press-1', ['local'], ['local:press-1']],
    ['press-1', ['sagemaker'], ['press-1']],
    ['press-1', ['sagemaker', 'local'], ['press-1', 'local:press-1']],
  ])('is found by %s where it is on %j, and no provider is asked twice', async (word, having, keys) => {
    const { asked, find } = twoUseCases(having);
    const owner = await find(word);
    expect(owner.useCase.id).toBe(HARBOR.id);
    expect(owner.jobs).toEqual(keys);
    expect(asked).toHaveLength(new Set(asked).size);
  });
});
