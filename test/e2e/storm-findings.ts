/** The truth of a storm: what people see in the channels at the end, held against what happened. */
import type { SandboxMessage } from '#sandbox';
import type { End, Place, Storm, StormReport } from './storm-events.ts';
import type { House } from './storm-house.ts';

export interface Findings {
  /** Jobs whose card shows their end, once. */
  cardsRight: number;
  cardsTwice: string[];
  cardsWrong: string[];
  announced: number;
  announcedTwice: string[];
  unannounced: string[];
  milestones: number;
  milestonesTwice: string[];
  withoutMilestone: string[];
  failures: number;
  /** Failures that alert messages count. */
  alerted: number;
  alertMessages: number;
  alertsTwice: string[];
  notAlerted: string[];
  /** Announcements of what devices and alarms report. */
  reported: Record<StormReport['kind'], number>;
  reportedTwice: string[];
  unreported: string[];
  /** Their failures named in alerts, and what those alerts count. */
  reportsAlerted: Record<StormReport['kind'], number>;
  reportsCounted: Record<StormReport['kind'], number>;
  reportAlertsTwice: string[];
  reportsNotAlerted: string[];
}

const WORDS: Readonly<Record<End, string>> = { Completed: 'completed', Failed: 'failed', Stopped: 'stopped' };

/** What people see in the channels, held against what happened. */
export function look(house: House, { jobs, reports }: Storm): Findings {
  const found: Findings = {
    cardsRight: 0,
    cardsTwice: [],
    cardsWrong: [],
    announced: 0,
    announcedTwice: [],
    unannounced: [],
    milestones: 0,
    milestonesTwice: [],
    withoutMilestone: [],
    failures: 0,
    alerted: 0,
    alertMessages: 0,
    alertsTwice: [],
    notAlerted: [],
    reported: { deployment: 0, component: 0, alarm: 0 },
    reportedTwice: [],
    unreported: [],
    reportsAlerted: { deployment: 0, component: 0, alarm: 0 },
    reportsCounted: { deployment: 0, component: 0, alarm: 0 },
    reportAlertsTwice: [],
    reportsNotAlerted: [],
  };
  for (const place of house.places) {
    const own = jobs.filter((job) => job.place === place);
    const messages = postsIn(house, place.channel);
    for (const { name, end } of own) {
      const about = messages.filter(({ text }) => text.includes(`\`${name}\``));
      const cards = about.filter((one) => !isReply(one) && one.text.startsWith('Training job '));
      if (cards.length > 1) found.cardsTwice.push(name);
      if (cards[0]?.text.includes(`training ${WORDS[end]}`)) found.cardsRight += 1;
      else found.cardsWrong.push(`${name}: ${cards[0]?.text ?? 'no card'}`);
      const said = about.filter(
        (one) => !isReply(one) && one.text.includes('*Training ') && !alertTitle(one),
      );
      found.announced += said.length;
      if (said.length > 1) found.announcedTwice.push(name);
      // The alert stands in the same channel and tells it instead.
      if (said.length === 0 && !(end === 'Failed' && place.alerts === place.channel))
        found.unannounced.push(name);
      const told = about.filter((one) => isReply(one) && one.text.includes('*Training '));
      found.milestones += told.length;
      if (told.length > 1) found.milestonesTwice.push(name);
      // A card that comes when all is over says it itself.
      if (told.length === 0) found.withoutMilestone.push(name);
    }
    const failed = own.filter(({ end }) => end === 'Failed');
    found.failures += failed.length;
    const alerts = alertsIn(house, place, 'Training failed');
    found.alertMessages += alerts.length;
    found.alerted += alerts.reduce((sum, { count }) => sum + count, 0);
    for (const { name } of failed) {
      const naming = alerts.filter(({ words }) => words.includes(`\`${name}\``)).length;
      if (naming > 1) found.alertsTwice.push(name);
      // A message names so many of its failures and counts the rest.
      if (naming === 0 && !alerts.some(({ count }) => count > 8)) found.notAlerted.push(name);
    }
    lookAtReports(house, place, reports, found);
  }
  return found;
}

function lookAtReports(house: House, place: Place, reports: readonly StormReport[], found: Findings): void {
  const posts = postsIn(house, place.channel)
    .filter((one) => !isReply(one) && !alertTitle(one))
    .map(wordsOf);
  const own = reports.filter((report) => report.place === place);
  for (const { kind, said, overtaken, alert } of own) {
    const times = posts.filter((words) => said.every((part) => words.includes(part))).length;
    found.reported[kind] += times;
    if (times > 1) found.reportedTwice.push(said.join(' '));
    if (times === 0 && !overtaken) found.unreported.push(said.join(' '));
    if (!alert) continue;
    const naming = alertsIn(house, place, alert.title).filter(({ words }) =>
      words.includes(`\`${alert.name}\``),
    ).length;
    found.reportsAlerted[kind] += naming;
    if (naming > 1) found.reportAlertsTwice.push(alert.name);
    if (naming === 0 && !overtaken) found.reportsNotAlerted.push(alert.name);
  }
  const titles = new Map(own.flatMap(({ kind, alert }) => (alert ? [[alert.title, kind] as const] : [])));
  for (const [title, kind] of titles)
    for (const { count } of alertsIn(house, place, title)) found.reportsCounted[kind] += count;
}

function postsIn(house: House, channel: string): SandboxMessage[] {
  return house.slack.workspace
    .messages(channel)
    .filter(({ ephemeral_to, bot_id }) => ephemeral_to === undefined && bot_id !== undefined);
}

const isReply = ({ thread_ts, ts }: SandboxMessage): boolean => thread_ts !== undefined && thread_ts !== ts;
const wordsOf = ({ text, blocks }: SandboxMessage): string => `${text} ${JSON.stringify(blocks)}`;

/** The sign that an alert begins with is its own. */
const ALERT = /^:(?:rotating_light|eyes|zzz|white_check_mark): \*(?:Resolved · )?([^*]+)\*: /;
const alertTitle = ({ text }: SandboxMessage): string | undefined => ALERT.exec(text)?.[1];

/** Alerts of a title: their words, and how many failures each counts. */
function alertsIn(house: House, place: Place, title: string): { words: string; count: number }[] {
  return postsIn(house, place.alerts)
    .filter((one) => !isReply(one) && alertTitle(one) === title)
    .map((one) => ({
      words: wordsOf(one),
      count: 1 + Number(/ and ([\d,]+) more/.exec(one.text)?.[1]?.replace(',', '') ?? 0),
    }));
}

export const isWhole = (found: Findings, { jobs }: Storm): boolean =>
  found.cardsRight === jobs.length &&
  found.unannounced.length === 0 &&
  found.notAlerted.length === 0 &&
  found.alerted >= found.failures &&
  found.unreported.length === 0 &&
  found.reportsNotAlerted.length === 0;

/** All that is lost, wrong or told twice, in words; empty when everything is right. */
export function faultsIn(found: Findings): string[] {
  const counted = Object.entries(found.reportsCounted).flatMap(([kind, count]) => {
    const named = found.reportsAlerted[kind as StormReport['kind']];
    return count === named ? [] : [`alerts count ${count} of ${named} failures of kind ${kind}`];
  });
  return [
    ...found.cardsWrong,
    ...found.cardsTwice.map((name) => `two cards: ${name}`),
    ...[...found.announcedTwice, ...found.reportedTwice].map((name) => `announced twice: ${name}`),
    ...found.milestonesTwice.map((name) => `told twice: ${name}`),
    ...[...found.alertsTwice, ...found.reportAlertsTwice].map((name) => `two alerts: ${name}`),
    ...[...found.unannounced, ...found.unreported].map((name) => `not announced: ${name}`),
    ...[...found.notAlerted, ...found.reportsNotAlerted].map((name) => `no alert: ${name}`),
    ...(found.alerted === found.failures
      ? []
      : [`alerts count ${found.alerted} of ${found.failures} failed jobs`]),
    ...counted,
  ];
}
