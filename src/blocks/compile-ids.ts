/** Action ids of everything about a job's compilations, whichever message shows the button. */
export const COMPILE = {
  open: 'compile.open',
  choose: 'compile.choose',
  job: 'compile.job',
  form: 'compile.form',
  which: 'compile.which',
  retry: 'compile.retry',
  stop: 'compile.stop',
  artifact: 'compile.artifact',
  log: 'compile.log',
  history: 'compile.history',
  more: 'compile.more',
  details: 'compile.details',
  tab: 'compile.tab',
  refresh: 'compile.refresh',
  package: 'components.package',
  link: 'open.link',
} as const;
