/** `response_url`: five uses within thirty minutes, to answer where somebody clicked or typed. */
import { randomBytes } from 'node:crypto';
import { LIMITS } from '../block-kit/limits.ts';
import type { Json } from '../block-kit/schema.ts';
import type { SandboxMessage } from '../protocol.ts';
import type { Clock } from '../time.ts';
import { SlackError } from './errors.ts';
import { isEmpty, readContent } from './messages.ts';
import type { Workspace } from './workspace.ts';

interface Place {
  channel: string;
  user: string;
  /** The message that was clicked. */
  message?: SandboxMessage | undefined;
}

const REMEMBERED = 10_000;

export class ResponseUrls {
  readonly #clock: Clock;
  readonly #workspace: Workspace;
  readonly #issued = new Map<string, Place & { at: number; uses: number }>();
  readonly #base: () => string;

  /** @param base the sandbox's own address, known once it listens */
  constructor(clock: Clock, workspace: Workspace, base: () => string) {
    this.#clock = clock;
    this.#workspace = workspace;
    this.#base = base;
  }

  issue(place: Place): string {
    const token = randomBytes(18).toString('base64url');
    this.#issued.set(token, { ...place, at: this.#clock.now(), uses: 0 });
    const oldest = this.#issued.keys().next();
    if (this.#issued.size > REMEMBERED && !oldest.done) this.#issued.delete(oldest.value);
    return `${this.#base()}/response/${token}`;
  }

  /** @throws SlackError invalid_url, used_url, expired_url, or what is wrong with the message */
  use(token: string, body: Json): void {
    const issued = this.#issued.get(token);
    if (issued === undefined) throw new SlackError('invalid_url');
    if (this.#clock.now() - issued.at > LIMITS.responseUrl.lifetime) throw new SlackError('expired_url');
    if (issued.uses >= LIMITS.responseUrl.uses) throw new SlackError('used_url');
    respond(this.#workspace, issued, body);
    issued.uses += 1;
  }
}

/** Posts, replaces or deletes, as the body says. Also for the body of a command's ack. */
export function respond(workspace: Workspace, place: Place, body: Json): void {
  const { message } = place;
  if (body.delete_original === true || body.delete_original === 'true') {
    if (message !== undefined) workspace.delete(message);
    return;
  }
  const content = readContent(body, 'response');
  if (isEmpty(content)) throw new SlackError('no_text');
  const isReplacing = body.replace_original === true || body.replace_original === 'true';
  if (isReplacing && message !== undefined && workspace.find(message.channel, message.ts) !== undefined) {
    // A replacement without blocks takes the old ones away.
    workspace.edit(message, { ...content, blocks: content.blocks ?? [] }, workspace.app.user);
    return;
  }
  const asked = typeof body.thread_ts === 'string' ? body.thread_ts : undefined;
  // A message with a thread below it names that thread too, and is not itself in it.
  const own = message?.thread_ts === message?.ts ? undefined : message?.thread_ts;
  workspace.post({
    ...content,
    channel: place.channel,
    user: workspace.app.user,
    bot_id: workspace.app.bot,
    thread_ts: asked ?? (body.response_type === 'in_channel' ? undefined : own),
    ephemeral_to: body.response_type === 'in_channel' ? undefined : place.user,
  });
}
