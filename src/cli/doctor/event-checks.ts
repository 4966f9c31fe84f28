/** The doctor's checks of events: queue, dead letters, rule and target, and the endpoint's secret. */
import { type EventsFindings, inspectEvents } from '../../aws/event-inspection.ts';
import type { Config } from '../../config.ts';
import { toAppError } from '../../ground/errors.ts';
import { type Check, subject } from './checks.ts';

const about = subject('events');
const SETUP =
  'Run `signalbox events setup` with credentials that may create queues and rules in the account of the queue.';
/** Waiting messages: more than this means that a running bot is not keeping up. */
const MANY = 1_000;

export async function checkEvents(config: Config): Promise<Check[]> {
  const { events, eventsSecret, useCases } = config;
  if (!events && useCases.every(({ aws }) => aws === undefined))
    return [about.skipped('intake', 'no use case has an AWS account that events could come from')];
  if (!events)
    return [
      eventsSecret === undefined
        ? about.warning(
            'intake',
            'neither a queue nor the HTTPS endpoint is configured, so changes are only noticed by polling',
            'Add an events section with queueUrl and region to signalbox.yaml and run `signalbox events setup`.',
          )
        : about.ok(
            'intake',
            'by HTTPS at POST /events/eventbridge; the first event will show whether EventBridge reaches it',
          ),
    ];
  let found: EventsFindings;
  try {
    found = await inspectEvents({ ...events, sources: useCases.flatMap(({ aws }) => aws ?? []) });
  } catch (thrown) {
    const error = toAppError(thrown);
    const fix = [error.hint, error.adminHint].filter((text) => text !== undefined).join('\n');
    return [about.failed('intake', error.message, fix || 'Try again.')];
  }
  return [...queueChecks(found), ruleCheck(found, events.rule), ...otherAccounts(config)];
}

function queueChecks({ queue, deadLetters }: EventsFindings): Check[] {
  if (!queue) return [about.failed('queue', 'there is no such queue', SETUP)];
  const checks = [
    queue.waiting > MANY
      ? about.warning(
          'queue',
          `${queue.waiting} messages are waiting`,
          'Start the bot, or look in its log for why it does not take them.',
        )
      : about.ok('queue', `${queue.waiting} messages waiting, ${queue.hidden} in work`),
    queue.policyAllows
      ? about.ok('queue policy', 'allows the rule to send')
      : about.failed('queue policy', 'does not allow the rule to send', SETUP),
  ];
  if (!deadLetters) checks.push(about.warning('dead letters', 'the queue has no dead-letter queue', SETUP));
  else if (deadLetters.waiting > 0)
    checks.push(
      about.warning(
        'dead letters',
        `${deadLetters.name} holds ${deadLetters.waiting} messages`,
        'Look at them in the SQS console. "Start DLQ redrive" there sends them again; what was handled already is ignored.',
      ),
    );
  else checks.push(about.ok('dead letters', `${deadLetters.name} is empty`));
  return checks;
}

function ruleCheck({ rule }: EventsFindings, name: string): Check {
  if (!rule) return about.failed('rule', `there is no rule ${name} on the default event bus`, SETUP);
  if (!rule.enabled) return about.failed('rule', `${name} is disabled`, SETUP);
  if (!rule.reachesQueue) return about.failed('rule', `${name} does not send to the queue`, SETUP);
  if (!rule.pattern)
    return about.warning('rule', `the pattern of ${name} leaves out events that Signalbox uses`, SETUP);
  return about.ok('rule', `${name} sends to the queue`);
}

/** Their rules are in their own accounts, which the bot's credentials cannot see. */
function otherAccounts({ events, useCases }: Config): Check[] {
  const account = /\/(\d{12})\//.exec(events?.queueUrl ?? '')?.[1];
  const others = useCases.flatMap(({ id, aws }) =>
    aws && (aws.account !== account || aws.region !== events?.region) ? { id, ...aws } : [],
  );
  return others.map((one) =>
    subject(`use case ${one.id}`).skipped(
      'event forwarding',
      `cannot be checked from here: the rule is in account ${one.account}, ${one.region} (infra/use-case-account.yaml creates it)`,
    ),
  );
}
