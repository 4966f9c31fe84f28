/** Prints what was found wrong, the first twenty, and makes the process end with 1 if it is anything. */
export function verdict(wrong: readonly string[]): void {
  console.log(
    wrong.length === 0
      ? '\nnothing lost, nothing twice'
      : `\nWRONG (${wrong.length}):\n${wrong.slice(0, 20).join('\n')}`,
  );
  process.exitCode = wrong.length === 0 ? 0 : 1;
}
