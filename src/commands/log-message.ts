/**
 * A log on its way into Slack: one message shows how far its download is, until the file, or the reason why there is
 * none, takes its place. Training logs and compile logs both come this way.
 */
import { errorMessage } from '../blocks/errors.ts';
import { keepingFirstLines, logsEnough } from '../blocks/first-lines.ts';
import {
  type LogStage,
  logsAlreadyRunning,
  logsCancelled,
  logsInterrupted,
  logsPerhapsThere,
  logsProgress,
  logsSentDirectly,
} from '../blocks/logs.ts';
import { logsUnshared } from '../blocks/logs-result.ts';
import type { Button, Message } from '../blocks/message.ts';
import { may, whoCanGrant } from '../domain/access.ts';
import { belongsTo, type UseCase } from '../domain/use-cases.ts';
import { type AppError, CancelledError, toAppError } from '../ground/errors.ts';
import { unlessAborted } from '../ground/pause.ts';
import type { DownloadOptions } from '../operations/download-logs.ts';
import type { Ticket } from '../operations/download-queue.ts';
import { EnoughError, type FirstLines } from '../operations/first-lines.ts';
import type { LiveMessage } from '../ports/channel-messages.ts';
import type { Context } from './context.ts';
import { refuse } from './refusals.ts';
import { explain, isAdmin, type Services } from './services.ts';
import { keepUnfinished, type Unfinished } from './unfinished.ts';

/** What the message needs to know about the log that was asked for. */
export interface WantedLog {
  /** The name of the training or compilation job. */
  name: string;
  /** The job may belong to any of them, and the person may read the logs of each. */
  useCases: readonly [UseCase, ...UseCase[]];
  /** Whether the person asked for a direct message. */
  dm: boolean;
  /** Equal for requests that bring the same file from the same use cases. */
  sameAs: string;
  /** Asks for it again. */
  again(label: string): Button | undefined;
  /** Opens the run, where it can be. */
  live?: Button | undefined;
  /** Shows the run as it prints, where it does. */
  watch?: Button | undefined;
  /** What else can be done once its end was enough. */
  next?(lines: FirstLines): readonly (Button | undefined)[];
}

const ways = ({ live, watch }: WantedLog): Pick<WantedLog, 'live' | 'watch'> => ({ live, watch });

interface Destination {
  direct: boolean;
  why: string;
}

/** @throws AppError for what went wrong before there was a message to tell it in */
export async function deliverInMessage(
  services: Services,
  context: Context,
  wanted: WantedLog,
  fetchAndSend: (message: LogMessage) => Promise<void>,
): Promise<void> {
  const { name, useCases, again } = wanted;
  const { actor, place, reply, userName } = context;
  const destination = chooseDestination(context, wanted);
  const ids = useCases.map((useCase) => useCase.id);
  const key = JSON.stringify([
    ids,
    wanted.sameAs,
    destination.direct ? actor.user : [place.channel, place.thread],
  ]);
  const same = (await services.downloads.sameAnywhere(key)) ?? services.downloads.same(key);
  if (same) return reply.privately(logsAlreadyRunning(name, same.startedAt, same.userName));

  const request = { key, user: actor.user, userName, useCases: ids };
  const { ahead } = services.downloads;
  let message: LogMessage | undefined;
  let unfinished: Unfinished | undefined;
  try {
    await services.downloads.run(
      request,
      () => fetchAndSend(message!),
      async (ticket) => {
        const { id } = ticket;
        const stage: LogStage = ahead > 0 ? { kind: 'waiting', ahead } : { kind: 'opening' };
        const first = logsProgress({ job: name, by: userName, stage, downloadId: id, ...ways(wanted) });
        const live = destination.direct ? await reply.directly(first) : await reply.publicly(first);
        unfinished = await keepUnfinished(services, context.log, {
          id,
          message: live,
          becomes: logsInterrupted(name, again('Ask again')),
          ...services.downloads.onRecord(request),
        });
        message = new LogMessage({ services, context, wanted, ticket, message: live, unfinished, stage });
        if (destination.direct && !place.isDirect)
          await reply.privately(logsSentDirectly(name, destination.why));
      },
    );
  } catch (error) {
    if (!message) throw error;
    try {
      await message.tellWhyNot(error);
    } catch (untold) {
      await unfinished?.leave();
      throw untold;
    }
  }
  try {
    // Others have their turn meanwhile: Slack lets few messages be removed in a minute.
    if (message) await unlessAborted(services.downloads.tidyUntil, message.tidy());
  } catch (error) {
    context.log.warn({ err: error, job: name }, 'the message of a download that has ended stays for now');
    return unfinished?.leave();
  }
  await unfinished?.over();
}

/** Into the channel only if everybody there may read it: what belongs to a use case stays in its own channels. */
function chooseDestination({ place }: Context, { useCases, dm }: WantedLog): Destination {
  if (place.isDirect || dm) return { direct: true, why: '' };
  if (!useCases.every((useCase) => belongsTo(place.channel, useCase)))
    return { direct: true, why: 'this channel does not belong to the use case' };
  if (useCases.some((useCase) => useCase.logs.delivery === 'dm'))
    return { direct: true, why: 'the use case wants it so' };
  return { direct: false, why: '' };
}

/** This instance hung for so long that another one has told that the download was interrupted. */
class ToldElsewhereError extends Error {
  override readonly name = 'ToldElsewhereError';
}

interface FinishedFile {
  path: string;
  name: string;
  bytes: number;
}

interface LogMessageDeps {
  services: Services;
  context: Context;
  wanted: WantedLog;
  ticket: Ticket;
  message: LiveMessage;
  unfinished: Unfinished;
  /** What it says already. */
  stage: LogStage;
}

export class LogMessage {
  readonly #deps: LogMessageDeps;
  #stage: LogStage;
  /** The log's end, once it is shown. */
  #lines: FirstLines | undefined;
  /** What remains to be done with the message, once the person has what they asked for. */
  #rest: (() => Promise<void>) | undefined;

  constructor(deps: LogMessageDeps) {
    this.#deps = deps;
    this.#stage = deps.stage;
  }

  /** For the operation that fetches the log. */
  get options(): DownloadOptions {
    return {
      // Aborted when the download is cancelled.
      signal: this.#deps.ticket.signal,
      onProgress: (progress) => {
        // Nothing yet is no news, and Slack's edits are few.
        if (progress.events === 0 && !progress.throttled) return;
        this.show(
          progress.phase === 'writing' ? { kind: 'writing', ...progress } : { kind: 'fetching', ...progress },
        );
      },
      firstLines: { mayRead: (useCase) => this.#mayRead(useCase), show: (lines) => this.#showLines(lines) },
    };
  }

  show(stage: LogStage): void {
    // An edit that changes nothing would only be one fewer for what does.
    if (stage.kind === 'opening' && this.#stage.kind === 'opening') return;
    this.#stage = stage;
    this.#deps.message.edit(this.#inProgress());
  }

  #showLines(lines: FirstLines): void {
    const { message, unfinished, wanted } = this.#deps;
    this.#lines = lines;
    message.edit(this.#inProgress(), 'awaited');
    const becomes = logsInterrupted(wanted.name, wanted.again('Ask again'));
    void unfinished.becomes(keepingFirstLines(becomes, lines));
  }

  #inProgress(): Message {
    const { context, wanted, ticket } = this.#deps;
    return logsProgress({
      ...{ job: wanted.name, by: context.userName, downloadId: ticket.id, ...ways(wanted) },
      ...{ stage: this.#stage, lines: this.#lines },
    });
  }

  /** Fetching may take long, so the right is checked again whenever something is shown. */
  #mayRead(useCase: UseCase): Promise<boolean> {
    const { services, context } = this.#deps;
    return may(context.actor.user, 'logs:read', useCase, services.directory);
  }

  /** Nobody waits for it: the person has the file, or word why there is none. */
  async tidy(): Promise<void> {
    await this.#rest?.();
  }

  /** What Slack does not take now stays on record, for whoever looks for what is left unsaid. */
  async #finish(words: Message): Promise<void> {
    const { message, unfinished } = this.#deps;
    try {
      await message.finish(words);
    } catch (error) {
      await unfinished.leave(words);
      throw error;
    }
  }

  async #later(rest: () => Promise<void>): Promise<void> {
    this.#rest = rest;
    await this.#deps.unfinished.onlyToRemove();
  }

  /** Sends the files to where the message is, which is then removed: the file's own message says everything. */
  async send(
    useCases: UseCase | readonly UseCase[],
    files: readonly FinishedFile[],
    words: Message,
  ): Promise<void> {
    const { services, wanted, ticket, message, unfinished } = this.#deps;
    for (const useCase of [useCases].flat()) if (!(await this.#mayRead(useCase))) return this.refuse(useCase);
    const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
    let sent = 0;
    const show = (throttled: boolean): void =>
      this.show({ kind: 'uploading', bytes, fraction: bytes === 0 ? 1 : sent / bytes, throttled });
    const onProgress = (now: number): void => {
      sent = now;
      show(false);
    };
    onProgress(0);
    const { shared } = await services.files.deliver(
      {
        files: files.map(({ path, name, bytes: size }) => ({ path, name, title: name, bytes: size })),
        channel: message.channel,
        thread: message.thread,
        comment: words.text,
        blocks: words.blocks,
      },
      {
        signal: ticket.signal,
        onProgress,
        onWait: () => show(true),
        onSharing: async (ids) => {
          if (await unfinished.isTold()) throw new ToldElsewhereError();
          const becomes = logsPerhapsThere(wanted.name, wanted.again('Ask again'));
          return unfinished.sharing(ids, keepingFirstLines(becomes, this.#lines));
        },
      },
    );
    // From here on the same request counts as a new one, and there is nothing left to cancel.
    services.downloads.release(ticket.id);
    await this.#later(async () => {
      if (await shared) await message.remove();
      else await this.#finish(logsUnshared(wanted.name));
    });
  }

  /** Ends with words that everybody here may read, in place of the progress. */
  async become(useCases: readonly UseCase[], words: Message): Promise<void> {
    const { services, ticket } = this.#deps;
    for (const useCase of useCases) if (!(await this.#mayRead(useCase))) return this.refuse(useCase);
    services.downloads.release(ticket.id);
    await this.#finish(words);
  }

  /** Files below words that stand already. */
  async add(files: readonly FinishedFile[], comment: string): Promise<void> {
    const { services, message } = this.#deps;
    await services.files.deliver(
      {
        files: files.map(({ path, name, bytes }) => ({ path, name, title: name, bytes })),
        channel: message.channel,
        thread: message.thread,
        comment,
      },
      {},
    );
  }

  /** Ends without a file. What is of no use to others is told only to the person, instead of in the message. */
  async tell(words: Message): Promise<void> {
    const { context, message } = this.#deps;
    const { isDirect, channel } = context.place;
    // A direct message already, whatever place they asked in.
    if (isDirect || message.channel !== channel) return this.#finish(words);
    await context.reply.privately(words);
    await this.#later(() => message.remove());
  }

  /** Ends because the person may not read the log. */
  async refuse(useCase: UseCase): Promise<void> {
    const { services, context, wanted, message } = this.#deps;
    await refuse(services, context, {
      useCase,
      permission: 'logs:read',
      action: 'logs.refused',
      subject: wanted.name,
    });
    await this.#later(() => message.remove());
  }

  /** The message says how it ended without a file; account details go only to an admin. */
  async tellWhyNot(thrown: unknown): Promise<void> {
    const { context, wanted } = this.#deps;
    const { name, again } = wanted;
    const lines = this.#lines;
    if (thrown instanceof EnoughError && lines) {
      context.log.info({ job: name }, 'download ended: its first lines were enough');
      if (!(await this.#mayRead(lines.useCase))) return this.refuse(lines.useCase);
      const next = [again('Get the file'), wanted.live, wanted.watch, ...(wanted.next?.(lines) ?? [])];
      return this.#finish(logsEnough(name, thrown.message, lines, next));
    }
    if (thrown instanceof ToldElsewhereError) {
      context.log.info({ job: name }, 'download ended: it was told as interrupted while this instance hung');
      return this.#finish(keepingFirstLines(logsInterrupted(name, again('Ask again')), lines));
    }
    if (thrown instanceof CancelledError) {
      context.log.info({ job: name }, 'download cancelled');
      return this.#finish(logsCancelled(name, thrown.message, again('Retry')));
    }
    const error = toAppError(thrown);
    const [useCase] = wanted.useCases;
    context.log[error.code === 'internal' ? 'error' : 'warn'](
      { ref: error.ref, err: error, job: name, useCase: useCase.id },
      'download failed',
    );
    await this.#tellFailure(error);
  }

  async #tellFailure(error: AppError): Promise<void> {
    const { services, context, wanted } = this.#deps;
    const [useCase] = wanted.useCases;
    const isDirectMessage = context.place.isDirect && (await isAdmin(services, context, useCase));
    const told = errorMessage(error, { buttons: [wanted.again('Retry')], asAdmin: isDirectMessage });
    const lines = error.code === 'permission_denied' ? undefined : this.#lines;
    await this.#finish(keepingFirstLines(told, lines));
    if (error.code === 'permission_denied' && error.adminHint && !isDirectMessage) {
      if (await isAdmin(services, context, useCase)) await explain(services, context, useCase, error);
      else await context.reply.privately(errorMessage(error, { ask: whoCanGrant(useCase, services.admins) }));
    }
  }
}
