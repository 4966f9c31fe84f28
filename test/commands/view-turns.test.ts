/** Windows that go on being drawn while nobody clicks. */
import { expect, it } from 'vitest';
import type { Modal } from '../../src/blocks/message.ts';
import { followInView, ViewTurns } from '../../src/commands/view-turns.ts';
import { JobChanges } from '../../src/operations/job-changes.ts';
import { InProcessHub } from '../../src/stores/in-process-coordination.ts';
import { handTimers } from '../fixtures/hand-timers.ts';

it('[L8] a window shows nothing more once its reader’s right was taken away', async () => {
  const changes = new JobChanges(() => {});
  const shown: string[] = [];
  let seen = (): void => {};
  const next = () =>
    new Promise<void>((resolve) => {
      seen = resolve;
    });
  let allowed = true;
  let drawn = 0;
  let first = next();
  followInView(
    changes,
    {
      id: 'V1',
      update: async (view: Modal) => {
        shown.push(JSON.stringify(view));
        seen();
        return true;
      },
    },
    {
      ...{ useCase: 'line-3', job: 'resnet-1', metadata: '{}', interval: 0 },
      permitted: async () => allowed,
      draw: async () => {
        drawn += 1;
        return { picture: { title: 'secret' } as unknown as Modal, last: false };
      },
      onError: (error) => {
        throw error;
      },
    },
  );
  await first;
  expect(shown).toHaveLength(1);
  allowed = false;
  const change = { useCase: 'line-3', job: 'resnet-1', kind: 'checked' } as const;
  first = next();
  changes.emit(change);
  await first;
  expect(shown[1]).toContain('do not have permission');
  allowed = true;
  changes.emit(change);
  await changes.idle();
  await new Promise(setImmediate);
  expect(shown).toHaveLength(2);
  expect(drawn).toBe(1);
});

it('a picture that comes late replaces no newer one, whichever instance took the click', async () => {
  const time = handTimers();
  const hub = new InProcessHub({ clock: time.clock, after: time.after, onError: () => {} });
  const shown: string[] = [];
  const view = {
    id: 'V1',
    update: async (picture: Modal) => {
      shown.push(String(picture));
      return true;
    },
  };
  const [first, second] = [new ViewTurns(hub.join()), new ViewTurns(hub.join())];
  const early = first.begin(view);
  await time.advance(0);
  const late = second.begin(view);
  await time.advance(0);
  await late.update('newer' as unknown as Modal);
  expect(await early.update('older' as unknown as Modal)).toBe(false);
  await first.begin(view).update('newest' as unknown as Modal);
  expect(shown).toEqual(['newer', 'newest']);
});
