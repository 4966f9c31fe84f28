/** Names of SageMaker compilation jobs: `<training job>-<target>-<random>`. */
import { createHash } from 'node:crypto';

/** CreateCompilationJob: `[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}`. */
const NAME_LIMIT = 63;
const TARGET_LIMIT = 20;

/**
 * A valid name whatever comes in. Where characters had to go or the whole is too long, a digest of job and
 * target stands in for what is missing, so that two long names with one beginning stay apart.
 * @param random 6 to 12 random letters and digits: the same pair may be tried more than once
 */
export function compilationJobName(job: string, target: string, random: string): string {
  const suffix = /^[a-z0-9]{6,12}$/i.test(random) ? random : digest(random, 12);
  const jobPart = slug(job);
  const targetPart = slug(target);
  const plain = [jobPart, targetPart, suffix].join('-');
  // The only harmless replacement: SageMaker's names have no underscore, and targets like x86_64-cpu do.
  const faithful =
    jobPart !== '' && targetPart !== '' && jobPart === job && targetPart === target.replaceAll('_', '-');
  if (faithful && plain.length <= NAME_LIMIT) return plain;

  const mark = digest(JSON.stringify([job, target]), 8);
  const shortTarget = targetPart.slice(0, TARGET_LIMIT).replace(/-+$/, '');
  const tail = [shortTarget, mark, suffix].filter((part) => part !== '').join('-');
  const head = jobPart.slice(0, NAME_LIMIT - tail.length - 1).replace(/-+$/, '');
  return head === '' ? tail : `${head}-${tail}`;
}

function slug(text: string): string {
  return text.replace(/[^A-Za-z0-9]+/g, '-').replace(/^-+|-+$/g, '');
}

function digest(text: string, length: number): string {
  return createHash('sha256').update(text).digest('hex').slice(0, length);
}
