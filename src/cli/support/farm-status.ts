import { dashboardUrl, type FarmHome } from '../../local/farm-home.ts';
import { formatTable } from './table.ts';

/** What `status` and `up` print: `{dashboard, processes: [{name, pid, state, metrics?}]}`. */
export interface FarmStatus {
  /** The page's address with the token; null until the gateway answers or when no farm runs. */
  dashboard: string | null;
  processes: { name: string; pid: number; state: string; metrics?: string }[];
}

export function farmStatus(home: FarmHome): FarmStatus {
  const state = home.running();
  if (state === undefined) return { dashboard: null, processes: [] };
  const dashboard = state.url === undefined ? null : dashboardUrl(state.url, home.token() ?? '');
  const processes = state.processes.map(({ name, pid, state: its, health }) => ({
    name,
    pid,
    state: its,
    ...(health === undefined ? {} : { metrics: `${health}/metrics` }),
  }));
  return { dashboard, processes };
}

export function formatStatus({ dashboard, processes }: FarmStatus): string {
  const rows = processes.map(({ name, pid, state, metrics }) => [
    name,
    pid === 0 ? '-' : String(pid),
    state,
    metrics ?? '',
  ]);
  return `${dashboard ?? '(still starting)'}\n\n${formatTable(['PROCESS', 'PID', 'STATE', 'METRICS'], rows)}`;
}
