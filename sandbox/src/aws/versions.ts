/** Semantic versions as Greengrass compares them: order, and the requirements that dependencies make. */

/** Negative, zero or positive, as for sorting upwards. A pre-release comes before its release. */
export function compareVersions(a: string, b: string): number {
  const left = parts(a);
  const right = parts(b);
  for (let index = 0; index < 3; index++) {
    const difference = left.numbers[index]! - right.numbers[index]!;
    if (difference !== 0) return difference;
  }
  if (left.pre === right.pre) return 0;
  if (left.pre === '') return 1;
  if (right.pre === '') return -1;
  return left.pre.localeCompare(right.pre, 'en', { numeric: true });
}

/** Requirements in npm's notation: `1.2.3`, `^1.0.0`, `~1.2.0`, `>=1.0.0 <2.0.0`, `*`. */
export function satisfies(version: string, requirement: string): boolean {
  return requirement
    .trim()
    .split(/\s+/)
    .every((term) => {
      const [, operator = '', wanted = ''] = /^(\^|~|>=|<=|>|<|=|)v?(.*)$/.exec(term) ?? [];
      if (wanted === '' || wanted === '*') return true;
      const order = compareVersions(version, wanted);
      const [major, minor] = parts(version).numbers;
      const [wantedMajor, wantedMinor] = parts(wanted).numbers;
      switch (operator) {
        case '^':
          return order >= 0 && major === wantedMajor;
        case '~':
          return order >= 0 && major === wantedMajor && minor === wantedMinor;
        case '>=':
          return order >= 0;
        case '<=':
          return order <= 0;
        case '>':
          return order > 0;
        case '<':
          return order < 0;
        default:
          return order === 0;
      }
    });
}

function parts(version: string) {
  const [core = '', pre = ''] = version.replace(/\+.*$/, '').split(/-(.*)/s);
  const numbers = core.split('.').map((text) => Number.parseInt(text, 10) || 0);
  while (numbers.length < 3) numbers.push(0);
  return { numbers, pre };
}
