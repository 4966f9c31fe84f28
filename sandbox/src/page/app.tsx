import { useCallback, useEffect, useMemo, useRef, useState } from 'react';
import type { SandboxFile } from '../protocol.ts';
import { Conversation } from './conversation.tsx';
import { DirectoryProvider, useDirectory } from './directory.tsx';
import { FaultPanel } from './faults.tsx';
import { AboutTab, AppTabs, Empty, HomeTabView } from './home.tsx';
import type { Notice } from './message.tsx';
import { ModalStack } from './modal.tsx';
import { FilePreview } from './preview.tsx';
import { type HomeTab, useRoute } from './route.ts';
import { Sidebar } from './sidebar.tsx';
import { Avatar } from './ui/avatar.tsx';
import { Icon } from './ui/icons.tsx';
import { useUnread } from './unread.ts';
import { useWorkspace, type Workspace, type WorkspaceControls } from './workspace.ts';

const ACTING_AS = 'sandbox.acting-as';

/** Whom the page acts as: the link says it, else the last choice, else the workspace's first person. */
export function App() {
  const [route, go] = useRoute();
  const [workspace, controls] = useWorkspace(route.as);
  useEffect(() => {
    if (route.as) {
      localStorage.setItem(ACTING_AS, route.as);
      return;
    }
    const people = workspace.state?.users.filter(({ is_bot }) => !is_bot) ?? [];
    const last = localStorage.getItem(ACTING_AS);
    const chosen = people.find(({ id }) => id === last) ?? people[0];
    if (chosen) go({ as: chosen.id });
  }, [route.as, workspace.state, go]);

  if (!workspace.state || !workspace.user)
    return (
      <main className="starting">
        <Empty title={workspace.failure ? 'The sandbox does not answer' : 'Opening the workspace…'}>
          {workspace.failure ?? 'One moment.'}
        </Empty>
      </main>
    );
  return (
    <Loaded
      key={workspace.user}
      workspace={{ ...workspace, state: workspace.state }}
      viewer={workspace.user}
      controls={controls}
    />
  );
}

function Loaded(props: {
  workspace: Workspace & { state: NonNullable<Workspace['state']> };
  viewer: string;
  controls: WorkspaceControls;
}) {
  const { workspace, viewer, controls } = props;
  const { state } = workspace;
  const [route, go] = useRoute();
  const [file, setFile] = useState<SandboxFile>();
  const [drawer, setDrawer] = useState(false);
  const [faults, setFaults] = useState(false);
  const [notices, setNotices] = useState<Notice[]>([]);
  const nextNotice = useRef(1);
  const [asked, setAsked] = useState(0);
  const [focus, setFocus] = useState(1);

  const dm = state.channels.find(({ is_im, members }) => is_im && members.includes(state.app.bot_user));
  const channels = useMemo(() => state.channels.filter(({ is_im }) => !is_im), [state.channels]);
  const wanted = route.place?.replace(/^#/, '');
  const named = state.channels.find(({ id, name }) => id === wanted || (name !== '' && name === wanted));
  // A link to the app's own conversation shows it where it lives: under the app's Messages tab.
  const isDm = dm !== undefined && named?.id === dm.id;
  const place =
    wanted === 'app' || isDm ? 'app' : (named?.id ?? (wanted ? undefined : firstChannel(channels)));
  const tab: HomeTab = isDm ? 'messages' : route.tab;
  const open =
    place === 'app' ? (tab === 'messages' ? dm : undefined) : channels.find(({ id }) => id === place);
  const unread = useUnread(workspace, open?.id);

  const show = useCallback(
    (change: Parameters<typeof go>[0], takesFocus = true) => {
      setDrawer(false);
      setFocus((before) => (takesFocus ? before + 1 : 0));
      go({ thread: undefined, ...change });
    },
    [go],
  );
  const openChannel = useCallback((id: string) => show({ place: id }), [show]);
  const openFile = useCallback((chosen: SandboxFile) => setFile(chosen), []);
  const onAsk = useCallback(() => setAsked((before) => before + 1), []);
  const onNotice = useCallback((notice: Omit<Notice, 'id' | 'ts'>) => {
    const id = nextNotice.current;
    nextNotice.current += 1;
    setNotices((all) => [...all.slice(-20), { ...notice, id, ts: (Date.now() / 1000).toFixed(6) }]);
  }, []);
  const onDismiss = useCallback(
    (notice: Notice) => setNotices((all) => all.filter(({ id }) => id !== notice.id)),
    [],
  );

  const title = open && !open.is_im ? `#${open.name}` : state.app.name;
  useEffect(() => {
    document.title = `${title} · ${state.team.name}`;
  }, [title, state.team.name]);

  const conversation = open && (
    <Conversation
      channel={open}
      messages={workspace.messages[open.id]}
      loaded={workspace.loaded[open.id] === true}
      notices={notices}
      onNotice={onNotice}
      onDismiss={onDismiss}
      readUpTo={unread.mark}
      thread={route.thread}
      onThread={(ts) => go({ place: place, tab, thread: ts })}
      loadThread={controls.loadThread}
      asked={asked}
      focus={focus}
    />
  );

  return (
    <DirectoryProvider
      viewer={viewer}
      state={state}
      openChannel={openChannel}
      openFile={openFile}
      onAsk={onAsk}
    >
      <div className={`shell${drawer ? ' shell-drawer' : ''}${route.thread && open ? ' shell-thread' : ''}`}>
        <Sidebar
          place={place}
          tab={tab}
          link={workspace.link}
          unread={unread.counts}
          dm={dm}
          onOpen={openChannel}
          onOpenApp={(next) => show({ place: 'app', tab: next })}
          onActAs={(user) => show({ as: user })}
          onFaults={() => {
            setDrawer(false);
            setFaults(true);
          }}
        />
        {drawer && (
          <button
            type="button"
            className="drawer-shade"
            aria-label="Close channel list"
            onClick={() => setDrawer(false)}
          />
        )}
        <main className="pane">
          <PaneHead
            channel={open && !open.is_im ? open : undefined}
            onMenu={() => setDrawer(true)}
            unreadElsewhere={Object.values(unread.counts).some((count) => count > 0)}
          />
          {place === 'app' && (
            <AppTabs tab={tab} onTab={(next, byKey) => show({ place: 'app', tab: next }, !byKey)} />
          )}
          {!state.app.connected && workspace.link === 'live' && (
            <div className="banner" role="status">
              <Icon name="warning" /> The bot is not connected. Commands and buttons fail until one is started
              against this sandbox.
            </div>
          )}
          {workspace.link === 'lost' && (
            <div className="banner" role="status">
              <Icon name="warning" /> The line to the sandbox is cut. Trying again…
            </div>
          )}
          {workspace.failure && (
            <div className="banner" role="alert">
              <Icon name="warning" /> {workspace.failure}
            </div>
          )}
          <div className="pane-columns">
            {conversation}
            {place === 'app' && tab === 'home' && (
              <HomeTabView view={workspace.home} onOpened={controls.openHome} />
            )}
            {place === 'app' && tab === 'about' && <AboutTab />}
            {!conversation && place === 'app' && tab === 'messages' && (
              <Empty title="No conversation with the app">It has opened none with you.</Empty>
            )}
            {place === undefined && (
              <Empty title={wanted ? 'You cannot see this place' : 'No channels'}>
                {wanted
                  ? `There is no channel “${wanted}” for ${state.users.find(({ id }) => id === viewer)?.real_name ?? viewer}. Choose one from the list, or act as somebody else.`
                  : 'This person is a member of no channel.'}
              </Empty>
            )}
          </div>
        </main>
      </div>
      <ModalStack views={workspace.views} />
      {file && <FilePreview file={file} onClose={() => setFile(undefined)} />}
      {faults && <FaultPanel onClose={() => setFaults(false)} />}
    </DirectoryProvider>
  );
}

/** The first channel in which the app can be tried, rather than the one where everybody chats. */
function firstChannel(channels: readonly { id: string; name: string }[]): string | undefined {
  return (channels.find(({ name }) => name !== 'general') ?? channels[0])?.id;
}

function PaneHead(props: {
  channel: { name: string; topic: string; is_private: boolean; members: string[] } | undefined;
  onMenu: () => void;
  unreadElsewhere: boolean;
}) {
  const { state, user } = useDirectory();
  const { channel } = props;
  const members = channel?.members ?? [];
  return (
    <header className="pane-head">
      <button
        type="button"
        className="icon-button drawer-button"
        aria-label={props.unreadElsewhere ? 'Channel list, unread messages' : 'Channel list'}
        onClick={props.onMenu}
      >
        <Icon name="menu" />
        {props.unreadElsewhere && <span className="unread-dot" />}
      </button>
      {channel ? (
        <>
          <div className="pane-title">
            <h1>
              <Icon name={channel.is_private ? 'lock' : 'hash'} size={18} />
              {channel.name}
            </h1>
            <span className="pane-topic">{channel.topic}</span>
          </div>
          <span className="members" title={members.map((id) => user(id)?.real_name ?? id).join(', ')}>
            {members.slice(0, 3).map((id) => (
              <Avatar key={id} user={user(id)} size={22} />
            ))}
            <span>
              {members.length}
              <span className="visually-hidden"> members</span>
            </span>
          </span>
        </>
      ) : (
        <div className="pane-title">
          <h1>
            <Avatar user={user(state.app.bot_user)} size={22} />
            {state.app.name}
          </h1>
          <span className="pane-topic">App</span>
        </div>
      )}
    </header>
  );
}
