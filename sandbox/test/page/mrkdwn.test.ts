import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatDate } from '../../src/page/mrkdwn/dates.ts';
import {
  type Inline,
  type MrkdwnBlock,
  parseMrkdwn,
  plainText,
  safeUrl,
} from '../../src/page/mrkdwn/parse.ts';

const inline = (source: string): Inline[] => {
  const [block, ...more] = parseMrkdwn(source);
  if (block?.type !== 'paragraph' || more.length > 0) throw new Error(`not one paragraph: ${source}`);
  return block.children;
};
const text = (value: string): Inline => ({ type: 'text', text: value });

function* everyInline(nodes: readonly Inline[]): Generator<Inline> {
  for (const node of nodes) {
    yield node;
    if ('children' in node) yield* everyInline(node.children);
  }
}
const everyNode = (blocks: readonly MrkdwnBlock[]) =>
  blocks.flatMap((block) => (block.type === 'preformatted' ? [] : [...everyInline(block.children)]));

describe('mrkdwn', () => {
  it('formats bold, italic and strike, also within one another', () => {
    expect(inline('*a _b_* ~c~')).toEqual([
      { type: 'bold', children: [text('a '), { type: 'italic', children: [text('b')] }] },
      text(' '),
      { type: 'strike', children: [text('c')] },
    ]);
  });

  it.each(['2*3*4', 'snake_case_name', '* a*', '*a *b', '**', '~', '_', '*a\nb*'])(
    'leaves %j as it is',
    (source) => {
      expect(inline(source).every(({ type }) => type === 'text')).toBe(true);
      expect(plainText(source)).toBe(source.replace('\n', ' '));
    },
  );

  it('formats nothing inside code', () => {
    expect(inline('`*a* &lt;b&gt; <https://x.test|x>`')).toEqual([{ type: 'code', text: '*a* <b> x' }]);
    expect(parseMrkdwn('a\n```\n*b*\n> c\n```\nd')).toEqual([
      { type: 'paragraph', children: [text('a')] },
      { type: 'preformatted', text: '*b*\n> c' },
      { type: 'paragraph', children: [text('d')] },
    ]);
  });

  it('knows mentions, channels, groups and broadcasts', () => {
    expect(
      inline('<@U0ADA> <#C0LINE3|line-3> <!subteam^S0OPS|@ops> <!channel>').filter(
        ({ type }) => type !== 'text',
      ),
    ).toEqual([
      { type: 'user', id: 'U0ADA', label: undefined },
      { type: 'channel', id: 'C0LINE3', label: 'line-3' },
      { type: 'usergroup', id: 'S0OPS', label: '@ops' },
      { type: 'broadcast', range: 'channel' },
    ]);
  });

  it('knows dates with their fallback and link', () => {
    expect(inline('<!date^1700000000^{date} at {time}^https://x.test/|then>')).toEqual([
      {
        type: 'date',
        seconds: 1_700_000_000,
        format: '{date} at {time}',
        url: 'https://x.test/',
        fallback: 'then',
      },
    ]);
  });

  it('links bare addresses unless told to be verbatim', () => {
    const source = 'see https://x.test/a?b=1&amp;c=2.';
    expect(inline(source)[1]).toEqual({
      type: 'link',
      url: 'https://x.test/a?b=1&c=2',
      children: [text('https://x.test/a?b=1&c=2')],
    });
    expect(everyNode(parseMrkdwn(source, true)).some(({ type }) => type === 'link')).toBe(false);
  });

  it('decodes the three escapes and takes none of them for syntax', () => {
    expect(inline('&lt;@U0ADA&gt; &amp;amp; &quot;')).toEqual([text('<@U0ADA> &amp; &quot;')]);
  });

  it('quotes lines that begin with >', () => {
    expect(parseMrkdwn('&gt; a\n> b\nc').map(({ type }) => type)).toEqual(['quote', 'paragraph']);
  });

  it.each([
    'javascript:alert(1)',
    'JavaScript:alert(1)',
    'data:text/html,x',
    'vbscript:x',
    'file:///etc/passwd',
    ' javascript:x',
    'java\nscript:x',
  ])('makes no link of %j', (url) => {
    expect(safeUrl(url)).toBeUndefined();
    expect(everyNode(parseMrkdwn(`<${url}|press>`)).some(({ type }) => type === 'link')).toBe(false);
  });

  const pieces = fc.array(
    fc.oneof(
      fc.constantFrom(
        '*',
        '_',
        '~',
        '`',
        '```',
        '<',
        '>',
        '|',
        '&lt;',
        '&amp;',
        '\n',
        ' ',
        ':x:',
        '<@U1>',
        '<!date^1^{date}|x>',
        'https://a.test/b_c',
        '<https://a.test|b>',
        'javascript:',
        '&gt; ',
      ),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 60 },
  );

  it('never fails and never links anywhere but to the web, mail and telephones, whatever the text', () => {
    fc.assert(
      fc.property(pieces, (parts) => {
        for (const node of everyNode(parseMrkdwn(parts.join('')))) {
          if (node.type === 'link') expect(node.url).toMatch(/^(https?:\/\/|mailto:|tel:)/);
          if (node.type === 'date' && node.url) expect(node.url).toMatch(/^(https?:\/\/|mailto:|tel:)/);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('shows letters and digits as they are, in order', () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z0-9 *_~.]{0,80}$/), (source) => {
        const kept = (value: string) => value.replace(/[^a-z0-9]/g, '');
        expect(kept(plainText(source))).toBe(kept(source));
      }),
      { numRuns: 300 },
    );
  });
});

describe('dates', () => {
  const now = new Date(2026, 10, 21, 12, 0, 0);
  const at = (date: Date) => date.getTime() / 1000;

  it('writes the parts that a format names and leaves others', () => {
    const seconds = at(new Date(2026, 1, 2, 9, 5, 7));
    expect(formatDate(seconds, '{date_num} {date} {date_short} {other}', now)).toBe(
      '2026-02-02 February 2nd, 2026 Feb 2, 2026 {other}',
    );
    expect(formatDate(seconds, '{date_long}', now)).toBe('Monday, February 2nd, 2026');
  });

  it('says yesterday, today and tomorrow where the format is pretty', () => {
    const day = (offset: number) =>
      formatDate(at(new Date(2026, 10, 21 + offset, 23, 59)), '{date_pretty}', now);
    expect([day(-1), day(0), day(1), day(-2)]).toEqual([
      'yesterday',
      'today',
      'tomorrow',
      'November 19th, 2026',
    ]);
  });

  it('has no words for a time that is none', () => {
    expect(formatDate(Number.NaN, '{date}', now)).toBeUndefined();
    expect(formatDate(1e20, '{date}', now)).toBeUndefined();
  });
});
