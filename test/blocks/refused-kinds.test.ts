import { describe, expect, it } from 'vitest';
import { refusedKinds } from '../../src/blocks/refused-kinds.ts';
import { textsOf } from '../slack/sandbox-client.ts';

const said = (...given: Parameters<typeof refusedKinds>): string => textsOf(refusedKinds(...given)).trim();

describe('[K1] what a role may not ask about, beside a list', () => {
  const line3 = { id: 'line-3', name: 'Line 3' };
  const line4 = { id: 'line-4', name: 'Line 4' };

  it('is named, with what is not known because of it', () => {
    expect(refusedKinds([], false)).toEqual([]);
    expect(said([{ useCase: line3, unlisted: ['transform'], onlyListed: [] }], false)).toBe(
      'Not looked at: transform jobs, because the use case’s role may not. An admin can allow it or leave them out.',
    );
    const searches = { useCase: line3, unlisted: [], onlyListed: ['processing', 'tuning'] as const };
    expect(said([searches], false)).toBe(
      'Only listed: processing jobs and tuning jobs, because the use case’s role may not look at a single one, so why one failed is not known. An admin can allow it or leave them out. What fails inside tuning jobs is not told of either.',
    );
  });

  it('says of which use case it is where there are several, and no more than a few lines', () => {
    const refused = { unlisted: ['pipeline'], onlyListed: ['job'] } as const;
    const many = [line3, line4, line3].map((useCase) => ({ useCase, ...refused }));
    const lines = said(many, true).split('\n');
    expect(lines.map((line) => line.split(': ', 2).join(': '))).toEqual([
      ...['Line 3: Not looked at', 'Line 3: Only listed'],
      ...['Line 4: Not looked at', 'Line 4: Only listed'],
      '… and more in other use cases',
    ]);
  });
});
