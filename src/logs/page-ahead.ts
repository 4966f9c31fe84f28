/**
 * One page ahead: in a chain that is read in sequence, the next page is asked for as soon as its token is known, so that the
 * source works on it while this side works on the page before.
 */
import type { LogPage } from '../ports/log-source.ts';

/** A page that has been asked for before its turn. */
export interface PageAhead {
  token: string;
  page: Promise<LogPage>;
  /** It is somebody's: the page after it may be asked for. */
  take: () => void;
}

/** The part of a chain that this needs. */
interface Ahead {
  readonly token: string | undefined;
  over: boolean;
  ahead: PageAhead | undefined;
}

/** Sends the request for a page. @param onNext is to be told the token of the page after it as soon as it is known, if wanted */
type Ask = (token: string | undefined, onNext?: (token: string) => void) => Promise<LogPage>;

/** The chain's next page, which may have come already. @param mayGoOn whether to ask for another one ahead */
export function nextPage(chain: Ahead, ask: Ask, mayGoOn: () => boolean): Promise<LogPage> {
  const askAhead = (token: string): void => {
    if (chain.over || !mayGoOn()) return;
    let next: string | undefined;
    let isTaken = false;
    const page = ask(token, (found) => {
      if (isTaken) askAhead(found);
      else next = found;
    });
    // Whoever takes it sees its failure.
    page.catch(() => undefined);
    chain.ahead = {
      token,
      page,
      take: () => {
        isTaken = true;
        if (next !== undefined) askAhead(next);
      },
    };
  };
  const { ahead } = chain;
  if (ahead && ahead.token === chain.token) {
    chain.ahead = undefined;
    ahead.take();
    return ahead.page;
  }
  dropAhead(chain);
  return ask(chain.token, mayGoOn() ? askAhead : undefined);
}

/** Gives back the page that nobody will take. */
export function dropAhead(chain: Ahead): void {
  void chain.ahead?.page.then((page) => page.release?.()).catch(() => undefined);
  chain.ahead = undefined;
}
