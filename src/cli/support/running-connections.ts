import type { Connections } from '../../local/connections.ts';
import { FarmHome, type RunState } from '../../local/farm-home.ts';
import { UnreachableError } from './exit-codes.ts';

export interface RunningConnections {
  home: FarmHome;
  state: RunState;
  url: string;
  connections: Connections;
}

/** How to reach the servers of the farm that runs from this home. @throws UnreachableError when none does. */
export function runningConnections(): RunningConnections {
  const home = new FarmHome();
  const state = home.running();
  if (state?.url === undefined || state.connections === undefined)
    throw new UnreachableError(`No farm runs from ${home.folder}. Start one with: farmhand up --detach`);
  return { home, state, url: state.url, connections: state.connections };
}
