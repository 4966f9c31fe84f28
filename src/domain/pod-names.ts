/**
 * Names of jobs that are pods: `press-7.8t1hif70q426k9`, what people called it and RunPod's own id. Pods may share a name,
 * and only the id leads to their pages.
 */

const POD_ID = /^[a-z0-9]{6,32}$/;
const LONGEST_NAME = 63;

/** What is no letter, digit, dash or underscore becomes a dash. */
export function podJobName(name: string, id: string): string {
  const readable = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9_-]+/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, LONGEST_NAME)
    .replace(/-+$/, '');
  return `${readable === '' ? 'pod' : readable}.${id}`;
}

/** @param job its name, or the id alone, as people copy it; @returns undefined: no pod is called so */
export function podIdOf(job: string): string | undefined {
  const id = job.slice(job.lastIndexOf('.') + 1);
  const name = job.slice(0, job.length - id.length);
  return POD_ID.test(id) && (name === '' || /^[A-Za-z0-9][A-Za-z0-9_-]*\.$/.test(name)) ? id : undefined;
}

/** What it was called, without the id. */
export const podCalled = (job: string): string => job.slice(0, Math.max(0, job.lastIndexOf('.'))) || job;

export const podPages = 'https://www.runpod.io/console/pods';
export const podPage = (id: string): string => `${podPages}/${encodeURIComponent(id)}`;
