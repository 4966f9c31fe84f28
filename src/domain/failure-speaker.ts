/** Who says why something failed: the first word of a reason. Who says it is looked at before what is said. */

/**
 * `client`: SageMaker (or one of its algorithms) about what it was given. `service`: SageMaker about itself.
 * `algorithm`: the training program, whose words may quote anything, other services' errors included.
 * `capacity`, `quota`: SageMaker about machines. `compiler`: Neo's compiler about the model.
 */
export type Speaker = 'client' | 'service' | 'algorithm' | 'capacity' | 'quota' | 'compiler';

/** Before the first word: what the SDKs and the console put there. */
const BEFORE = String.raw`^[\s"'\x60]{0,10}(?:(?:Failed\.\s{0,3})?(?:Failure\s?)?Reason:\s{0,5})?`;

const SPEAKERS: readonly (readonly [Speaker, RegExp])[] = (
  [
    ['client', String.raw`Client\s?Error\b|ValidationException\b|InvalidInputException\b`],
    [
      'service',
      String.raw`(?:Internal\s?)?Server\s?(?:Error|Exception)\b|Internal\s?(?:Service\s?)?(?:Error|Failure)\b|ServiceUnavailable\w{0,20}\b|System\s?Error\s?:|We encountered an internal error`,
    ],
    ['algorithm', String.raw`Algorithm\s?Error\b|ExecuteUserScriptError\b|UserError\b`],
    ['capacity', String.raw`CapacityError\b|Insufficient\w{0,20}Capacity\w{0,20}\b`],
    [
      'quota',
      String.raw`ResourceLimitExceeded\w{0,20}\b|ServiceQuotaExceeded\w{0,20}\b|LimitExceeded\w{0,20}\b`,
    ],
    ['compiler', String.raw`CompilationError\b`],
  ] as const
).map(([speaker, words]) => [speaker, new RegExp(`${BEFORE}(?:${words})`, 'i')] as const);

/** @returns undefined for a reason that does not begin with who says it */
export function speakerOf(reason: string): Speaker | undefined {
  const start = reason.slice(0, 200);
  return SPEAKERS.find(([, pattern]) => pattern.test(start))?.[0];
}
