import type { Command } from 'commander';
import type { FileSelection } from './farm-client.ts';

export interface FileOptions {
  frames?: string;
  step?: string;
  output?: string;
  pattern?: string;
}

/** The flags by which a command says which of a job's files it means. */
export function addFileOptions(command: Command): Command {
  return command
    .option('--frames <range>', 'only these frames: 1-100, 1-100x2, 7,12-14')
    .option('--step <name>', 'only files of this step')
    .option('--output <name>', 'only this output of the frames; "main" for the picture itself')
    .option('--pattern <text>', 'what files are called, such as "{shot}_{version}_{frame:04}.{ext}"');
}

export function selectionOf({ frames, step, output, pattern }: FileOptions): FileSelection {
  return {
    ...(frames !== undefined && { frames }),
    ...(step !== undefined && { step }),
    ...(output !== undefined && { output }),
    ...(pattern !== undefined && { pattern }),
  };
}
