/**
 * What runs in a pod that Signalbox starts. RunPod says neither how a command ended nor that it did: a container whose
 * command exits is started anew, so the training would begin again, and `EXITED` means no more than that the pod was
 * stopped. Therefore a few lines of shell run the command, print how it ended, and then wait until the pod is deleted.
 *
 * - `args` of a new pod is `{"entrypoint": […], "cmd": […]}` as JSON: https://docs.runpod.io/pods/templates/manage-templates
 *   (Container start command). Both stay lists, so no value of a template ever becomes text of the shell.
 * - Output also goes to /workspace/training_output.log, for people who come by SSH.
 * - If nobody deletes the pod for ten minutes, it stops itself with the program that RunPod's images bring along:
 *   https://docs.runpod.io/pods/manage-pods (Schedule a stop). Other images may not have it.
 */
export const OUTPUT_FILE = '/workspace/training_output.log';

/** POSIX: images may have no bash. Its arguments are the command. */
const START_SCRIPT = `
say() { printf '[signalbox %s] %s\\n' "$SIGNALBOX_RUN" "$1"; }
wait_here() {
  trap 'exit 0' TERM INT
  sleep 600 & wait $!
  command -v runpodctl >/dev/null 2>&1 && runpodctl pod stop "$RUNPOD_POD_ID" >/dev/null 2>&1
  while :; do sleep 3600 & wait $!; done
}
output=\${SIGNALBOX_OUTPUT:-${OUTPUT_FILE}}
ended=/tmp/signalbox-$SIGNALBOX_RUN
if [ -f "$ended" ]; then say "exit $(cat "$ended")"; wait_here; fi
dir=$(mktemp -d 2>/dev/null) && mkfifo "$dir/out" 2>/dev/null || dir=
if [ -n "$dir" ]; then
  if mkdir -p "$(dirname "$output")" 2>/dev/null && { : >>"$output"; } 2>/dev/null
  then tee -a "$output" <"$dir/out" & else cat <"$dir/out" & fi
  writer=$!
  "$@" >"$dir/out" 2>&1 </dev/null & child=$!
else
  writer=
  "$@" 2>&1 </dev/null & child=$!
fi
stopped=
trap 'stopped=1; kill -TERM "$child" 2>/dev/null' TERM INT
if [ -n "$SIGNALBOX_MAX_SECONDS" ]; then
  (
    trap 'kill "$nap"; exit' TERM
    sleep "$SIGNALBOX_MAX_SECONDS" & nap=$!
    wait "$nap"
    : >"$ended-limit"
    kill -TERM "$child"
    sleep 60 & nap=$!
    wait "$nap"
    kill -KILL "$child"
  ) >/dev/null 2>&1 &
  timer=$!
fi
while :; do
  wait "$child"; code=$?
  kill -0 "$child" 2>/dev/null || break
done
# A signal may have ended the wait, and the command itself before it was looked for.
wait "$child"; last=$?
[ "$last" -ne 127 ] && code=$last
[ -n "$timer" ] && kill "$timer" 2>/dev/null
if [ -n "$writer" ]; then
  # What the command has left behind may hold the pipe open.
  ( trap 'kill "$nap"; exit' TERM; sleep 5 & nap=$!; wait "$nap"; kill "$writer" ) >/dev/null 2>&1 &
  guard=$!
  wait "$writer"
  kill "$guard" 2>/dev/null
fi
[ -f "$ended-limit" ] && say 'time limit'
[ -n "$stopped" ] && say stopped
printf %s "$code" >"$ended"
say "exit $code"
[ -n "$stopped" ] && exit "$code"
wait_here
`.trim();

/** What Signalbox writes into a pod's environment, by which it knows the pod again. */
export const POD_VARIABLES = {
  /** Random: no program prints the marks by chance. */
  run: 'SIGNALBOX_RUN',
  useCase: 'SIGNALBOX_USE_CASE',
  /** People may rename a pod; the job stays what it was called. */
  name: 'SIGNALBOX_NAME',
  template: 'SIGNALBOX_TEMPLATE',
  /** The template's parameters, as JSON. */
  values: 'SIGNALBOX_VALUES',
  maxSeconds: 'SIGNALBOX_MAX_SECONDS',
} as const;

/** @param command program and arguments */
export function podArgs(command: readonly string[]): string {
  return JSON.stringify({ entrypoint: ['sh', '-c', START_SCRIPT, 'signalbox'], cmd: command });
}

/** How the command in a pod ended, as far as its log says. */
export interface PodEnd {
  /** A shell's: more than 128 after a signal. Undefined: it has not ended, as far as is known. */
  code?: number | undefined;
  /** Its time was up. */
  limit?: boolean | undefined;
  /** Somebody stopped the pod. */
  stopped?: boolean | undefined;
}

/** @param run of the pod; @returns what was known before, with what the line says */
export function readMark(line: string, run: string | undefined, known: PodEnd): PodEnd {
  if (run === undefined || !line.includes('[signalbox ')) return known;
  // The command may have ended in the middle of a line.
  const at = line.lastIndexOf(`[signalbox ${run}] `);
  if (at < 0) return known;
  const words = line.slice(at + `[signalbox ${run}] `.length).trimEnd();
  if (words === 'time limit') return { ...known, limit: true };
  if (words === 'stopped') return { ...known, stopped: true };
  const [, code] = /^exit (\d{1,3})$/.exec(words) ?? [];
  return code === undefined ? known : { ...known, code: Number(code) };
}
