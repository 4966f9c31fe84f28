/** Makes the sandbox misbehave on purpose: which calls fail, how, and how often. */
import { type FormEvent, useEffect, useState } from 'react';
import type { Fault } from '../protocol.ts';
import { api } from './api.ts';
import { Dialog } from './ui/dialog.tsx';
import { Icon } from './ui/icons.tsx';

const PRESETS: readonly { label: string; fault: Fault }[] = [
  { label: 'Slack: too many requests', fault: { on: 'chat.update', kind: '429', times: 3, seconds: 2 } },
  { label: 'Slack: server error', fault: { on: 'chat.postMessage', kind: '500', times: 1 } },
  { label: 'Upload breaks half-way', fault: { on: 'files.upload', kind: 'drop', times: 1 } },
  {
    label: 'File is shared late',
    fault: { on: 'files.completeUploadExternal', kind: 'late_share', seconds: 5 },
  },
  { label: 'Not in the channel', fault: { on: 'files.completeUploadExternal', kind: 'not_in_channel' } },
  { label: 'Socket cut', fault: { on: 'socket', kind: 'drop', times: 1 } },
  {
    label: 'AWS throttles every second read',
    fault: { on: 'logs:GetLogEvents', kind: 'ThrottlingException', every: 2, times: 0 },
  },
  {
    label: 'AWS credentials expire',
    fault: { on: 'logs:GetLogEvents', kind: 'ExpiredTokenException', after: 3 },
  },
  { label: 'Role cannot be assumed', fault: { on: 'sts:AssumeRole', kind: 'AccessDenied', times: 0 } },
  { label: 'RunPod: out of stock', fault: { on: 'runpod:CreatePod', kind: '400', times: 1 } },
  { label: 'RunPod log breaks in mid-line', fault: { on: 'runpod:GetPodLogs', kind: 'cut', seconds: 5 } },
  { label: 'Next pod is taken away', fault: { on: 'runpod:Run', kind: 'preempt', seconds: 30 } },
];

const CALLS = [
  '*',
  'socket',
  'chat.postMessage',
  'chat.update',
  'chat.postEphemeral',
  'views.open',
  'views.update',
  'files.getUploadURLExternal',
  'files.upload',
  'files.completeUploadExternal',
  'sts:AssumeRole',
  'logs:DescribeLogStreams',
  'logs:GetLogEvents',
  'sagemaker:DescribeTrainingJob',
  'sagemaker:ListTrainingJobs',
  'runpod:CreatePod',
  'runpod:ListPods',
  'runpod:GetPod',
  'runpod:PodAction',
  'runpod:DeletePod',
  'runpod:GetPodLogs',
  'runpod:Run',
];
const KINDS = [
  '429',
  '500',
  'drop',
  'late_share',
  'not_in_channel',
  'ThrottlingException',
  'AccessDenied',
  'ExpiredTokenException',
  'stall',
  'cut',
  'preempt',
];

const NUMBERS = [
  { field: 'times', label: 'Times', hint: '0 = until cleared' },
  { field: 'after', label: 'Let pass first', hint: 'calls' },
  { field: 'every', label: 'Only every', hint: 'n-th call' },
  { field: 'seconds', label: 'Seconds', hint: 'Retry-After, delay' },
] as const;

function describe(fault: Fault): string {
  const times = fault.times ?? 1;
  return [
    times === 0 ? 'until cleared' : times === 1 ? 'once' : `${times} times`,
    fault.after ? `after ${fault.after} call${fault.after === 1 ? '' : 's'}` : '',
    fault.every ? `every ${fault.every}. call` : '',
    fault.seconds ? `${fault.seconds} s` : '',
  ]
    .filter(Boolean)
    .join(', ');
}

const NO_NUMBERS = { times: '1', after: '', every: '', seconds: '' };

export function FaultPanel({ onClose }: { onClose: () => void }) {
  const [faults, setFaults] = useState<Fault[]>();
  const [failure, setFailure] = useState('');
  const [on, setOn] = useState('chat.update');
  const [kind, setKind] = useState('429');
  const [numbers, setNumbers] = useState<Record<(typeof NUMBERS)[number]['field'], string>>(NO_NUMBERS);

  const run = (work: () => Promise<Fault[]>) => {
    setFailure('');
    work().then(setFaults, (error: unknown) =>
      setFailure(error instanceof Error ? error.message : String(error)),
    );
  };
  // biome-ignore lint/correctness/useExhaustiveDependencies: loaded once, when the panel opens
  useEffect(() => run(api.faults), []);

  const submit = (event: FormEvent) => {
    event.preventDefault();
    const fault: Fault = { on: on.trim(), kind: kind.trim() };
    for (const { field } of NUMBERS) if (numbers[field] !== '') fault[field] = Number(numbers[field]);
    run(() => api.addFault(fault));
  };

  return (
    <Dialog label="Inject faults" className="faults" onClose={onClose}>
      <header className="modal-head">
        <Icon name="fault" />
        <h2>Inject faults</h2>
        <button type="button" className="icon-button" aria-label="Close" onClick={onClose}>
          <Icon name="close" />
        </button>
      </header>
      <div className="modal-body">
        <p className="muted">The next matching calls of the bot go wrong as chosen. Nothing else changes.</p>
        <div className="fault-presets">
          {PRESETS.map(({ label, fault }) => (
            <button
              key={label}
              type="button"
              className="button button-small"
              onClick={() => run(() => api.addFault(fault))}
            >
              {label}
            </button>
          ))}
        </div>
        <form className="fault-form" onSubmit={submit}>
          <label>
            Call
            <input
              className="input"
              list="fault-calls"
              required
              value={on}
              onChange={(event) => setOn(event.target.value)}
            />
          </label>
          <label>
            Fault
            <input
              className="input"
              list="fault-kinds"
              required
              value={kind}
              onChange={(event) => setKind(event.target.value)}
            />
          </label>
          {NUMBERS.map(({ field, label, hint }) => (
            <label key={field}>
              {label} <span className="muted">{hint}</span>
              <input
                className="input"
                type="number"
                min="0"
                value={numbers[field]}
                onChange={(event) => setNumbers({ ...numbers, [field]: event.target.value })}
              />
            </label>
          ))}
          <datalist id="fault-calls">
            {CALLS.map((call) => (
              <option key={call} value={call} />
            ))}
          </datalist>
          <datalist id="fault-kinds">
            {KINDS.map((one) => (
              <option key={one} value={one} />
            ))}
          </datalist>
          <button type="submit" className="button button-primary">
            Add fault
          </button>
        </form>
        {failure && (
          <div className="modal-failure" role="alert">
            <Icon name="warning" /> {failure}
          </div>
        )}
        <div className="fault-list-head">
          <h3>Waiting to strike</h3>
          <button
            type="button"
            className="button button-small"
            disabled={!faults?.length}
            onClick={() =>
              run(async () => {
                await api.clearFaults();
                return [];
              })
            }
          >
            Clear all
          </button>
        </div>
        {faults?.length ? (
          <ul className="fault-list">
            {faults.map((fault, index) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: equal faults may be set twice
              <li key={index}>
                <code>{fault.on}</code> <strong>{fault.kind}</strong>{' '}
                <span className="muted">{describe(fault)}</span>
              </li>
            ))}
          </ul>
        ) : (
          <p className="muted">{faults ? 'None: everything works.' : 'Loading…'}</p>
        )}
      </div>
    </Dialog>
  );
}
