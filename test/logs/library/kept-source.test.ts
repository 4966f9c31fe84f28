import { readFile, writeFile } from 'node:fs/promises';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AppError } from '../../../src/ground/errors.ts';
import { readLogEnds } from '../../../src/operations/log-end.ts';
import { CountedService, type Lab, MINUTE, NOW, openLab, stream, textOf, whole } from './lab.ts';

let lab: Lab;
beforeEach(async () => {
  lab = await openLab();
});
afterEach(() => lab.close());

const range = { now: NOW, failed: true };

describe('[L11] the end of a log that is kept', () => {
  it('costs one event, and is what the service would have said', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 90 }), fc.constantFrom(1, 20, 1000)), {
          minLength: 1,
          maxLength: 4,
        }),
        fc.constantFrom(1, 200, 2_000_000),
        fc.option(
          fc.record({ most: fc.integer({ min: 2, max: 30 }), enough: fc.integer({ min: 1, max: 60 }) }),
        ),
        fc.option(fc.integer({ min: 0, max: 90_000 })),
        async (shapes, pieceBytes, events, before) => {
          const streams = shapes.map(([count, every], i) => stream(`algo-${i + 1}`, count, every));
          const service = new CountedService(streams, { pageEvents: 1000 });
          const engine = lab.engine({ pieceBytes });
          const edition = `${Math.random()}`;
          await textOf(engine.download(whole(service, { keep: { edition, endedAt: NOW - 60 * MINUTE } })));
          const asked = {
            ...range,
            ...(events ? { events } : {}),
            ...(before === null ? {} : { from: NOW - 61 * MINUTE, to: NOW - 60 * MINUTE - before }),
          };
          const expected = await readLogEnds(service, asked);
          Object.assign(service, { pages: 0, checks: 0 });
          expect(await readLogEnds(engine.kept!(service, edition), asked)).toEqual(expected);
          expect([service.pages, service.checks]).toEqual([0, 1]);
        },
      ),
      { numRuns: 100 },
    );
  });

  it('comes from the service while the job runs, where nothing is kept, or of another log of the name', async () => {
    const service = new CountedService([stream('algo-1', 300)]);
    const engine = lab.engine();
    const expected = await readLogEnds(service, range);
    const fromService = async (edition: string): Promise<void> => {
      service.pages = 0;
      expect(await readLogEnds(engine.kept!(service, edition), range)).toEqual(expected);
      expect(service.pages).toBeGreaterThan(0);
    };
    await fromService('1');
    await textOf(engine.download(whole(service, { keep: { edition: '1', endedAt: undefined } })));
    await fromService('1');
    await textOf(engine.download(whole(service, { keep: { edition: '2', endedAt: NOW - 60 * MINUTE } })));
    await fromService('1');
    expect(lab.problems).toEqual([]);
  });

  it('is refused to whom the service refuses it', async () => {
    const service = new CountedService([stream('algo-1', 300)]);
    const engine = lab.engine();
    await textOf(engine.download(whole(service)));
    service.beforePage = () => {
      throw new AppError('permission_denied', 'not allowed');
    };
    await expect(readLogEnds(engine.kept!(service, '1'), range)).rejects.toMatchObject({
      code: 'permission_denied',
    });
  });

  it('comes from the service where what is kept is damaged, and this is said', async () => {
    const service = new CountedService([stream('algo-1', 300)]);
    const engine = lab.engine();
    const expected = await readLogEnds(service, range);
    await textOf(engine.download(whole(service)));
    for (const { path } of await lab.kept())
      if (!path.endsWith('manifest')) {
        const bytes = await readFile(path);
        bytes[bytes.length >> 1]! ^= 1;
        await writeFile(path, bytes);
      }
    service.pages = 0;
    expect(await readLogEnds(engine.kept!(service, '1'), range)).toEqual(expected);
    expect(service.pages).toBeGreaterThan(0);
    expect(lab.problems).toHaveLength(1);
  });
});
