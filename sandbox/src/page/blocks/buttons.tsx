import { useState } from 'react';
import { safeUrl } from '../mrkdwn/parse.ts';
import { Icon } from '../ui/icons.tsx';
import { MenuButton } from '../ui/menu.tsx';
import { useConfirmed } from './confirm.tsx';
import { useSurface } from './surface.tsx';
import { bare, Text } from './text.tsx';
import type { AnyBlock, Element } from './types.ts';

const CLASSES = { primary: 'button-primary', danger: 'button-danger' } as const;

export function Button({ block, element }: { block: AnyBlock; element: Element }) {
  const surface = useSurface();
  const [busy, setBusy] = useState(false);
  const [ask, dialog] = useConfirmed();
  const url = element.url === undefined ? undefined : safeUrl(element.url);
  const press = () => {
    // A link button opens its address and still tells the app, as in Slack.
    if (url) window.open(url, '_blank', 'noopener,noreferrer');
    setBusy(true);
    void surface.act(block, element, element.value).finally(() => setBusy(false));
  };
  return (
    <>
      <button
        type="button"
        className={`button ${element.style ? CLASSES[element.style] : ''}`}
        aria-label={element.accessibility_label}
        aria-busy={busy}
        // Not `disabled`: that would take the focus from whoever pressed it by keyboard.
        aria-disabled={busy}
        onClick={() => busy || ask(element.confirm, press)}
      >
        <span className="button-text">
          <Text text={element.text} />
        </span>
        {busy && <span className="spinner" aria-hidden="true" />}
      </button>
      {dialog}
    </>
  );
}

export function Overflow({ block, element }: { block: AnyBlock; element: Element }) {
  const surface = useSurface();
  const [busy, setBusy] = useState(false);
  const [ask, dialog] = useConfirmed();
  return (
    <>
      <MenuButton
        className="button button-icon"
        label={element.accessibility_label ?? 'More options'}
        align="end"
        disabled={busy}
        items={(element.options ?? []).map((option, index) => ({
          key: option.value ?? String(index),
          label: <Text text={option.text} />,
          note: option.description && <Text text={option.description} />,
          onSelect: () =>
            ask(element.confirm, () => {
              const url = option.url === undefined ? undefined : safeUrl(option.url);
              if (url) window.open(url, '_blank', 'noopener,noreferrer');
              setBusy(true);
              void surface.act(block, element, option.value).finally(() => setBusy(false));
            }),
        }))}
      >
        {busy ? <span className="spinner" aria-hidden="true" /> : <Icon name="dots" />}
      </MenuButton>
      {dialog}
    </>
  );
}

export function FeedbackButtons({ block, element }: { block: AnyBlock; element: Element }) {
  const surface = useSurface();
  return (
    <>
      {[element.positive_button, element.negative_button].map(
        (choice) =>
          choice && (
            <button
              key={choice.value ?? bare(choice.text)}
              type="button"
              className="button button-small"
              onClick={() => void surface.act(block, element, choice.value)}
            >
              <Text text={choice.text} />
            </button>
          ),
      )}
    </>
  );
}
