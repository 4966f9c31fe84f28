/**
 * Traces by OpenTelemetry: a command, the operations that it takes, and their requests to AWS and Slack, as spans of one
 * trace. Loaded only where an endpoint is configured. Work that nobody asked for begins a trace with its operation;
 * requests outside of any, such as polls of the queue, are left out.
 */
import { AsyncLocalStorage } from 'node:async_hooks';
import { randomBytes } from 'node:crypto';
import type { Observer, Work, WorkKind } from '../ground/observed.ts';
import type { Span, SpanKind, SpanSink } from './otlp.ts';

/** Kinds of work that are spans, and whether one may begin a trace. */
const SPANS: Readonly<Partial<Record<WorkKind, { kind: SpanKind; begins: boolean }>>> = {
  command: { kind: 'server', begins: true },
  operation: { kind: 'internal', begins: true },
  download: { kind: 'internal', begins: true },
  aws: { kind: 'client', begins: false },
  slack: { kind: 'client', begins: false },
};

type Open = Pick<Span, 'traceId' | 'spanId'>;

export function createTracer(sink: SpanSink, now: () => number = Date.now): Observer {
  const current = new AsyncLocalStorage<Open>();
  return {
    begin(work) {
      const shape = SPANS[work.kind];
      const parent = current.getStore();
      if (!shape || (!parent && !shape.begins)) return undefined;
      const open: Open = {
        traceId: parent?.traceId ?? randomBytes(16).toString('hex'),
        spanId: randomBytes(8).toString('hex'),
      };
      const startedAt = now();
      const since = performance.now();
      return {
        within: (run) => current.run(open, run),
        end: ({ outcome, amounts }) =>
          sink.add({
            ...open,
            parentSpanId: parent?.spanId,
            name: nameOf(work),
            kind: shape.kind,
            startedAt,
            // By the clock that is never set.
            endedAt: startedAt + (performance.now() - since),
            attributes: { ...attributesOf(work), ...amounts, 'signalbox.outcome': outcome },
            hasFailed: !['ok', 'cancelled'].includes(outcome),
          }),
      };
    },
  };
}

const nameOf = ({ kind, name }: Work): string =>
  kind === 'command' ? `/${name}` : kind === 'download' ? `download ${name}` : name;

/** By OpenTelemetry's conventions where there are any. */
function attributesOf({ kind, name, labels = {} }: Work): Record<string, string> {
  switch (kind) {
    case 'command':
      return { 'signalbox.command': name, 'signalbox.by': labels.by ?? '' };
    case 'aws':
      return { 'rpc.system': 'aws-api', 'rpc.service': labels.service ?? '', 'rpc.method': labels.api ?? '' };
    case 'slack':
      return { 'rpc.system': 'slack', 'rpc.method': name };
    default:
      return {};
  }
}
