/** The CloudFormation templates and `signalbox events setup` make the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { FORWARDING_ROLE } from '../../src/aws/event-policies.ts';
import { EVENT_PATTERN } from '../../src/domain/aws-events.ts';
import { template } from '../fixtures/templates.ts';

describe('[O3] the templates', () => {
  const bot = template('bot-account.yaml').Resources;
  const useCase = template('use-case-account.yaml').Resources;
  const further = template('use-case-region.yaml').Resources;

  it('let the events through that Signalbox knows', () => {
    for (const rule of [bot.EventRule, useCase.ForwardingRule, further.ForwardingRule])
      expect(rule?.Properties.EventPattern).toEqual(EVENT_PATTERN);
  });

  it('and docs/events.md names each of them with its source, and no other', () => {
    const page = readFileSync(join(import.meta.dirname, '../../docs/events.md'), 'utf8');
    const rows = [...page.matchAll(/^\| (?:`(aws\.\w+)`)? ?\| ([^|]+) \|[^|]+\| ([^|]+) \|$/gm)];
    expect(rows.map(([, , type]) => type)).toEqual(EVENT_PATTERN['detail-type']);
    expect(rows.flatMap(([, source]) => source ?? [])).toEqual(EVENT_PATTERN.source);
  });

  it('forward by the role that the queue lets in', () => {
    for (const role of [useCase.ForwardingRole, further.Role])
      expect(role?.Properties.RoleName).toBe(FORWARDING_ROLE);
  });

  it('let nobody but the rule and the forwarding roles send', () => {
    const text = JSON.stringify([bot.EventQueuePolicy, bot.DeadLetterQueuePolicy]);
    const statements = [...text.matchAll(/"Effect":"Allow"/g)].length;
    expect([...text.matchAll(/"Condition":\{"ArnEquals"/g)]).toHaveLength(statements);
    expect([...text.matchAll(/"Action":"([^"]+)"/g)].map((match) => match[1])).toEqual(
      Array(statements).fill('sqs:SendMessage'),
    );
  });

  it('grant no action on everything', () => {
    expect(JSON.stringify(bot)).not.toMatch(/"Action":"\*"|:\*"|"Resource":"\*"/);
  });
});
