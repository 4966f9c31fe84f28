/** Each subcommand's flags; a missing one was not given. */

export interface DemoFlags {
  port?: number;
  data?: string;
}

export interface SandboxFlags extends DemoFlags {
  manifest?: string;
  requestUrl?: string;
  awsPort?: number;
  runpodPort?: number;
}

export interface StartFlags {
  only?: 'front' | 'watch';
}

export interface RunnerFlags {
  config?: string;
}

export interface RunFlags {
  name?: string;
  pipe?: boolean;
  dir?: string;
  push?: string;
  tokenEnv?: string;
  resume?: string;
}

export interface LogsFlags {
  out?: string;
  force?: boolean;
}
