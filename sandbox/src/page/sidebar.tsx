import type { ReactNode } from 'react';
import type { SandboxChannel } from '../protocol.ts';
import { useDirectory } from './directory.tsx';
import { Avatar } from './ui/avatar.tsx';
import { Icon } from './ui/icons.tsx';
import { MenuButton } from './ui/menu.tsx';
import type { Link } from './workspace.ts';

function Entry(props: {
  current: boolean;
  unread: number;
  label: string;
  icon: ReactNode;
  badge?: ReactNode;
  onOpen: () => void;
}) {
  return (
    <li>
      <button
        type="button"
        className={`side-entry${props.unread > 0 ? ' side-entry-unread' : ''}`}
        aria-current={props.current ? 'page' : undefined}
        onClick={props.onOpen}
      >
        {props.icon}
        <span className="side-name">{props.label}</span>
        {props.badge}
        {props.unread > 0 && (
          <span className="unread-count">
            {props.unread}
            <span className="visually-hidden"> unread</span>
          </span>
        )}
      </button>
    </li>
  );
}

export interface SidebarProps {
  place: string | undefined;
  tab: string;
  link: Link;
  unread: Readonly<Record<string, number>>;
  dm: SandboxChannel | undefined;
  onOpen: (id: string) => void;
  onOpenApp: (tab: 'home' | 'messages') => void;
  onActAs: (user: string) => void;
  onFaults: () => void;
}

export function Sidebar(props: SidebarProps) {
  const directory = useDirectory();
  const { state } = directory;
  const me = directory.user(directory.viewer);
  const app = directory.user(state.app.bot_user);
  const people = state.users.filter(({ is_bot }) => !is_bot);
  const { connected } = state.app;
  return (
    <nav className="sidebar" aria-label="Workspace">
      <header className="side-head">
        <div className="side-team">
          <strong>{state.team.name}</strong>
          <span
            className={`link-state link-${props.link === 'live' ? (connected ? 'on' : 'off') : 'wait'}`}
            role="status"
          >
            <span className="link-dot" aria-hidden="true" />
            {props.link === 'live'
              ? connected
                ? `${state.app.name} is connected`
                : 'Bot not connected'
              : props.link === 'lost'
                ? 'Reconnecting…'
                : 'Connecting…'}
          </span>
        </div>
        <MenuButton
          className="icon-button side-button"
          label="Sandbox menu"
          align="end"
          items={[
            {
              key: 'faults',
              label: 'Inject faults…',
              note: 'Errors, delays, cut lines',
              onSelect: props.onFaults,
            },
            {
              key: 'home',
              label: `Open ${state.app.name}'s Home`,
              onSelect: () => props.onOpenApp('home'),
            },
          ]}
        >
          <Icon name="dots" />
        </MenuButton>
      </header>
      <div className="side-lists">
        <h2>Channels</h2>
        <ul>
          {state.channels
            .filter(({ is_im }) => !is_im)
            .map((channel) => (
              <Entry
                key={channel.id}
                current={props.place === channel.id}
                unread={props.unread[channel.id] ?? 0}
                label={channel.name}
                icon={<Icon name={channel.is_private ? 'lock' : 'hash'} size={16} />}
                onOpen={() => props.onOpen(channel.id)}
              />
            ))}
        </ul>
        {props.dm && (
          <>
            <h2>Direct messages</h2>
            <ul>
              <Entry
                current={props.place === 'app' && props.tab === 'messages'}
                unread={props.unread[props.dm.id] ?? 0}
                label={state.app.name}
                icon={<Avatar user={app} size={20} />}
                badge={
                  <span
                    className={`presence${connected ? ' presence-on' : ''}`}
                    title={connected ? 'Connected' : 'Not connected'}
                  />
                }
                onOpen={() => props.onOpenApp('messages')}
              />
            </ul>
          </>
        )}
        <h2>Apps</h2>
        <ul>
          <Entry
            current={props.place === 'app' && props.tab !== 'messages'}
            unread={0}
            label={state.app.name}
            icon={<Avatar user={app} size={20} />}
            onOpen={() => props.onOpenApp('home')}
          />
        </ul>
      </div>
      <footer className="side-foot">
        <MenuButton
          className="act-as"
          label={`Acting as ${me?.real_name ?? directory.viewer} ${me?.title ?? ''}. Act as somebody else`}
          above
          heading="Act as"
          items={people.map((user) => ({
            key: user.id,
            checked: user.id === directory.viewer,
            label: (
              <span className="choice-person">
                <Avatar user={user} size={28} />
                <span>
                  {user.real_name}
                  <span className="menu-note">{user.title}</span>
                </span>
              </span>
            ),
            onSelect: () => props.onActAs(user.id),
          }))}
        >
          <Avatar user={me} size={32} />
          <span className="act-as-text">
            <span className="act-as-name">{me?.real_name}</span>{' '}
            <span className="act-as-title">{me?.title}</span>
          </span>
          <Icon name="chevron" size={16} />
        </MenuButton>
      </footer>
    </nav>
  );
}
