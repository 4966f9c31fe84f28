/** The CloudFormation templates and `signalbox events setup` make the same. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parseDocument, type ScalarTag } from 'yaml';
import { FORWARDING_ROLE } from '../../src/aws/event-policies.ts';
import { EVENT_PATTERN } from '../../src/domain/aws-events.ts';

interface Template {
  Resources: Record<string, { Type: string; Properties: Record<string, unknown> }>;
}

/** CloudFormation's short forms, as far as tests look: their text. */
const tags = ['Ref', 'Sub', 'GetAtt'].map(
  (name): ScalarTag => ({ tag: `!${name}`, resolve: (text) => `${name} ${text}` }),
);
const template = (name: string): Template =>
  parseDocument(readFileSync(join(import.meta.dirname, '../../infra', name), 'utf8'), {
    customTags: tags,
    logLevel: 'error',
  }).toJS() as Template;

describe('[O3] the templates', () => {
  const bot = template('bot-account.yaml').Resources;
  const useCase = template('use-case-account.yaml').Resources;

  it('let the events through that Signalbox knows', () => {
    for (const rule of [bot.EventRule, useCase.ForwardingRule])
      expect(rule?.Properties.EventPattern).toEqual(EVENT_PATTERN);
  });

  it('forward by the role that the queue lets in', () => {
    expect(useCase.ForwardingRole?.Properties.RoleName).toBe(FORWARDING_ROLE);
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
