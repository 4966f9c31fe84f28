/** `/signalbox alerts` and `/signalbox oncall`, and the buttons of alerts: checked and recorded at every click. */

import {
  alertsMessage,
  type OnCallFacts,
  type OnCallNow,
  onCallMessage,
  readListRef,
} from '../blocks/alert-lists.ts';
import { ALERT, alertMessage, readAlertRef } from '../blocks/alerts.ts';
import { anotherVersion } from '../blocks/another-version.ts';
import type { Message } from '../blocks/message.ts';
import { muteForm } from '../blocks/mute-form.ts';
import { code, mention, moment } from '../blocks/text.ts';
import { may, permittedUseCases } from '../domain/access.ts';
import type { Alert } from '../domain/alerts.ts';
import type { Mute } from '../domain/mutes.ts';
import { DEFAULT_ESCALATE_AFTER_MS, nextHandovers, onCallAt } from '../domain/on-call.ts';
import type { UseCase } from '../domain/use-cases.ts';
import { AppError, toAppError } from '../ground/errors.ts';
import type { AlertRef } from '../operations/alert-manager.ts';
import type { ClickedAction, Command, SubmittedView, ViewAnswer } from './command.ts';
import type { Context } from './context.ts';
import { metadataFor, openUseCases, permitted, readMetadata } from './job-access.ts';
import { explain, type Services } from './services.ts';

const REFUSED = 'alert.refused';
const LIST_HINT = 'The Home tab of Signalbox lists the open alerts.';
const MINUTE = 60_000;

export async function listAlerts(services: Services, context: Context): Promise<void> {
  const useCases = await openUseCases(services, context, { permission: 'jobs:read', action: REFUSED });
  if (useCases.length > 0) await context.reply.privately(await openAlerts(services, useCases));
}

/** Of the use cases that a button names; somebody who may see none of them is told so. */
async function listClicked(services: Services, context: Context, { value }: ClickedAction): Promise<void> {
  const ids = value.split(' ');
  const readable = await readableOf(services, context, ids);
  if (readable.length > 0) return context.reply.privately(await openAlerts(services, readable));
  await permitted(services, context, ids[0]!, { permission: 'jobs:read', action: REFUSED });
}

function readableOf(
  { useCases, directory }: Services,
  { actor }: Context,
  ids: readonly string[],
): Promise<readonly UseCase[]> {
  const named = useCases.filter(({ id }) => ids.includes(id));
  return permittedUseCases(actor.user, 'jobs:read', named, directory);
}

async function openAlerts(services: Services, useCases: readonly UseCase[]): Promise<Message> {
  const [open, mutes] = await Promise.all([
    Promise.all(
      useCases.map(async (useCase) => ({ useCase, alerts: await services.alerts.unresolved(useCase.id) })),
    ),
    Promise.all(useCases.map(({ id }) => services.store.listMutes(id))),
  ]);
  const rows = open
    .flatMap(({ useCase, alerts }) => alerts.map((alert) => ({ alert, useCase })))
    .sort((a, b) => b.alert.openedAt - a.alert.openedAt);
  const now = services.clock.now();
  const muted = mutes.flat().filter(({ until }) => until === undefined || until > now);
  return alertsMessage(
    rows,
    muted,
    useCases.map(({ id }) => id),
  );
}

export async function showOnCall(services: Services, context: Context): Promise<void> {
  const useCases = await openUseCases(services, context, { permission: 'jobs:read', action: REFUSED });
  if (useCases.length === 0) return;
  const now = services.clock.now();
  const facts = await Promise.all(useCases.map((useCase) => onCallFacts(services, context, useCase, now)));
  await context.reply.privately(onCallMessage(facts));
}

async function onCallFacts(
  { directory }: Services,
  { log }: Context,
  useCase: UseCase,
  now: number,
): Promise<OnCallFacts> {
  const who = async (id: string): Promise<OnCallNow> => {
    if (!id.startsWith('S') || !directory.membersOf) return { id };
    try {
      return { id, members: await directory.membersOf(id) };
    } catch (error) {
      log.info({ err: error, group: id }, 'who is in a group is not known');
      return { id };
    }
  };
  const { onCall } = useCase;
  return {
    useCase,
    escalateAfterMs: onCall?.escalateAfterMs ?? DEFAULT_ESCALATE_AFTER_MS,
    levels: await Promise.all(
      (onCall?.levels ?? []).map(async (entries, level) => ({
        now: await Promise.all(onCallAt(onCall, level, now).map(who)),
        next: nextHandovers(entries, now),
      })),
    ),
  };
}

type Act = (
  alert: AlertRef,
  action: ClickedAction,
  useCase: UseCase,
) => Promise<{ alert: Alert; changed: boolean }>;

export function alertActions(services: Services): Pick<Command, 'actions' | 'views'> {
  const { alerts } = services;

  /** Right, act, true state: in this order at each click. */
  async function handle(
    context: Context,
    action: ClickedAction,
    act: Act,
    ref = action.value,
  ): Promise<void> {
    const found = await allowed(context, ref);
    if (!found) return;
    const { useCase, ref: about } = found;
    try {
      const { alert, changed } = await act(about, action, useCase);
      // The message shows it by itself, and at once if the click was in it.
      if (isItsMessage(action, context)) await context.reply.replace(alertMessage(alert, useCase));
      await redrawList(context, action);
      if (!changed) await context.reply.privately({ text: standing(alert) });
    } catch (thrown) {
      await explain(services, context, useCase, toAppError(thrown));
    }
  }

  /** If the click was in a list: it must not go on offering what has been done. */
  async function redrawList(context: Context, { block }: ClickedAction): Promise<void> {
    const ids = readListRef(block);
    if (!ids) return;
    const readable = await readableOf(services, context, ids);
    if (readable.length > 0) await context.reply.replace(await openAlerts(services, readable));
  }

  async function allowed(
    context: Context,
    value: string,
  ): Promise<{ useCase: UseCase; ref: AlertRef } | undefined> {
    const ref = readAlertRef(value);
    if (!ref) throw anotherVersion('button', { hint: LIST_HINT });
    const useCase = await permitted(services, context, ref.useCase, {
      permission: 'alerts:handle',
      action: REFUSED,
      subject: ref.id,
    });
    return useCase && { useCase, ref: { useCase: useCase.id, id: ref.id } };
  }

  /**
   * Somebody who cannot even acknowledge it is no help, while the person who passed it on believes it is in good hands.
   * @throws AppError invalid_input
   */
  async function requireCanHandle(useCase: UseCase, user: string): Promise<void> {
    let can: boolean;
    try {
      can = await may(user, 'alerts:handle', useCase, services.directory);
    } catch {
      // Slack does not say: somebody who may be unable to act is better than nobody.
      can = true;
    }
    if (can) return;
    throw new AppError('invalid_input', `The person you chose cannot handle the alerts of ${useCase.name}.`, {
      hint: 'Nothing was changed. Pass it to somebody who is an operator or an admin there.',
    });
  }

  async function openMute(context: Context, action: ClickedAction): Promise<void> {
    const found = await allowed(context, action.value);
    if (!found) return;
    const alert = await alerts.find(found.ref);
    const first = alert.subjects[0]!;
    const suggestion = first.job === undefined ? first.name : first.job;
    await context.openModal(muteForm(alert, metadataFor(context, { alert: action.value }), suggestion));
  }

  async function mute(context: Context, view: SubmittedView): Promise<ViewAnswer> {
    const { alert: ref } = readMetadata(view.metadata);
    const pattern = view.values.pattern?.[0] ?? '';
    const chosen = view.values.hours?.[0] ?? '24';
    // Nothing but a number may get here: anything else would mean "for good".
    if (!/^\d{1,4}$/.test(chosen)) return { errors: { hours: 'Choose how long.' } };
    const hours = Number(chosen);
    if (!/[^*?\s]/.test(pattern))
      return {
        errors: { pattern: 'Give a name, or a pattern with at least one letter or digit: train-resnet-*' },
      };
    return {
      after: async () => {
        const found = await allowed(context, String(ref ?? ''));
        if (!found) return;
        try {
          const { kept } = await alerts.mute(found.ref, context.actor, {
            pattern,
            forMs: hours > 0 ? hours * 60 * MINUTE : undefined,
          });
          if (kept) await context.reply.privately({ text: mutedLonger(kept) });
        } catch (thrown) {
          await explain(services, context, found.useCase, toAppError(thrown));
        }
      },
    };
  }

  async function unmute(context: Context, action: ClickedAction): Promise<void> {
    // An id of a mute begins with its use case.
    const useCase = await permitted(services, context, action.value.split('/', 1)[0] ?? '', {
      permission: 'alerts:handle',
      action: REFUSED,
      subject: action.value,
    });
    if (!useCase) return;
    const mute = await alerts.unmute(useCase.id, action.value, context.actor);
    await redrawList(context, action);
    const said = mute ? `${code(mute.pattern, 160)} raises alerts again.` : 'This mute has ended already.';
    await context.reply.privately({ text: said });
  }

  return {
    actions: {
      [ALERT.acknowledge]: (context, action) =>
        handle(context, action, (ref) => alerts.acknowledge(ref, context.actor)),
      [ALERT.close]: (context, action) => handle(context, action, (ref) => alerts.close(ref, context.actor)),
      [ALERT.snooze]: async (context, action) => {
        const minutes = Number(action.value);
        if (Number.isInteger(minutes) && minutes > 0 && minutes <= 7 * 24 * 60)
          await handle(
            context,
            action,
            (ref) => alerts.snooze(ref, context.actor, minutes * MINUTE),
            action.block,
          );
      },
      [ALERT.pass]: async (context, action) => {
        const to = action.value;
        if (!/^[UW][A-Z0-9]+$/.test(to)) return;
        const pass: Act = async (ref, _, useCase) => {
          await requireCanHandle(useCase, to);
          return alerts.pass(ref, context.actor, to);
        };
        await handle(context, action, pass, action.block);
      },
      [ALERT.mute]: openMute,
      [ALERT.unmute]: unmute,
      [ALERT.list]: (context, action) => listClicked(services, context, action),
    },
    views: { [ALERT.muteForm]: mute },
  };
}

/** Lists and calls have such buttons too, and must not turn into the alert. */
function isItsMessage(action: ClickedAction, context: Context): boolean {
  return (
    readListRef(action.block) === undefined &&
    readAlertRef(action.block) !== undefined &&
    context.place.thread === undefined
  );
}

function mutedLonger({ pattern, by, until }: Mute): string {
  const end = until === undefined ? 'until somebody takes it back' : `until ${moment(until)}`;
  return `${code(pattern, 160)} was muted already by ${mention(by.user)} ${end}, and stays so. To shorten it, unmute it first: the list of alerts has the button.`;
}

/** For a click that came too late. */
function standing({ state, acknowledged, resolved }: Alert): string {
  if (resolved) return 'This alert is resolved already.';
  if (state === 'acknowledged' && acknowledged)
    return `Acknowledged already by ${mention(acknowledged.by.user)}.`;
  return 'Nothing changed: it was like that already.';
}
