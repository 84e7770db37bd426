import type { RootSystem } from '../../shared/domain/root-paths.ts';
import { darwin } from './darwin.ts';
import { linux } from './linux.ts';
import { win32 } from './win32.ts';

/**
 * What the worker asks of the operating system about the processes of an engine; everything else is the same on all
 * platforms. A group is named by the process id of its leader, the guard.
 */
export interface Platform {
  /** The kinds of paths by which shared storage is found here, the best first. */
  rootSystems: readonly RootSystem[];
  /**
   * The command that starts an engine so that it ends with the worker, whatever ends the worker.
   * @param lifeline number of the file descriptor of a pipe whose other end only the worker holds, 3 … 9
   * @param nice how far the engine stands back behind the rest of the machine, 0 … 19
   */
  guardCommand(argv: readonly string[], lifeline: number, nice: number): [string, ...string[]];
  /** Resident memory of a group's living members but its leader, in bytes. */
  groupMemoryBytes(leader: number): Promise<number>;
  /** Whether any process of the group still runs. */
  isGroupAlive(leader: number): Promise<boolean>;
  /** Sends a signal to a whole group; a group that is gone is no error. */
  signalGroup(leader: number, signal: NodeJS.Signals): void;
}

/** The worker's own. Systems that are none of the three are taken for a POSIX one without /proc. */
export const platform: Platform =
  ({ linux, win32 } as Partial<Record<NodeJS.Platform, Platform>>)[process.platform] ?? darwin;
