import fc from 'fast-check';
import { expect, it } from 'vitest';
import { afterMention, typedText } from '../../src/slack/typed-text.ts';

it.each([
  ['<http://train.example|train.example>', 'train.example'],
  ['<https://x.example/a?b&amp;c>', 'https://x.example/a?b&c'],
  [
    '<https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/jobs/train-x|the failed one>',
    'https://eu-west-1.console.aws.amazon.com/sagemaker/home?region=eu-west-1#/jobs/train-x',
  ],
  ['<https://console.aws.amazon.com.evil.example/#/jobs/train-x|train-y>', 'train-y'],
  ['<mailto:a@b.example|a@b.example>', 'a@b.example'],
  ['<@U0ADA|ada> <@U0BEN>', '@ada @U0BEN'],
  ['<#C0LINE3|line-3>', '#line-3'],
  ['<!channel> <!subteam^S0OPS|@ops>', '@channel @ops'],
  ['loss &lt; 0.1 &amp;&amp; x &gt; 2', 'loss < 0.1 && x > 2'],
  ['&amp;lt;', '&lt;'],
])('%s was typed as %s', (sent, typed) => expect(typedText(sent)).toBe(typed));

it('undoes what Slack does to any text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const sent = text.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;');
      expect(typedText(sent)).toBe(text);
    }),
    { numRuns: 200 },
  );
});

it('takes what is said to the bot', () => {
  expect(afterMention('<@U0BOT> logs x', 'U0BOT')).toBe('logs x');
  expect(afterMention('hey <@U0BOT|signalbox> logs x', 'U0BOT')).toBe('logs x');
  expect(afterMention('logs x <@U0BOT>', 'U0BOT')).toBe('logs x');
  expect(afterMention('<@U0ADA> logs x', 'U0BOT')).toBeUndefined();
});
