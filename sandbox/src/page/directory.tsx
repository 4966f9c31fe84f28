/** Names for ids, everywhere in the tree. */
import { createContext, type ReactNode, useContext, useMemo } from 'react';
import type {
  SandboxChannel,
  SandboxFile,
  SandboxUser,
  SandboxUserGroup,
  WorkspaceState,
} from '../protocol.ts';

export interface Directory {
  /** Who is looking. */
  viewer: string;
  state: WorkspaceState;
  user(id: string): SandboxUser | undefined;
  channel(id: string): SandboxChannel | undefined;
  group(id: string): SandboxUserGroup | undefined;
  openChannel(id: string): void;
  openFile(file: SandboxFile): void;
  /** To be called when the viewer sends something from a modal: its answer is shown when it comes. */
  onAsk(): void;
}

const DirectoryContext = createContext<Directory | null>(null);

export function DirectoryProvider(props: {
  viewer: string;
  state: WorkspaceState;
  openChannel: (id: string) => void;
  openFile: (file: SandboxFile) => void;
  onAsk: () => void;
  children: ReactNode;
}) {
  const { viewer, state, openChannel, openFile, onAsk } = props;
  const directory = useMemo<Directory>(() => {
    const users = new Map(state.users.map((user) => [user.id, user]));
    const channels = new Map(state.channels.map((channel) => [channel.id, channel]));
    const groups = new Map(state.usergroups.map((group) => [group.id, group]));
    return {
      viewer,
      state,
      user: (id) => users.get(id),
      channel: (id) => channels.get(id),
      group: (id) => groups.get(id),
      openChannel,
      openFile,
      onAsk,
    };
  }, [viewer, state, openChannel, openFile, onAsk]);
  return <DirectoryContext value={directory}>{props.children}</DirectoryContext>;
}

export function useDirectory(): Directory {
  const directory = useContext(DirectoryContext);
  if (!directory) throw new Error('useDirectory needs a DirectoryProvider above it');
  return directory;
}
