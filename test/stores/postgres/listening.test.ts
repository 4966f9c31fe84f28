import { describe, expect, it } from 'vitest';
import { Listening } from '../../../src/stores/postgres/listening.ts';
import { cuttingProxy } from '../../fixtures/cutting-proxy.ts';
import { whyNoPostgres } from '../../fixtures/postgres.ts';
import { postgresOfTests } from './harness.ts';

const noPostgres = await whyNoPostgres();

describe.skipIf(noPostgres)('a connection that listens', () => {
  const postgres = postgresOfTests();

  it('finds out that the server went without a word, connects again and says that it has missed something', async () => {
    const url = await postgres().database();
    const proxy = await cuttingProxy(postgres().port);
    const told: (string | undefined)[] = [];
    const downs: unknown[] = [];
    const listening = new Listening({
      url: url.replace(`:${postgres().port}/`, `:${proxy.port}/`),
      channels: ['news'],
      onTold: (one) => void told.push(one?.payload),
      onDown: (error) => void downs.push(error),
      looks: { every: 100, within: 1_000 },
    });
    await listening.open();
    await postgres().query(url, `notify news, 'first'`);
    await expect.poll(() => told).toContain('first');
    proxy.silence();
    await expect.poll(() => downs.length).toBeGreaterThan(0);
    await expect.poll(() => told).toContain(undefined);
    await postgres().query(url, `notify news, 'second'`);
    await expect.poll(() => told).toContain('second');
    await listening.close();
    await proxy.close();
  });
});
