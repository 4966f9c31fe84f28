import { describe, expect, it } from 'vitest';
import { adviceForCompilation, guidanceForTraining } from '../../src/domain/failure-guidance.ts';
import { NEO_WORDINGS, TRAINING_WORDINGS, type TrainingWording } from '../fixtures/failure-wordings.ts';

const label = ({ id, reason, log, logs }: TrainingWording): string =>
  `${id}: ${(log ?? (logs ? Object.values(logs)[0]![0]![1] : reason))!.split('\n').at(-1)!.slice(0, 70)}`;

describe('[C7] failures in the wild get their own row', () => {
  it.each(TRAINING_WORDINGS.map((wording) => ({ ...wording, label: label(wording) })))(
    '$label',
    ({ id, reason, log, logs, exception, exitCode }) => {
      const guidance = guidanceForTraining({
        state: 'failed',
        failureReason: reason,
        logEnd: log,
        ...(logs
          ? {
              logEnds: Object.entries(logs).map(([stream, lines]) => ({
                stream,
                text: lines.map(([, text]) => text).join('\n'),
                times: lines.map(([seconds]) => seconds * 1000),
              })),
            }
          : {}),
      });
      expect(guidance?.id).toBe(id);
      if (exception !== undefined) expect(guidance?.traceback?.exception ?? 'none').toBe(exception);
      if (exitCode !== undefined) expect(guidance?.exitCode).toBe(exitCode);
    },
  );

  it.each(NEO_WORDINGS)('%s: %s', (id, reason) => {
    expect(adviceForCompilation('FAILED', reason).id).toBe(id);
  });

  it('are more than a hundred, with words among them that merely occur', () => {
    expect(TRAINING_WORDINGS.length + NEO_WORDINGS.length).toBeGreaterThan(100);
    expect(TRAINING_WORDINGS.filter(({ near }) => near).length).toBeGreaterThanOrEqual(12);
  });
});
