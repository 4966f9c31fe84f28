import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { emojiFor } from '../../sandbox/src/page/mrkdwn/emoji.ts';
import { shipped } from '../../sandbox/test/page/emoji-font.ts';

const SRC = fileURLToPath(new URL('../../src/', import.meta.url));
/** The rooms whose words people see in Slack. */
const SPEAKING = ['blocks', 'commands', 'notifiers', 'domain', 'operations', 'slack'];
const COLOUR = '\u{FE0F}';

/** Every emoji that the bot writes: as itself, or by its name. */
async function spoken(): Promise<Set<string>> {
  const found = new Set<string>();
  for (const room of SPEAKING)
    for (const file of await readdir(join(SRC, room), { recursive: true })) {
      if (!file.endsWith('.ts')) continue;
      const text = await readFile(join(SRC, room, file), 'utf8');
      for (const [sign] of text.matchAll(/\p{Emoji_Presentation}|\p{Emoji}\u{FE0F}/gu)) found.add(sign);
      for (const [, name = ''] of text.matchAll(/:([a-z][a-z0-9_+-]+):/g)) {
        const sign = emojiFor(name);
        if (sign !== undefined) found.add(sign);
      }
    }
  return found;
}

describe('the emoji font of the sandbox page', () => {
  it('has every emoji that the bot writes', async () => {
    const has = new Set((await shipped()).map((sign) => sign.replace(COLOUR, '')));
    const missing = [...(await spoken())].filter((sign) => !has.has(sign.replace(COLOUR, '')));
    expect(missing, 'add them to fonts/emoji.txt and run scripts/build-emoji-font.mjs').toEqual([]);
  });
});
