/** Lists that come in pages, each asked for with a token from the one before. */

/** As AWS's services call it, in either letter case. */
interface Page {
  NextToken?: string | undefined;
  nextToken?: string | undefined;
}

/** Pages until there is no further token; an empty page is not the end, a token that comes back is. */
export async function* paged<T extends Page>(
  ask: (token: string | undefined) => Promise<T>,
): AsyncGenerator<T> {
  let token: string | undefined;
  do {
    const page: T = await ask(token);
    yield page;
    const next = (page.NextToken ?? page.nextToken) || undefined;
    token = next === token ? undefined : next;
  } while (token !== undefined);
}
