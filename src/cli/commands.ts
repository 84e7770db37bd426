import type { Command } from 'commander';

/** Adds a command with its options and action to the program. */
export type Register = (program: Command) => void;

export interface CommandEntry {
  name: string;
  /** The line in `farmhand --help`; the command's own help is in its module. */
  description: string;
  load: () => Promise<Register>;
}

/** Every command: one module each, which exports `register<Name>(program)`. In the order of the help. */
export const COMMANDS: readonly CommandEntry[] = [
  {
    name: 'up',
    description: 'start a farm on this machine',
    load: async () => (await import('./up.ts')).registerUp,
  },
  {
    name: 'down',
    description: 'stop the farm of this FARMHAND_HOME',
    load: async () => (await import('./down.ts')).registerDown,
  },
  {
    name: 'status',
    description: 'say what of the farm runs',
    load: async () => (await import('./status.ts')).registerStatus,
  },
  {
    name: 'doctor',
    description: 'say what this machine lacks and how to get it',
    load: async () => (await import('./doctor.ts')).registerDoctor,
  },
  {
    name: 'env',
    description: 'print export lines for nats, psql, curl and S3 clients',
    load: async () => (await import('./env.ts')).registerEnv,
  },
  {
    name: 'invite',
    description: 'print what another machine needs to render for this farm',
    load: async () => (await import('./invite.ts')).registerInvite,
  },
  {
    name: 'test',
    description: 'run the tests, with servers and a farm of their own',
    load: async () => (await import('./test.ts')).registerTest,
  },
];
