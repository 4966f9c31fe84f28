/** `/signalbox`: the help, and what concerns a whole channel: alerts, on-call, subscriptions, settings. */
import { overviewMessage, signalboxUsage } from '../blocks/overview.ts';
import { commandWords } from '../domain/command-words.ts';
import { asksForHelp } from '../domain/log-query.ts';
import { nearestNames } from '../domain/nearest-names.ts';
import { AppError } from '../ground/errors.ts';
import { alertActions, listAlerts, showOnCall } from './alerts.ts';
import { openSettings, settingsActions } from './channel-settings.ts';
import type { Command } from './command.ts';
import type { Context } from './context.ts';
import { kindsHere } from './job-access.ts';
import type { Services } from './services.ts';
import { listSubscriptions, subscribe, unsubscribe } from './subscriptions.ts';
import { watchActions, watchTyped } from './watch-run.ts';

type Sub = (services: Services, context: Context, rest: string) => Promise<void>;

const SUBS: Readonly<Record<string, Sub>> = {
  alerts: listAlerts,
  oncall: showOnCall,
  subscribe,
  unsubscribe,
  subscriptions: listSubscriptions,
  settings: openSettings,
  watch: watchTyped,
};

/** @param all every command, this one included; asked for when it is needed */
export function signalboxCommand(services: Services, all: () => readonly Command[]): Command {
  const alerts = alertActions(services);
  const subscriptions = settingsActions(services);
  return {
    name: 'signalbox',
    description: 'Alerts, who is on call, what is posted here, and help',
    usage: '[watch <job> | alerts | oncall | subscribe … | unsubscribe … | subscriptions | settings | help]',
    run: async (context, text) => {
      const words = commandWords(text);
      const { invocation } = context;
      // The other commands are named like this one: `/ml-signalbox` has `/ml-logs` beside it, `@signalbox signalbox` has
      // `@signalbox logs`.
      const prefix = invocation.slice(0, -'signalbox'.length);
      if (asksForHelp(words)) {
        const overview = overviewMessage(all(), prefix, await kindsHere(services, context));
        await context.reply.privately({
          ...overview,
          blocks: [...(overview.blocks ?? []), ...signalboxUsage(invocation)],
        });
        return;
      }
      const word = words[0]!.toLowerCase();
      const sub = Object.hasOwn(SUBS, word) ? SUBS[word] : undefined;
      if (!sub) {
        const known = [...Object.keys(SUBS), 'help'];
        const [near] = nearestNames(word, known, 1);
        throw new AppError(
          'invalid_input',
          `There is no ${invocation} ${words[0]!.slice(0, 60)}. There is: ${known.join(', ')}.`,
          {
            hint: `${near === undefined ? '' : `Did you mean ${invocation} ${near}? `}The other commands are: ${all()
              .map((command) => `${prefix}${command.name}`)
              .join(', ')}`,
          },
        );
      }
      await sub(services, context, text.trim().slice(words[0]!.length).trim());
    },
    words: Object.keys(SUBS),
    actions: { ...alerts.actions, ...subscriptions.actions, ...watchActions(services) },
    views: { ...alerts.views, ...subscriptions.views },
  };
}
