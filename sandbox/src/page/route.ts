/** What is on screen, kept in the URL's hash so that every screen can be linked to: `#/C0LINE3?as=U0ADA&thread=…`. */
import { useCallback, useSyncExternalStore } from 'react';

export type HomeTab = 'home' | 'messages' | 'about';

export interface Route {
  /** A channel's id or name; `app` for the app's own pages; undefined before anything was chosen. */
  place: string | undefined;
  tab: HomeTab;
  as: string | undefined;
  thread: string | undefined;
}

function parseRoute(hash: string): Route {
  const [path = '', search = ''] = hash.replace(/^#\/?/, '').split('?', 2);
  const [place, tab] = path.split('/').map((part) => decodeURIComponent(part));
  const parameters = new URLSearchParams(search);
  return {
    place: place || undefined,
    tab: tab === 'messages' || tab === 'about' ? tab : 'home',
    as: parameters.get('as') ?? undefined,
    thread: parameters.get('thread') ?? undefined,
  };
}

function formatRoute(route: Route): string {
  const parameters = new URLSearchParams();
  if (route.as) parameters.set('as', route.as);
  if (route.thread) parameters.set('thread', route.thread);
  const path = [route.place ?? '', ...(route.place === 'app' ? [route.tab] : [])]
    .map(encodeURIComponent)
    .join('/');
  const search = parameters.toString();
  return `#/${path}${search ? `?${search}` : ''}`;
}

const subscribe = (listener: () => void) => {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
};

export function useRoute(): [Route, (change: Partial<Route>) => void] {
  const hash = useSyncExternalStore(subscribe, () => window.location.hash);
  const go = useCallback((change: Partial<Route>) => {
    const next = formatRoute({ ...parseRoute(window.location.hash), ...change });
    if (next !== window.location.hash) window.location.hash = next;
  }, []);
  return [parseRoute(hash), go];
}
