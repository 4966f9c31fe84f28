/**
 * Why a component fails on a device: what the nucleus says with `lifecycleStatusCodes` and `lifecycleStateDetails`, since
 * its version 2.8. Codes: https://docs.aws.amazon.com/greengrass/v2/developerguide/troubleshooting-component.html; words:
 * ComponentStatusCode.java of aws-greengrass-nucleus.
 */
import type { InstalledComponent } from './aws-event-kinds.ts';
import { DOCS, type FailureAdvice } from './failure-tables.ts';

/** The section of the recipe whose script it was. */
const STEPS = ['install', 'startup', 'run', 'shutdown'] as const;
type Step = (typeof STEPS)[number];

const LOG = 'the component’s log in /greengrass/v2/logs on the device';

/** Exit code → what happened to a script that ended with it. Above 128 it is a signal: 128 and its number. */
const EXITS: Readonly<Record<number, { cause: string; fix: string }>> = {
  126: {
    cause: 'The {step} script calls something that may not be executed on the device (exit code 126).',
    fix: 'Make the file executable (Permission: Execute: ALL on the artifact in the recipe), or call it through its interpreter.',
  },
  127: {
    cause: 'The {step} script calls a command that is not on the device (exit code 127).',
    fix: `Read which one in ${LOG}; install it in the recipe’s Install step, or give its full path.`,
  },
  132: {
    cause: 'The {step} script hit an illegal instruction (exit code 132): it is built for another CPU.',
    fix: 'Deploy the version that is compiled for this device’s CPU; check the target that the model was compiled for.',
  },
  134: {
    cause: 'The {step} script aborted itself (exit code 134).',
    fix: `Read the last lines of ${LOG}: a native library says there why.`,
  },
  137: {
    cause: 'The {step} script was killed (exit code 137): most likely the device ran out of memory.',
    fix: 'Look at the device’s memory (dmesg says whether the kernel did it); use a smaller model or batch, or raise the component’s memory limit.',
  },
  139: {
    cause: 'The {step} script crashed with a segmentation fault (exit code 139).',
    fix: 'Check the native libraries: the runtime has to match the compiled model, and the drivers the device’s JetPack.',
  },
  143: {
    cause: 'The {step} script was told to stop (exit code 143), by the device or by a restart of Greengrass.',
    fix: 'Look in greengrass.log on the device for what stopped it; the script itself is not at fault.',
  },
};

/** End of a status code → what it means. */
const ENDS: readonly { id: string; pattern: RegExp; cause: string; fix: string }[] = [
  {
    id: 'timeout',
    pattern: /_TIMEOUT$/,
    cause: 'The {step} script did not finish within its time limit.',
    fix: 'Raise Timeout in the recipe’s {Section} section, or let the script do less.',
  },
  {
    id: 'run-with',
    pattern: /_MISSING_DEFAULT_RUNWITH$/,
    cause: 'Greengrass does not know as which user to run the {step} script on the device.',
    fix: 'Set a default user (runWithDefault of the nucleus, such as ggc_user:ggc_group), or runWith in the deployment.',
  },
  {
    id: 'config',
    pattern: /_(?:CONFIG_NOT_VALID|INVALID_CONFIG)$/,
    cause: 'The {Section} section of the recipe is not valid.',
    fix: 'Correct it in the recipe template, package again and deploy the new version.',
  },
  {
    id: 'io',
    pattern: /_IO_ERROR$/,
    cause: 'Reading or writing failed on the device during the {step} step.',
    fix: `Check the device’s disk (df -h, file permissions) and ${LOG}.`,
  },
];

const SCRIPT_FAILED: Readonly<Record<Step, string>> = {
  install: 'The install script failed{exit}: the component was never started.',
  startup: 'The startup script failed{exit}: the component did not come up.',
  run: 'The run script ended with an error{exit}: the component did not stay up.',
  shutdown: 'The shutdown script failed{exit}.',
};

/** Only a state is given: nuclei before 2.8 know no more, and a device that has lost its connection says less. */
const NOT_SAID: FailureAdvice = {
  id: 'component-broken',
  cause: 'The component failed on the device, which does not say why.',
  fix: `Read ${LOG}; then deploy a version that works.`,
  link: DOCS.greengrassErrors,
};

/** @param reason what the event says of all components, where the component itself says nothing */
export function adviceForDevice(
  { codes = [], details }: Pick<InstalledComponent, 'codes' | 'details'>,
  reason?: string,
): FailureAdvice {
  const words = (details ?? reason ?? '').slice(0, 4_096);
  const named = stepOf(/\b(install|startup|run|shutdown) script\b/i.exec(words)?.[1]);
  const steps = codes.filter((one) => stepOf(one) !== undefined);
  // Of several codes, the one that the component's own words are about counts.
  const known = steps.find((one) => details !== undefined && stepOf(one) === named) ?? steps[0];
  const step = stepOf(known) ?? named;
  const exit = /\bexited with code (\d{1,3})\b/i.exec(words)?.[1];
  if (step === undefined) return NOT_SAID;
  const advice = (id: string, { cause, fix }: { cause: string; fix: string }): FailureAdvice => ({
    id: `device-${step}-${id}`,
    cause: fill(cause, step),
    fix: fill(fix, step),
    link: DOCS.componentCodes,
  });
  const ended = exit === undefined ? undefined : EXITS[Number(exit)];
  if (ended) return advice(`exit-${exit}`, ended);
  const end = ENDS.find(({ pattern }) => known !== undefined && pattern.test(known));
  if (end) return advice(end.id, end);
  return advice('failed', {
    cause: SCRIPT_FAILED[step].replace('{exit}', exit === undefined ? '' : ` (exit code ${exit})`),
    fix: `Read why in ${LOG}; then deploy a version that works.`,
  });
}

function stepOf(code: string | undefined): Step | undefined {
  const word = code?.split('_', 1)[0]?.toLowerCase();
  return STEPS.find((step) => step === word);
}

const fill = (text: string, step: Step): string =>
  text.replaceAll('{step}', step).replaceAll('{Section}', `${step[0]!.toUpperCase()}${step.slice(1)}`);
