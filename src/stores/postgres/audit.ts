/** The audit trail: rows that the database itself lets nobody change. */
import type { AuditRecord, AuditTrail } from '../../ports/audit-trail.ts';
import type { Database } from './database.ts';
import { column } from './records.ts';

export const INSERT_AUDIT =
  'insert into audit (at, person, subject, origin, record) values ($1, $2, $3, $4, $5) on conflict do nothing';

/** @param origin where it was moved from, and its number there */
export const auditValues = (record: AuditRecord, origin: string | null = null): unknown[] => [
  record.at,
  column(record.actor.user),
  record.subject === undefined ? null : column(record.subject),
  origin,
  JSON.stringify(record),
];

export function audit(database: Database): AuditTrail {
  return {
    async appendAudit(record) {
      // As it is now: the caller may change it while others are written.
      const values = auditValues(record);
      // In the order in which they come, which shows of two in one millisecond which was later.
      await database.write(['audit'], async (transaction) => transaction.put(INSERT_AUDIT, values));
    },
    async listAudit({ user, subject, limit }) {
      const conditions = [
        ...(user === undefined ? [] : [['person', column(user)]]),
        ...(subject === undefined ? [] : [['subject', column(subject)]]),
      ];
      const where = conditions.map(([name], index) => `${name} = $${index + 2}`).join(' and ');
      const rows = await database.select<{ record: AuditRecord }>(
        `select record from audit ${where && `where ${where}`} order by at desc, seq desc limit $1`,
        [limit, ...conditions.map(([, value]) => value)],
      );
      return rows.map(({ record }) => record);
    },
  };
}
