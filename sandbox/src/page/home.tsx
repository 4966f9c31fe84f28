/** The app's own pages: Home (a published view), Messages (the conversation with it), About. */
import { type ReactNode, useEffect } from 'react';
import type { SandboxView } from '../protocol.ts';
import { Blocks } from './blocks/blocks.tsx';
import { SurfaceProvider } from './blocks/surface.tsx';
import type { AnyBlock } from './blocks/types.ts';
import { useDirectory } from './directory.tsx';
import type { HomeTab } from './route.ts';
import { Avatar } from './ui/avatar.tsx';

const TABS: readonly { id: HomeTab; label: string }[] = [
  { id: 'home', label: 'Home' },
  { id: 'messages', label: 'Messages' },
  { id: 'about', label: 'About' },
];

export function AppTabs({ tab, onTab }: { tab: HomeTab; onTab: (tab: HomeTab, byKey: boolean) => void }) {
  return (
    <div
      role="tablist"
      aria-label="App pages"
      className="tabs"
      onKeyDown={(event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (!step) return;
        const at = TABS.findIndex(({ id }) => id === tab);
        const next = TABS[(at + step + TABS.length) % TABS.length];
        if (!next) return;
        onTab(next.id, true);
        document.getElementById(`tab-${next.id}`)?.focus();
      }}
    >
      {TABS.map(({ id, label }) => (
        <button
          key={id}
          id={`tab-${id}`}
          type="button"
          role="tab"
          aria-selected={tab === id}
          tabIndex={tab === id ? 0 : -1}
          onClick={() => onTab(id, false)}
        >
          {label}
        </button>
      ))}
    </div>
  );
}

export function HomeTabView({
  view,
  onOpened,
}: {
  view: SandboxView | null | undefined;
  onOpened: () => void;
}) {
  const directory = useDirectory();
  const { app } = directory.state;
  useEffect(() => onOpened(), [onOpened]);
  if (view === undefined) return <Empty title="Opening…">The app is told that its Home was opened.</Empty>;
  if (view === null)
    return (
      <Empty title={`${app.name} has published no Home yet`}>
        {app.connected
          ? 'It was told that the Home was opened; what it publishes appears here at once.'
          : 'The bot is not connected.'}
      </Empty>
    );
  const blocks = view.blocks as AnyBlock[];
  return (
    <div className="home-scroll">
      <div className="home">
        <SurfaceProvider kind="home" user={directory.viewer} place={{ view_id: view.id }} blocks={blocks}>
          <Blocks blocks={blocks} />
        </SurfaceProvider>
      </div>
    </div>
  );
}

export function AboutTab() {
  const { state, user } = useDirectory();
  const { app } = state;
  const shortcuts = [
    ...app.message_shortcuts.map((shortcut) => ({ ...shortcut, kind: 'Message shortcut' })),
    ...app.global_shortcuts.map((shortcut) => ({ ...shortcut, kind: 'Shortcut' })),
  ];
  return (
    <div className="home-scroll">
      <div className="home about">
        <header className="about-head">
          <Avatar user={user(app.bot_user)} size={56} />
          <div>
            <h2>{app.name}</h2>
            <p>{app.connected ? 'Connected to this workspace' : 'Installed, but the bot is not connected'}</p>
          </div>
        </header>
        <h3>Commands</h3>
        {app.commands.length === 0 && <p className="muted">The app's manifest names no command.</p>}
        <dl>
          {app.commands.map((command) => (
            <div key={command.command} className="about-entry">
              <dt>
                <code>{command.command}</code> <span className="muted">{command.usage_hint}</span>
              </dt>
              <dd>{command.description}</dd>
            </div>
          ))}
        </dl>
        {shortcuts.length > 0 && <h3>Shortcuts</h3>}
        <dl>
          {shortcuts.map((shortcut) => (
            <div key={shortcut.callback_id} className="about-entry">
              <dt>
                {shortcut.name} <span className="muted">{shortcut.kind}</span>
              </dt>
              <dd>{shortcut.description}</dd>
            </div>
          ))}
        </dl>
      </div>
    </div>
  );
}

export function Empty({ title, children }: { title: string; children: ReactNode }) {
  return (
    <div className="empty">
      <h2>{title}</h2>
      <p>{children}</p>
    </div>
  );
}
