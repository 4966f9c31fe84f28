/** Modals and Home tabs. */

import type { Json } from '../block-kit/schema.ts';
import { SlackError } from './errors.ts';
import { parseJson } from './http.ts';
import { type Call, type Method, optional, required } from './method.ts';
import { checkView, wireView } from './views.ts';

/** None of them needs a scope. */
export const VIEW_METHODS: Readonly<Record<string, Method>> = {
  'views.open': {
    perMinute: 100,
    run: (call) => {
      const trigger = triggerOf(call);
      const view = viewOf(call.args);
      checkView(view, 'modal');
      const opened = call.context.views.open(trigger.user, view);
      trigger.use();
      return { view: wireView(opened, call.context.workspace) };
    },
  },

  'views.push': {
    perMinute: 100,
    run: (call) => {
      const trigger = triggerOf(call);
      const view = viewOf(call.args);
      checkView(view, 'modal');
      const stack = call.context.views.stack(trigger.user);
      if (trigger.view === undefined || !stack.some((open) => open.id === trigger.view)) {
        throw SlackError.withProblems('invalid_arguments', [
          {
            message: "must match the `type` of the root view whose stack we're pushing onto",
            pointer: '/view/type',
          },
        ]);
      }
      const pushed = call.context.views.push(trigger.user, view);
      trigger.use();
      return { view: wireView(pushed, call.context.workspace) };
    },
  },

  'views.update': {
    perMinute: 100,
    run: ({ context, args }) => {
      const id = optional(args, 'view_id') ?? optional(args, 'external_id');
      if (id === undefined) throw SlackError.missingField('view_id');
      const found = context.views.find(id);
      if (found === undefined) throw new SlackError('not_found');
      const view = viewOf(args);
      checkView(view, found.type);
      return { view: wireView(context.views.update(found, view, optional(args, 'hash')), context.workspace) };
    },
  },

  'views.publish': {
    perMinute: 100,
    run: ({ context, args }) => {
      const user = context.workspace.users.get(required(args, 'user_id'));
      if (user === undefined) throw new SlackError('user_not_found');
      if (!context.manifest.homeTab) throw new SlackError('not_enabled');
      const view = viewOf(args);
      checkView(view, 'home');
      return {
        view: wireView(context.views.publish(user.id, view, optional(args, 'hash')), context.workspace),
      };
    },
  },
};

function triggerOf({ context, args }: Call) {
  const id = optional(args, 'trigger_id') ?? optional(args, 'interactivity_pointer');
  if (id === undefined) throw SlackError.missingField('trigger_id');
  const trigger = context.triggers.exchange(id);
  if (typeof trigger === 'string') throw new SlackError(trigger);
  return trigger;
}

function viewOf(args: Json): unknown {
  if (args.view === undefined) throw SlackError.missingField('view');
  return typeof args.view === 'string' ? parseJson(args.view) : args.view;
}
