/** Where blocks are shown (message, modal, Home) and what happens when somebody uses them. */
import { createContext, type ReactNode, useCallback, useContext, useMemo, useState } from 'react';
import type { InteractionResult } from '../../protocol.ts';
import { api, type Place } from '../api.ts';
import { useDirectory } from '../directory.tsx';
import { interactionFailure } from '../failures.ts';
import { toast } from '../ui/toasts.tsx';
import {
  actionValue,
  type Edits,
  type ElementState,
  initialState,
  keyOf,
  STATE_FIELD,
  stateValues,
} from './state.ts';
import type { AnyBlock, Element, Option, OptionGroup } from './types.ts';

interface Options {
  options?: Option[];
  option_groups?: OptionGroup[];
}

interface Surface {
  kind: 'message' | 'modal' | 'home';
  edits: Edits;
  edit(block: AnyBlock, element: Element, state: ElementState): void;
  /** Sends the action; failures are shown as a toast and also returned. */
  act(
    block: AnyBlock,
    element: Element,
    value?: string | string[] | null,
    state?: ElementState,
  ): Promise<InteractionResult>;
  options(block: AnyBlock, element: Element, query: string, signal: AbortSignal): Promise<Options>;
  /** Field errors by block id (modals). */
  errors: Readonly<Record<string, string>>;
}

const SurfaceContext = createContext<Surface | null>(null);

export function SurfaceProvider(props: {
  kind: Surface['kind'];
  user: string;
  place: Place;
  blocks: readonly AnyBlock[];
  edits?: Edits;
  onEdit?: (key: string, state: ElementState) => void;
  errors?: Readonly<Record<string, string>>;
  children: ReactNode;
}) {
  const { kind, user, blocks, onEdit, errors = NO_ERRORS } = props;
  const [own, setOwn] = useState<Edits>({});
  const edits = props.edits ?? own;
  const { onAsk } = useDirectory();
  const placeKey = JSON.stringify(props.place);

  const edit = useCallback(
    (block: AnyBlock, element: Element, state: ElementState) => {
      const key = keyOf(block, element);
      if (onEdit) onEdit(key, state);
      else setOwn((before) => ({ ...before, [key]: state }));
    },
    [onEdit],
  );

  const surface = useMemo<Surface>(() => {
    const place = JSON.parse(placeKey) as Place;
    return {
      kind,
      edits,
      errors,
      edit,
      async act(block, element, value, state) {
        // A modal covers the conversation: nobody is reading there when its button posts something.
        if (kind === 'modal') onAsk();
        const after = state ? { ...edits, [keyOf(block, element)]: state } : edits;
        const result = await api.action({
          ...place,
          user,
          action_id: element.action_id ?? '',
          ...(block.block_id === undefined ? {} : { block_id: block.block_id }),
          ...(value === undefined ? {} : { value }),
          values: stateValues(blocks, after),
        });
        if (!result.ok) toast.error(interactionFailure('This did not work', result));
        return result;
      },
      options: (block, element, query, signal) =>
        api.options(
          {
            ...place,
            user,
            action_id: element.action_id ?? '',
            block_id: block.block_id ?? '',
            value: query,
          },
          signal,
        ),
    };
  }, [kind, user, placeKey, blocks, edits, errors, edit, onAsk]);

  return <SurfaceContext value={surface}>{props.children}</SurfaceContext>;
}

const NO_ERRORS = {};

export function useSurface(): Surface {
  const surface = useContext(SurfaceContext);
  if (!surface) throw new Error('useSurface needs a SurfaceProvider above it');
  return surface;
}

/**
 * An element's state and its setter. Choosing something outside an input block is an action, and so it is in an
 * input block that says `dispatch_action`.
 */
export function useElementState(
  block: AnyBlock,
  element: Element,
): { state: ElementState; busy: boolean; set(state: ElementState, dispatch?: boolean): void } {
  const surface = useSurface();
  const [busy, setBusy] = useState(false);
  const edited = surface.edits[keyOf(block, element)];
  const state = edited?.type === element.type ? edited : (initialState(element) ?? { type: element.type });
  return {
    state,
    busy,
    set(next, dispatch = block.type !== 'input' || block.dispatch_action === true) {
      if (!STATE_FIELD[element.type]) return;
      surface.edit(block, element, next);
      if (!dispatch) return;
      setBusy(true);
      void surface.act(block, element, actionValue(next), next).finally(() => setBusy(false));
    },
  };
}
