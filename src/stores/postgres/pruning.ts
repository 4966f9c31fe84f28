/** Lets go of what is long over, as the embedded store does. */
import type { Alert } from '../../domain/alerts.ts';
import type { EpochMs } from '../../ground/time.ts';
import {
  ALERT_DAYS,
  DAY_MS,
  EVENT_DAYS,
  POST_DAYS,
  SET_ASIDE_KEPT,
  SUBJECTS_DAYS,
  SUBJECTS_KEPT,
} from '../kept-for.ts';
import { ALERTS } from './alerts.ts';
import type { Database } from './database.ts';
import { records } from './table.ts';

/** Rows that go at once: nobody waits long for them. */
const AT_ONCE = 1_000;

/** Of what goes by its age: a table, a condition on `$1`, and the age in days. */
const RULES: readonly (readonly [table: string, condition: string, days: number])[] = [
  ['events', `state <> 'pending' and settled_at < $1`, EVENT_DAYS],
  ['posts', 'not unsent and changed_at < $1', POST_DAYS],
  ['alerts', 'resolved_at < $1', ALERT_DAYS],
  ['tails', 'told and ended_at < $1', POST_DAYS],
  ['mutes', 'until < $1', 1],
  ['links', 'until < $1', 1],
];

export async function prune(database: Database, now: EpochMs): Promise<void> {
  for (const [table, condition, days] of RULES)
    await dropAll(database, table, `select key from ${table} where ${condition} limit ${AT_ONCE}`, [
      now - days * DAY_MS,
    ]);
  // Rubbish that is sent for days must not fill the database.
  await dropAll(
    database,
    'events',
    `select key from events where state = 'set-aside' order by received_at desc, seq desc
     offset ${SET_ASIDE_KEPT} limit ${AT_ONCE}`,
  );
  await dropNames(database, now);
}

async function dropAll(
  database: Database,
  table: string,
  which: string,
  values: readonly unknown[] = [],
): Promise<void> {
  for (;;) {
    const gone = await database.write([], (transaction) =>
      transaction.write(`delete from ${table} where key in (${which}) returning key`, values),
    );
    if (gone.length < AT_ONCE) return;
  }
}

/** Of a flood's thousands of names most, once no more events about them can come. */
async function dropNames(database: Database, now: EpochMs): Promise<void> {
  const alerts = records(database, ALERTS);
  const floods = await database.read<{ id: string }>(
    `select alert as id from alert_subjects join alerts on alerts.key = alert
     where resolved_at < $1 group by alert having count(*) > ${SUBJECTS_KEPT}`,
    [now - SUBJECTS_DAYS * DAY_MS],
  );
  for (const { id } of floods)
    await alerts.change(id, (alert: Alert | undefined) =>
      alert && alert.subjects.length > SUBJECTS_KEPT
        ? { ...alert, subjects: alert.subjects.slice(0, SUBJECTS_KEPT) }
        : alert,
    );
}
