/** A database's clock that only the test moves on. */
import type { Postgres } from '../../fixtures/postgres.ts';

/** @returns sets it, to milliseconds since the epoch */
export async function handClock(postgres: Postgres, url: string): Promise<(now: number) => Promise<void>> {
  await postgres.query(
    url,
    `create table signalbox.hand_clock (at timestamptz not null);
     insert into signalbox.hand_clock values (now());
     create or replace function signalbox.database_time() returns timestamptz language sql volatile
       as 'select at from signalbox.hand_clock'`,
  );
  return async (now) => {
    await postgres.query(url, `update signalbox.hand_clock set at = to_timestamp(${now / 1_000})`);
  };
}
