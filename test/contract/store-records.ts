/** Records as stores keep them. */

import {
  applyObservation,
  type CompilationAttempt,
  type CompilationObservation,
  newAttempt,
} from '../../src/domain/compilations.ts';
import type { Component } from '../../src/domain/components.ts';
import type { JobRecord } from '../../src/domain/job-records.ts';
import { sageMakerState } from '../../src/domain/sagemaker-states.ts';
import type { AuditRecord } from '../../src/ports/audit-trail.ts';

export const AT = 1_763_715_000_000;

export function record(changes: Partial<AuditRecord> = {}): AuditRecord {
  return {
    at: AT,
    actor: { team: 'T0LINE', user: 'U0ADA' },
    action: 'logs.downloaded',
    useCase: 'line-3',
    subject: 'train-resnet',
    sessionName: 'logs-U0ADA.T0LINE-mi8x0aaa',
    detail: { events: 12, gzipped: false, by: 'command' },
    ...changes,
  };
}

export function jobRecord(name: string, changes: Partial<JobRecord['job']> = {}): JobRecord {
  return {
    job: {
      name,
      useCase: 'line-3',
      provider: 'sagemaker',
      ...sageMakerState('Completed'),
      createdAt: AT,
      modelArtifact: `s3://line-3-models/${name}/model.tar.gz`,
      hyperparameters: { epochs: '10', note: '<!channel> `\u0000 \u2028 😀' },
      ...changes,
    },
    seenAt: AT + 1,
    card: { channel: 'C0LINE3', ts: '1763715000.000100' },
  };
}

let ids = 0;

export function attempt(changes: Partial<CompilationAttempt> = {}): CompilationAttempt {
  ids += 1;
  return newAttempt({
    id: `attempt-${ids}`,
    useCase: 'line-3',
    job: 'train-resnet',
    target: 'jetson-xavier',
    compilationJob: `train-resnet-jetson-xavier-${ids}`,
    startedBy: { team: 'T0LINE', user: 'U0ADA' },
    why: 'manual',
    askedAt: AT + ids,
    ...changes,
  });
}

/** For `changeAttempt`: what SageMaker reports. */
export function seen(status: string, at = AT + 10_000) {
  const observation: CompilationObservation = {
    kind: 'status',
    at,
    status,
    ...(status === 'FAILED' ? { failureReason: 'ClientError: `boom`' } : {}),
    ...(status === 'COMPLETED' ? { artifact: 's3://line-3-models/compiled/x.tar.gz' } : {}),
  };
  return (before: CompilationAttempt): CompilationAttempt => applyObservation(before, observation);
}

export function component(version: string, changes: Partial<Component> = {}): Component {
  return {
    useCase: 'line-3',
    chain: {
      trainingJob: 'train-resnet',
      target: 'jetson-xavier',
      attempt: 'attempt-0',
      compilationJob: 'train-resnet-jetson-xavier-0',
      component: { name: 'model-resnet-jetson-xavier', version },
    },
    state: 'REQUESTED',
    createdAt: AT,
    ...changes,
  };
}
