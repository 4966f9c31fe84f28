import { describe, expect, it } from 'vitest';
import { machineAnnouncement } from '../../src/blocks/rented-machines.ts';
import { AppError } from '../../src/ground/errors.ts';
import { MachineReturns } from '../../src/operations/give-machines-back.ts';
import type { RentedMachine, TrainingProvider } from '../../src/ports/training-provider.ts';
import { LINE_3 } from './simulated-account.ts';

const MINUTE = 60_000;
const signal = new AbortController().signal;

class Machines {
  now = 0;
  machine: RentedMachine | undefined = {
    ...{ id: 'm1', job: 'press.m1', costPerHour: 0.44, isRunning: true, isDone: false, logIsIn: false },
    until: 60 * MINUTE,
  };
  readonly asked: string[] = [];
  /** While it stands, nothing is stopped or given back; `list`: nothing is even told. */
  trouble: { error: AppError; list?: boolean } | undefined;
  readonly #returns = new MachineReturns({ now: () => this.now });

  is(facts: Partial<RentedMachine>): void {
    this.machine = { ...this.machine!, ...facts };
  }

  round(afterMinutes = 0) {
    this.now += afterMinutes * MINUTE;
    const act = async (what: string): Promise<void> => {
      this.asked.push(what);
      if (this.trouble) throw this.trouble.error;
      if (what === 'stop') this.is({ isRunning: false, isDone: true });
      else this.machine = undefined;
    };
    const provider = {
      name: 'runpod',
      machines: {
        list: async () => {
          if (this.trouble?.list) throw this.trouble.error;
          return this.machine ? [this.machine] : [];
        },
        stop: () => act('stop'),
        giveBack: () => act('give back'),
      },
    } as unknown as TrainingProvider;
    return this.#returns.round(LINE_3, provider, signal);
  }
}

describe('machines that were rented', () => {
  it('are left alone while they work, and given back once that has ended and the log is kept', async () => {
    const machines = new Machines();
    expect(await machines.round(59)).toEqual([]);
    machines.is({ isDone: true });
    await machines.round();
    expect(machines.asked).toEqual([]);
    machines.is({ logIsIn: true });
    await machines.round(1);
    expect(machines.asked).toEqual(['give back']);
    expect(await machines.round(1)).toEqual([]);
  });

  it('are stopped when their time is up, and given back once the log is kept', async () => {
    const machines = new Machines();
    await machines.round(61);
    expect(machines.asked).toEqual([]);
    await machines.round(1);
    expect(machines.asked).toEqual(['stop']);
    machines.is({ logIsIn: true });
    await machines.round(1);
    expect(machines.asked).toEqual(['stop', 'give back']);
  });

  it('do not wait for ever for a log: they are stopped, and given back without it', async () => {
    const machines = new Machines();
    machines.is({ isDone: true });
    await machines.round();
    await machines.round(11);
    expect(machines.asked).toEqual(['stop']);
    await machines.round(40);
    expect(machines.asked).toEqual(['stop']);
    await machines.round(10);
    expect(machines.asked).toEqual(['stop', 'give back']);
  });

  it('are told of when they cannot be given back for five minutes, and tried on', async () => {
    const machines = new Machines();
    machines.is({ isDone: true, logIsIn: true });
    machines.trouble = { error: new AppError('permission_denied', 'RunPod does not let the key do that.') };
    expect(await machines.round()).toEqual([]);
    expect(await machines.round(4)).toEqual([]);
    // What passes by itself is not the reason.
    machines.trouble = { error: new AppError('rate_limited', 'RunPod allows no more requests.') };
    const [trouble] = await machines.round(1);
    expect(trouble).toMatchObject({ provider: 'runpod', since: 0, machine: { id: 'm1' } });
    const held = machines.trouble;
    machines.trouble = { ...held, list: true };
    await machines.round(1);
    expect(await machines.round(5)).toMatchObject([{ error: { code: 'permission_denied' } }]);
    machines.trouble = held;
    const { text, blocks } = machineAnnouncement(trouble!, LINE_3, {
      site: 'RunPod',
      job: 'https://www.runpod.io/console/pods/m1',
    });
    expect(text).toContain('$0.44 an hour');
    expect(JSON.stringify(blocks)).toContain('does not let the key do that');
    expect(JSON.stringify(blocks)).toContain('Open in RunPod');
    machines.trouble = undefined;
    expect(await machines.round(1)).toEqual([]);
    expect(machines.machine).toBeUndefined();
  });

  it('are told of too when their service gives no answer, as they were last known', async () => {
    const machines = new Machines();
    await machines.round(50);
    machines.trouble = { error: new AppError('unavailable', 'RunPod does not answer.'), list: true };
    expect(await machines.round(1)).toEqual([]);
    expect(await machines.round(8)).toEqual([]);
    // Its time is up.
    expect(await machines.round(5)).toMatchObject([
      { machine: { id: 'm1' }, error: { code: 'unavailable' } },
    ]);
  });

  it('that cannot even be seen, since the process began, are told of unless that passes by itself', async () => {
    const machines = new Machines();
    machines.trouble = { error: new AppError('unavailable', 'RunPod does not answer.'), list: true };
    await machines.round();
    expect(await machines.round(9)).toEqual([]);
    machines.trouble = { error: new AppError('permission_denied', 'RunPod refuses the key.'), list: true };
    const [trouble] = await machines.round(1);
    expect(trouble).toMatchObject({ machine: undefined, since: 0, error: { code: 'permission_denied' } });
    const { text, blocks } = machineAnnouncement(trouble!, LINE_3, { site: 'RunPod' });
    expect(text).toContain('Signalbox cannot see them');
    expect(JSON.stringify(blocks)).toContain('RunPod refuses the key.');
  });

  it('of a provider that rents none are nobody’s business', async () => {
    const returns = new MachineReturns({ now: () => 0 });
    expect(await returns.round(LINE_3, { name: 'local' } as TrainingProvider, signal)).toEqual([]);
  });
});
