/** What a caller gets of a download: the file, its facts, and what removes it. */

import type { LogDownload, LogDownloadRequest, LogFacts, LogFile } from '../ports/log-engine.ts';
import type { LogStreamInfo } from '../ports/log-source.ts';
import type { MergeTotals } from './merge.ts';
import { Output } from './write.ts';

export function outputOf(
  request: LogDownloadRequest,
  of: { dir: string; streams: readonly LogStreamInfo[]; expectedBytes: () => number },
): Output {
  return new Output({
    dir: of.dir,
    fileName: request.fileName,
    out: request.out,
    gzipAbove: request.gzipAbove ?? Number.POSITIVE_INFINITY,
    partLimit: request.partLimit ?? Number.POSITIVE_INFINITY,
    header: request.header,
    widestFacts: widestFacts(of.streams),
    expectedBytes: of.expectedBytes,
  });
}

/** @param totals whose `perStream` is in the order of the streams */
export function factsOf(totals: MergeTotals, streams: readonly LogStreamInfo[], textBytes: number): LogFacts {
  return {
    events: totals.events,
    textBytes,
    firstEventAt: totals.first,
    lastEventAt: totals.last,
    streams: streams.map(({ name, shortName }, i) => ({ name, shortName, events: totals.perStream[i]! })),
  };
}

/** @param how.remove takes the files away; left out: they are the caller's */
export function downloadOf(
  facts: LogFacts,
  files: readonly LogFile[],
  how: { resumed: boolean; notes: readonly string[]; remove: (() => Promise<void>) | undefined },
): LogDownload {
  let disposed: Promise<void> | undefined;
  return {
    facts,
    files,
    resumed: how.resumed,
    notes: how.notes,
    dispose: () => {
      disposed ??= how.remove?.() ?? Promise.resolve();
      return disposed;
    },
  };
}

/** Numbers and times at their widest, to find out how much room the header needs at most. */
function widestFacts(streams: readonly LogStreamInfo[]): LogFacts {
  const events = 999_999_999_999;
  // A two-digit month, day and hour: no time is written longer.
  const time = Date.UTC(2026, 11, 23, 23, 59, 59, 999);
  return {
    events,
    textBytes: 99_999_999_999_999,
    firstEventAt: time,
    lastEventAt: time,
    streams: streams.map(({ name, shortName }) => ({ name, shortName, events })),
  };
}
