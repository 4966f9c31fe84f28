/**
 * Slack's mrkdwn as a tree. Pure: knows neither the DOM nor who is who.
 * Rules: https://docs.slack.dev/messaging/formatting-message-text
 */

export type Inline =
  | { type: 'text'; text: string }
  | { type: 'emoji'; name: string; source: string }
  | { type: 'bold' | 'italic' | 'strike'; children: Inline[] }
  | { type: 'code'; text: string }
  | { type: 'link'; url: string; children: Inline[] }
  | { type: 'user' | 'channel' | 'usergroup'; id: string; label: string | undefined }
  | { type: 'broadcast'; range: string }
  /** `seconds` since the epoch. */
  | { type: 'date'; seconds: number; format: string; url: string | undefined; fallback: string };

export type MrkdwnBlock =
  | { type: 'paragraph'; children: Inline[] }
  | { type: 'quote'; children: Inline[] }
  | { type: 'preformatted'; text: string };

type Atom = { character: string } | { node: Inline };

const ENTITIES: Record<string, string> = { '&amp;': '&', '&lt;': '<', '&gt;': '>' };
const FORMATS = { '*': 'bold', _: 'italic', '~': 'strike' } as const;
type Delimiter = keyof typeof FORMATS;

/** Only these three are escapes in Slack; `&quot;` and the like stay as they are. */
export const decodeEntities = (text: string): string =>
  text.replace(/&(?:amp|lt|gt);/g, (entity) => ENTITIES[entity] ?? entity);

/** The address when it is one that may be followed, else undefined: no scripts, no data, no local files. */
export function safeUrl(url: string): string | undefined {
  if (!/^(?:https?:\/\/|mailto:|tel:)/i.test(url)) return undefined;
  try {
    return new URL(url).href;
  } catch {
    return undefined;
  }
}

const text = (value: string): Inline => ({ type: 'text', text: value });

/** What stands between `<` and `>`; undefined when it is nothing that Slack knows. */
function parseToken(token: string): Inline | undefined {
  const bar = token.indexOf('|');
  const head = bar < 0 ? token : token.slice(0, bar);
  const label = bar < 0 ? undefined : decodeEntities(token.slice(bar + 1));
  if (/^@[UW][A-Z0-9]+$/.test(head)) return { type: 'user', id: head.slice(1), label };
  if (/^#[CGD][A-Z0-9]+$/.test(head)) return { type: 'channel', id: head.slice(1), label };
  const group = /^!subteam\^(S[A-Z0-9]+)$/.exec(head);
  if (group) return { type: 'usergroup', id: group[1] ?? '', label };
  const broadcast = /^!(here|channel|everyone)$/.exec(head);
  if (broadcast) return { type: 'broadcast', range: broadcast[1] ?? '' };
  const date = /^!date\^(-?\d+)\^([^^]+)(?:\^([^^]+))?$/.exec(head);
  if (date)
    return {
      type: 'date',
      seconds: Number(date[1]),
      format: decodeEntities(date[2] ?? ''),
      url: date[3] === undefined ? undefined : safeUrl(decodeEntities(date[3])),
      fallback: label ?? '',
    };
  if (head.startsWith('!')) return text(label ?? `<${head}>`);
  const url = safeUrl(decodeEntities(head));
  if (url) return { type: 'link', url, children: [text(label ?? decodeEntities(head))] };
  // A link to where one may not go: what it says, without the link.
  if (/^[a-z][a-z0-9+.-]*:/i.test(head))
    return text(label ? `${label} (${decodeEntities(head)})` : decodeEntities(head));
  return undefined;
}

/** Inside code nothing is formatted, but Slack's own tokens show their label there. */
const codeText = (source: string): string =>
  decodeEntities(
    source.replace(/<([^<>\n]+)>/g, (whole, token: string) => {
      const bar = token.indexOf('|');
      if (bar >= 0) return token.slice(bar + 1);
      return /^(?:https?:|mailto:)/i.test(token) ? token : whole;
    }),
  );

function atomsOf(line: string, verbatim: boolean): Atom[] {
  const atoms: Atom[] = [];
  let at = 0;
  while (at < line.length) {
    const rest = line[at] ?? '';
    if (rest === '`') {
      const end = line.indexOf('`', at + 1);
      if (end > at + 1) {
        atoms.push({ node: { type: 'code', text: codeText(line.slice(at + 1, end)) } });
        at = end + 1;
        continue;
      }
    } else if (rest === '<') {
      const end = line.indexOf('>', at + 1);
      const inner = end < 0 ? '' : line.slice(at + 1, end);
      const node = inner && !inner.includes('<') ? parseToken(inner) : undefined;
      if (node) {
        atoms.push({ node });
        at = end + 1;
        continue;
      }
    } else if (rest === '&') {
      const entity = /^&(?:amp|lt|gt);/.exec(line.slice(at, at + 5))?.[0];
      if (entity) {
        // An atom of its own, so that a decoded character is never taken for syntax.
        atoms.push({ node: text(ENTITIES[entity] ?? entity) });
        at += entity.length;
        continue;
      }
    } else if (rest === ':') {
      const emoji = /^:([a-z0-9_+'-]{1,100}):(?:(skin-tone-[2-6]):)?/.exec(line.slice(at, at + 120));
      if (emoji) {
        atoms.push({ node: { type: 'emoji', name: emoji[1] ?? '', source: emoji[0] } });
        at += emoji[0].length;
        continue;
      }
    } else if (rest === 'h' && !verbatim) {
      const bare = /^https?:\/\/[^\s<>|`*]+[^\s<>|`*.,;:!?)\]}'"_~]/.exec(line.slice(at, at + 3001))?.[0];
      const decoded = bare && !/[\p{L}\p{N}]/u.test(line[at - 1] ?? ' ') ? decodeEntities(bare) : undefined;
      const url = decoded && safeUrl(decoded);
      if (bare && decoded && url) {
        atoms.push({ node: { type: 'link', url, children: [text(decoded)] } });
        at += bare.length;
        continue;
      }
    }
    atoms.push({ character: rest });
    at += 1;
  }
  return atoms;
}

const characterAt = (atoms: readonly Atom[], at: number): string | undefined => {
  const atom = atoms[at];
  if (!atom) return undefined;
  if ('character' in atom) return atom.character;
  // What an atom looks like to its neighbours: something that is neither a letter nor a space.
  return '.';
};
const isWord = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}]/u.test(character);
const isSpace = (character: string | undefined) => character === undefined || /\s/.test(character);

function findClosing(atoms: readonly Atom[], delimiter: Delimiter, from: number, end: number): number {
  for (let at = from + 1; at < end; at += 1) {
    const atom = atoms[at];
    if (!atom || !('character' in atom) || atom.character !== delimiter) continue;
    if (at === from + 1) return -1;
    if (
      !isSpace(characterAt(atoms, at - 1)) &&
      !isWord(at + 1 < end ? characterAt(atoms, at + 1) : undefined)
    )
      return at;
  }
  return -1;
}

function format(atoms: readonly Atom[], start: number, end: number, active: string): Inline[] {
  const out: Inline[] = [];
  let plain = '';
  /** No closing mark exists after a failed search: searching again would make hostile text cost O(n²). */
  const hopeless = new Set<Delimiter>();
  const flush = () => {
    if (plain) out.push(text(plain));
    plain = '';
  };
  let at = start;
  while (at < end) {
    const atom = atoms[at];
    if (!atom) break;
    if ('node' in atom) {
      if (atom.node.type === 'text') plain += atom.node.text;
      else {
        flush();
        out.push(atom.node);
      }
      at += 1;
      continue;
    }
    const { character } = atom;
    if (character in FORMATS && !active.includes(character)) {
      const delimiter = character as Delimiter;
      const opens =
        !hopeless.has(delimiter) &&
        !isWord(at > start ? characterAt(atoms, at - 1) : undefined) &&
        at + 1 < end &&
        !isSpace(characterAt(atoms, at + 1));
      if (opens) {
        const closing = findClosing(atoms, delimiter, at, end);
        if (closing > 0) {
          flush();
          out.push({
            type: FORMATS[delimiter],
            children: format(atoms, at + 1, closing, active + delimiter),
          });
          at = closing + 1;
          continue;
        }
        if (characterAt(atoms, at + 1) !== delimiter) hopeless.add(delimiter);
      }
    }
    plain += character;
    at += 1;
  }
  flush();
  return out;
}

const parseLine = (line: string, verbatim: boolean): Inline[] => {
  const atoms = atomsOf(line, verbatim);
  return format(atoms, 0, atoms.length, '');
};

function parseLines(source: string, out: MrkdwnBlock[], verbatim: boolean): void {
  const lines = source.split('\n');
  let current: { type: 'paragraph' | 'quote'; children: Inline[] } | undefined;
  let quoteRest = false;
  for (const line of lines) {
    const marks = quoteRest ? undefined : /^(?:(?:&gt;|>){3}|&gt;|>) ?/.exec(line)?.[0];
    if (marks && /^(?:&gt;|>){3}/.test(marks)) quoteRest = true;
    const type = marks !== undefined || quoteRest ? 'quote' : 'paragraph';
    const content = parseLine(marks ? line.slice(marks.length) : line, verbatim);
    if (current?.type === type) current.children.push(text('\n'), ...content);
    else {
      current = { type, children: content };
      out.push(current);
    }
  }
}

/** @param verbatim bare addresses stay plain text, as `verbatim: true` of a text object says */
export function parseMrkdwn(source: string, verbatim = false): MrkdwnBlock[] {
  const out: MrkdwnBlock[] = [];
  // Odd pieces lie between fences; an unclosed fence is plain text.
  const pieces = source.split('```');
  if (pieces.length % 2 === 0) {
    const last = pieces.pop() ?? '';
    pieces[pieces.length - 1] += `\`\`\`${last}`;
  }
  for (const [index, piece] of pieces.entries()) {
    if (index % 2 === 1) {
      if (piece)
        out.push({ type: 'preformatted', text: codeText(piece.replace(/^\n/, '').replace(/\n$/, '')) });
      continue;
    }
    let between = piece;
    if (index > 0) between = between.replace(/^\n/, '');
    if (index < pieces.length - 1) between = between.replace(/\n$/, '');
    if (between || pieces.length === 1) parseLines(between, out, verbatim);
  }
  return out;
}

/** One line, for places that take no blocks (thread previews, titles). */
export function plainText(source: string): string {
  const one = (node: Inline): string => {
    switch (node.type) {
      case 'text':
      case 'code':
        return node.text;
      case 'emoji':
        return node.source;
      case 'bold':
      case 'italic':
      case 'strike':
      case 'link':
        return inline(node.children);
      case 'user':
      case 'usergroup':
        return `@${node.label ?? node.id}`;
      case 'channel':
        return `#${node.label ?? node.id}`;
      case 'broadcast':
        return `@${node.range}`;
      case 'date':
        return node.fallback;
    }
  };
  const inline = (nodes: readonly Inline[]): string => nodes.map(one).join('');
  return parseMrkdwn(source)
    .map((block) => (block.type === 'preformatted' ? block.text : inline(block.children)))
    .join(' ')
    .replace(/\s+/g, ' ')
    .trim();
}
