// Asks the registry whether any package that is installed has a known weakness: `node scripts/audit.mjs`, in CI after
// the tests. Ends with 1 for one that is high or critical. That nobody answers is said and is no finding: CI without a
// registry that knows weaknesses (some mirrors do not) tells nothing about the packages.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const answer = await new Promise((resolve) => {
  // npm ends with 1 both for findings and when it could not ask; only what it prints tells which. Set to work offline,
  // npm 11.19 finds nothing and says so as if it had asked.
  execFile(
    'npm',
    ['audit', '--json', '--offline=false'],
    { cwd: root, maxBuffer: 64e6, timeout: 120_000 },
    (error, stdout, stderr) => {
      try {
        resolve(JSON.parse(stdout));
      } catch {
        const silent = error?.killed && 'nothing came from /security/advisories/ in two minutes';
        resolve({ message: silent || stderr.trim() || error?.message || 'npm printed nothing' });
      }
    },
  );
});

const counts = answer.metadata?.vulnerabilities;
if (counts === undefined) {
  const [why] = String(answer.message ?? answer.error?.summary ?? JSON.stringify(answer)).split('\n');
  // Only that nobody answers about weaknesses is let pass: what fails later may have had some to tell.
  const unasked = `${why} ${answer.uri}`.includes('/security/advisories/');
  console.log(
    `dependency audit: ${unasked ? 'not done, the registry could not be asked' : 'failed'} (${why})`,
  );
  if (!unasked) process.exitCode = 1;
} else {
  const found = Object.values(answer.vulnerabilities ?? {});
  for (const { name, severity, via, range, fixAvailable } of found) {
    const titles = via.map((one) => (typeof one === 'string' ? `by ${one}` : `${one.title} ${one.url}`));
    const fix = fixAvailable === false ? 'no fix yet' : 'npm audit fix, or a newer version';
    console.log(`dependency audit: ${severity}: ${name} ${range}: ${titles.join('; ')} (${fix})`);
  }
  const serious = counts.high + counts.critical;
  console.log(`dependency audit: ${counts.total} known weaknesses, ${serious} of them high or critical`);
  if (serious > 0) process.exitCode = 1;
}
