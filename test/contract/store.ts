/** What every store must do, whatever it keeps its state in. */
import { describe, expect, it } from 'vitest';
import { currentStatus } from '../../src/domain/compilations.ts';
import type { Store } from '../../src/ports/store.ts';
import { eachTestHasStore, type StoreHarness } from './store-harness.ts';
import { AT, attempt, component, jobRecord, record, seen } from './store-records.ts';

export function storeContract(name: string, harness: () => Promise<StoreHarness>): void {
  describe(`store contract: ${name}`, () => {
    let store: Store;
    const reopen = eachTestHasStore(harness, (opened) => {
      store = opened;
    });

    const subjects = async (query: Parameters<Store['listAudit']>[0]) =>
      (await store.listAudit(query)).map(({ subject }) => subject);

    it('[S4] gives back an audit record as it was, session name included', async () => {
      await store.appendAudit(record());
      expect(await store.listAudit({ limit: 10 })).toEqual([record()]);
    });

    it('gives back the newest first, and no more than asked for', async () => {
      for (const [at, subject] of [
        [3, 'c'],
        [1, 'a'],
        [2, 'b'],
      ] as const)
        await store.appendAudit(record({ at, subject }));
      expect(await subjects({ limit: 2 })).toEqual(['c', 'b']);
      expect(await subjects({ limit: 0 })).toEqual([]);
    });

    it('puts the later of two records of one millisecond first', async () => {
      await store.appendAudit(record({ at: 5, subject: 'first' }));
      await store.appendAudit(record({ at: 5, subject: 'second' }));
      expect(await subjects({ limit: 10 })).toEqual(['second', 'first']);
    });

    it('finds by person and by subject', async () => {
      await store.appendAudit(record({ subject: 'x' }));
      await store.appendAudit(record({ subject: 'y', actor: { team: 'T0LINE', user: 'U0BEN' } }));
      await store.appendAudit(record({ subject: 'x', actor: { team: 'T0LINE', user: 'U0BEN' }, at: 9e12 }));
      expect(await subjects({ user: 'U0BEN', limit: 10 })).toEqual(['x', 'y']);
      expect(await store.listAudit({ user: 'U0ADA', subject: 'x', limit: 10 })).toHaveLength(1);
      expect(await store.listAudit({ user: 'U0EVE', limit: 10 })).toEqual([]);
    });

    it('keeps what it acknowledged through a close and a new start', async () => {
      await Promise.all(Array.from({ length: 50 }, (_, at) => store.appendAudit(record({ at }))));
      await reopen();
      const times = (await store.listAudit({ limit: 100 })).map(({ at }) => at);
      expect(times).toEqual(Array.from({ length: 50 }, (_, index) => 49 - index));
    });

    it('keeps its own copy: what the caller changes afterwards is not its matter', async () => {
      const mine = record();
      await store.appendAudit(mine);
      mine.detail!.events = 99;
      expect((await store.listAudit({ limit: 1 }))[0]?.detail?.events).toBe(12);
    });

    it('keeps odd characters', async () => {
      const subject = '<!channel> `\u0000\u001b[31m "\\ \u2028 😀';
      await store.appendAudit(record({ subject }));
      await reopen();
      expect(await subjects({ subject, limit: 1 })).toEqual([subject]);
    });

    describe('jobs', () => {
      it('gives back a job as it was, also after a new start', async () => {
        expect(await store.getJob('line-3', 'a')).toBeUndefined();
        expect(await store.changeJob('line-3', 'a', () => jobRecord('a'))).toEqual(jobRecord('a'));
        await reopen();
        expect(await store.getJob('line-3', 'a')).toEqual(jobRecord('a'));
        expect(await store.getJob('line-4', 'a')).toBeUndefined();
      });

      it('hands what is there to the change, and writes nothing for the same', async () => {
        await store.changeJob('line-3', 'a', () => jobRecord('a'));
        const same = await store.changeJob('line-3', 'a', (before) => before);
        expect(same).toEqual(jobRecord('a'));
        expect(await store.changeJob('line-3', 'a', () => undefined)).toEqual(same);
        expect(await store.changeJob('line-3', 'b', () => undefined)).toBeUndefined();
        expect(await store.listJobs({ limit: 9 })).toHaveLength(1);
      });

      it('loses no change of many at once', async () => {
        const count = () =>
          store.changeJob('line-3', 'a', (before) => ({
            ...(before ?? jobRecord('a')),
            seenAt: (before?.seenAt ?? 0) + 1,
          }));
        await Promise.all(Array.from({ length: 60 }, count));
        expect((await store.getJob('line-3', 'a'))?.seenAt).toBe(60);
      });

      it('lists the newest first, of one use case where asked', async () => {
        for (const [name, createdAt] of [
          ['b', 2],
          ['c', 3],
          ['a', 1],
        ] as const)
          await store.changeJob('line-3', name, () => jobRecord(name, { createdAt }));
        await store.changeJob('dock', 'd', () => jobRecord('d', { createdAt: 4, useCase: 'dock' }));
        const names = async (query: Parameters<Store['listJobs']>[0]) =>
          (await store.listJobs(query)).map(({ job }) => job.name);
        expect(await names({ limit: 3 })).toEqual(['d', 'c', 'b']);
        expect(await names({ useCase: 'line-3', limit: 9 })).toEqual(['c', 'b', 'a']);
        await store.changeJob('line-3', 'tuning:t', () =>
          jobRecord('t', { provider: 'tuning', createdAt: 5 }),
        );
        expect(await names({ useCase: 'line-3', provider: 'tuning', limit: 9 })).toEqual(['t']);
        expect(await names({ useCase: 'line-3', provider: 'sagemaker', limit: 2 })).toEqual(['c', 'b']);
      });

      it('refuses a change that makes another job of it', async () => {
        await expect(store.changeJob('line-3', 'a', () => jobRecord('b'))).rejects.toMatchObject({
          code: 'internal',
        });
        expect(await store.listJobs({ limit: 9 })).toEqual([]);
      });
    });

    describe('[C5] the claim of a job and target', () => {
      it('is given to exactly one of many at once', async () => {
        const tries = await Promise.allSettled(Array.from({ length: 40 }, () => store.addAttempt(attempt())));
        expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
        for (const one of tries)
          if (one.status === 'rejected')
            expect(one.reason).toMatchObject({
              code: 'conflict',
              message: 'train-resnet is already being compiled for jetson-xavier.',
            });
        expect(await store.listAttempts({})).toHaveLength(1);
      });

      it('is one for each target, job and use case', async () => {
        await store.addAttempt(attempt());
        await store.addAttempt(attempt({ target: 'x86_64-cpu' }));
        await store.addAttempt(attempt({ job: 'train-resnet-2' }));
        await store.addAttempt(attempt({ useCase: 'dock' }));
        expect(await store.listAttempts({ live: true })).toHaveLength(4);
      });

      it.each(['FAILED', 'STOPPED'])('is free again after %s, and not before', async (end) => {
        const first = attempt();
        await store.addAttempt(first);
        for (const status of ['STARTING', 'INPROGRESS', 'STOPPING', 'A_NEW_WORD']) {
          await store.changeAttempt(first.id, seen(status));
          await expect(store.addAttempt(attempt())).rejects.toMatchObject({ code: 'conflict' });
        }
        await store.changeAttempt(first.id, seen(end));
        await store.addAttempt(attempt());
        await expect(store.addAttempt(attempt())).rejects.toMatchObject({ code: 'conflict' });
      });

      it('stays with a successful one for ever, also after a new start', async () => {
        const first = attempt();
        await store.addAttempt(first);
        await store.changeAttempt(first.id, seen('COMPLETED'));
        await reopen();
        await expect(store.addAttempt(attempt())).rejects.toMatchObject({
          message: 'train-resnet is already compiled for jetson-xavier.',
        });
      });

      it('is held as well by what was started elsewhere, which is recorded whoever holds it', async () => {
        const ours = attempt();
        await store.addAttempt(ours);
        const foreign = attempt({ why: 'elsewhere' });
        await store.addAttempt(foreign);
        await expect(store.addAttempt({ ...foreign })).rejects.toMatchObject({ code: 'conflict' });
        for (const status of ['STARTING', 'INPROGRESS']) {
          await store.changeAttempt(ours.id, seen(status));
          await store.changeAttempt(foreign.id, seen(status));
        }
        await store.changeAttempt(ours.id, seen('FAILED'));
        await expect(store.addAttempt(attempt())).rejects.toMatchObject({ code: 'conflict' });
        await store.changeAttempt(foreign.id, seen('COMPLETED'));
        await store.addAttempt(attempt({ why: 'elsewhere' }));
        await reopen();
        await expect(store.addAttempt(attempt())).rejects.toMatchObject({ code: 'conflict' });
        expect(await store.listAttempts({})).toHaveLength(3);
      });

      it('cannot be taken by a change either', async () => {
        const failed = attempt();
        await store.addAttempt(failed);
        await store.changeAttempt(failed.id, seen('FAILED'));
        await store.addAttempt(attempt());
        const revived = store.changeAttempt(failed.id, (before) => ({
          ...before,
          statuses: before.statuses.slice(0, 1),
        }));
        await expect(revived).rejects.toMatchObject({ code: 'conflict' });
      });
    });

    describe('[C9] attempts', () => {
      it('are all kept, oldest first, as they were', async () => {
        const tries = [];
        for (let n = 0; n < 5; n++) {
          const one = attempt();
          await store.addAttempt(one);
          tries.push(await store.changeAttempt(one.id, seen('FAILED', AT + 1_000 * n)));
        }
        await reopen();
        const history = await store.listAttempts({ useCase: 'line-3', job: 'train-resnet' });
        expect(history).toEqual(tries);
        expect(history[0]?.failureReason).toBe('ClientError: `boom`');
        expect(await store.listAttempts({ useCase: 'line-3', job: 'train' })).toEqual([]);
      });

      it('are told apart by whether they are live', async () => {
        const [one, two] = [attempt(), attempt({ target: 'x86_64-cpu' })];
        await store.addAttempt(one);
        await store.addAttempt(two);
        await store.changeAttempt(one.id, seen('COMPLETED'));
        const ids = async (query: Parameters<Store['listAttempts']>[0]) =>
          (await store.listAttempts(query)).map(({ id }) => id);
        expect(await ids({ live: true })).toEqual([two.id]);
        expect(await ids({ live: false, useCase: 'line-3' })).toEqual([one.id]);
        expect(await ids({ live: true, useCase: 'dock' })).toEqual([]);
      });

      it('lose no change of many at once, and the same object is no change', async () => {
        const one = attempt();
        await store.addAttempt(one);
        await Promise.all(
          Array.from({ length: 50 }, (_, n) => store.changeAttempt(one.id, seen(`WORD_${n}`))),
        );
        const after = await store.changeAttempt(one.id, (before) => before);
        expect(after.statuses).toHaveLength(51);
        expect(currentStatus(after)).toBe('WORD_49');
      });

      it('keep their id, job and target', async () => {
        const one = attempt();
        await store.addAttempt(one);
        for (const change of [{ id: 'x' }, { job: 'x' }, { target: 'x' }, { useCase: 'x' }])
          await expect(
            store.changeAttempt(one.id, (before) => ({ ...before, ...change })),
          ).rejects.toMatchObject({ code: 'internal' });
        await expect(store.addAttempt({ ...one, target: 'y' })).rejects.toMatchObject({ code: 'conflict' });
        expect(await store.listAttempts({})).toEqual([one]);
      });

      it('are not found under an unknown id', async () => {
        await expect(store.changeAttempt('nobody', (before) => before)).rejects.toMatchObject({
          code: 'not_found',
        });
      });
    });

    describe('[G1] components', () => {
      it('are kept as they were, one for each name and version', async () => {
        await store.addComponent(component('1.0.0'));
        await store.addComponent(component('1.0.1', { createdAt: AT + 1 }));
        await store.addComponent(component('1.0.0', { useCase: 'dock' }));
        await expect(store.addComponent(component('1.0.0'))).rejects.toMatchObject({ code: 'conflict' });
        await reopen();
        expect(await store.listComponents({ useCase: 'line-3' })).toEqual([
          component('1.0.0'),
          component('1.0.1', { createdAt: AT + 1 }),
        ]);
      });

      it('change, and are told apart by whether Greengrass is done with them', async () => {
        await store.addComponent(component('1.0.0'));
        await store.addComponent(component('1.0.1'));
        const key = { useCase: 'line-3', name: 'model-resnet-jetson-xavier', version: '1.0.0' };
        const changed = await store.changeComponent(key, (before) => ({ ...before, state: 'DEPLOYABLE' }));
        expect(changed.state).toBe('DEPLOYABLE');
        expect(await store.listComponents({ settled: true })).toEqual([changed]);
        expect(await store.listComponents({ settled: false, job: 'train-resnet' })).toEqual([
          component('1.0.1'),
        ]);
        expect(await store.listComponents({ job: 'train' })).toEqual([]);
        await expect(store.changeComponent({ ...key, version: '9.9.9' }, (one) => one)).rejects.toMatchObject(
          {
            code: 'not_found',
          },
        );
        await expect(store.changeComponent(key, () => component('2.0.0'))).rejects.toMatchObject({
          code: 'internal',
        });
      });

      it('exist once when many ask at once', async () => {
        const tries = await Promise.allSettled(
          Array.from({ length: 20 }, () => store.addComponent(component('1.0.0'))),
        );
        expect(tries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
      });
    });

    it('[K1] keeps what a role may not ask about, as it was first found, until it may', async () => {
      const refusal = { useCase: 'line-3', kind: 'tuning', what: 'list', since: AT } as const;
      await store.putKindRefusal(refusal);
      await store.putKindRefusal({ ...refusal, what: 'look', since: AT - 1 });
      await store.putKindRefusal({ ...refusal, since: AT + 9 });
      await store.putKindRefusal({ ...refusal, useCase: 'line-4' });
      await store.removeKindRefusal({ ...refusal, useCase: 'line-4' });
      await store.removeKindRefusal({ ...refusal, useCase: 'line-5' });
      await reopen();
      expect(await store.listKindRefusals()).toEqual([{ ...refusal, what: 'look', since: AT - 1 }, refusal]);
    });

    it('closes twice without complaint and takes nothing after that', async () => {
      await store.close();
      await store.close();
      await expect(store.appendAudit(record())).rejects.toThrow(/closed/);
      await expect(store.addAttempt(attempt())).rejects.toThrow(/closed/);
    });
  });
}
