/** REST-JSON: an operation is a method and a path with named segments; its input comes from path, query and body. */

export interface RestRoute {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  /** `/greengrass/v2/components/{arn}/versions`: a name stands for one segment. */
  path: string;
  operation: string;
  /** HTTP status of success; default 200. */
  status?: number;
}

/** @returns undefined when no route fits */
export function findRoute(
  routes: readonly RestRoute[],
  method: string,
  url: string,
): { route: RestRoute; input: Record<string, unknown> } | undefined {
  const [path = '', query = ''] = url.split('?');
  const segments = path.split('/');
  for (const route of routes) {
    if (route.method !== method) continue;
    const names = route.path.split('/');
    if (names.length !== segments.length) continue;
    const input: Record<string, unknown> = {};
    const fits = names.every((name, index) => {
      const segment = segments[index]!;
      if (!name.startsWith('{')) return name === segment;
      input[name.slice(1, -1)] = decode(segment);
      return segment !== '';
    });
    if (!fits) continue;
    for (const [name, value] of new URLSearchParams(query)) {
      // Numbers have no type of their own in a query.
      input[name] = /^max[A-Z]/.test(name) && /^-?\d+$/.test(value) ? Number(value) : value;
    }
    return { route, input };
  }
  return undefined;
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    // Not percent-encoded: it names what it says.
    return segment;
  }
}
