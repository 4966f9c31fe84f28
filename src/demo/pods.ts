/**
 * What pods print that Signalbox starts: their trainer's lines, and behind these how it ended, as the start command does
 * that Signalbox gives to them (src/providers/runpod-command.ts). The sandbox runs no commands.
 */
import { CLASSIFIER, type PodProgram, type RunpodWorld } from '#sandbox/seeds';

/** @param trainer left out: the sandbox's own */
export function signalboxProgram(
  trainer: PodProgram = CLASSIFIER,
): NonNullable<RunpodWorld['programs']>[number] {
  const mark = (run: string | undefined, words: string): string => `[signalbox ${run}] ${words}`;
  return {
    // It is in that start command, and nowhere else.
    match: '[signalbox ',
    program: {
      write(script, pod) {
        const { SIGNALBOX_RUN: run, SIGNALBOX_MAX_SECONDS: limit } = pod.env;
        const timeUp = script.at + Number(limit ?? Number.POSITIVE_INFINITY) * 1_000;
        const code = trainer.write(script, pod);
        if (script.at > timeUp) {
          const printed = script.events.filter(({ at }) => at < timeUp);
          script.events.splice(0, script.events.length, ...printed);
          script.at = timeUp;
          script.lines(`${mark(run, 'time limit')}\n${mark(run, 'exit 143')}`, 30);
        } else if (code !== undefined) script.say(mark(run, `exit ${code}`), 20);
        // Then it waits until its pod is deleted.
        return undefined;
      },
      stop(script, { env: { SIGNALBOX_RUN: run } }, last = '') {
        if (last.includes(mark(run, 'exit '))) return;
        script.lines(`${mark(run, 'stopped')}\n${mark(run, 'exit 143')}`);
      },
    },
  };
}
