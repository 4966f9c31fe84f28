import { RE2JS } from 're2js';
import { describe, expect, it } from 'vitest';
import { patternOf } from '../../src/domain/metric-definitions.ts';

const found = (regex: string, line: string): string | undefined => {
  const { pattern } = patternOf({ name: 'm', regex }) ?? {};
  const matcher = pattern === undefined ? undefined : RE2JS.compile(pattern).matcher(line);
  return matcher?.find() ? (matcher.group('value') ?? undefined) : undefined;
};

describe('[W8] a metric definition of SageMaker', () => {
  it.each([
    // Of its own XGBoost image, of its documentation, and of what people write.
    ['.*\\[[0-9]+\\].*#011train-rmse:([-+]?[0-9]*\\.?[0-9]+).*', '[12]#011train-rmse:0.125', '0.125'],
    ['Train_error=(.*?);', 'Train_error=0.138318; Valid_error = 0.324557;', '0.138318'],
    ['loss: (?P<loss>[0-9\\.]+)', 'loss: 0.5', '0.5'],
    ['(?:eval|test)_acc=([0-9.]+)', 'test_acc=0.9', '0.9'],
    ['[(]acc[)] ([0-9.]+)', '(acc) 0.7', '0.7'],
    ['[])(]x=(\\d+)', ')x=4', '4'],
    ['\\(best\\) (\\S+)', '(best) 1e-3', '1e-3'],
  ])('%s finds its first group', (regex, line, value) => {
    expect(found(regex, line)).toBe(value);
  });

  it.each(['no group', 'a(?=b)c', '(?<!x)y=(\\d)', '(a)\\1', '[(]'])(
    'is left out where it cannot be used: %s',
    (regex) => {
      expect(patternOf({ name: 'm', regex })).toBeUndefined();
    },
  );
});
