/** What the seeds of SageMaker's other kinds of work have in common. */
import type { EpochMs } from '#sandbox';
import { type LogScript, type LogStreamSeed, scripted, type WorkTransition } from '#sandbox/seeds';
import { SECOND } from '../job-maker.ts';
import { LINE_3 } from '../line-3.ts';

export const ARN = `arn:aws:sagemaker:${LINE_3.region}:${LINE_3.account}`;
export const DATA = `s3://${LINE_3.bucket}`;

/** A stream whose lines are written when they are first read. */
export const stream = (
  name: string,
  start: EpochMs,
  seed: number,
  write: (script: LogScript) => void,
): LogStreamSeed => ({ name, createdAt: start - SECOND, series: scripted(start, seed, write) });

/** As machines write their time into a stream's name. */
export const epoch = (at: EpochMs): number => Math.floor(at / 1000);

/** The way of a processing or transform job: asked for, begun, ended. Left out: it runs. */
export function jobWay(
  createdAt: EpochMs,
  begunAt: EpochMs,
  ended?: { at: EpochMs; as: 'Completed' | 'Failed' | 'Stopped' },
): WorkTransition[] {
  return [
    { at: createdAt, status: 'InProgress', secondary: 'Starting' },
    { at: begunAt, status: 'InProgress', secondary: 'Running' },
    ...(ended === undefined ? [] : [{ at: ended.at, status: ended.as, secondary: ended.as }]),
  ];
}
