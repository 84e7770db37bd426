import type { Command } from 'commander';
import {
  engineVersionsSchema,
  guaranteesSchema,
  limitsSchema,
  sharesSchema,
} from '../shared/contracts/manage-api.ts';
import { retentionSchema } from '../shared/contracts/retention.ts';
import { registerSetting, type SettingCommand } from './support/setting-command.ts';

const LIMITS: SettingCommand = {
  name: 'limits',
  description: 'list limits, or set how many frames of a project, owner, engine or licence pool run at once',
  nothing: 'No limits.',
  set: ['project|owner|engine|licence', 'name', 'frames'],
  remove: ['project|owner|engine|licence', 'name'],
  headings: ['KIND', 'NAME', 'LIMIT', 'IN USE', ''],
  rows: async (farm) => {
    const { limits } = await farm.read(['limits'], limitsSchema);
    return limits.map(({ kind, name, running, inUse, lowered }) => [
      kind,
      name,
      String(running),
      String(inUse),
      lowered === null ? '' : `${lowered.to} until ${lowered.until}: no licence was left`,
    ]);
  },
  list: (farm) => farm.read(['limits'], limitsSchema),
  address: ([kind = '', name = '']) => ({ path: ['limits', kind, name] }),
  body: (text) => ({ running: numberOf(text) }),
};

const SHARES: SettingCommand = {
  name: 'shares',
  description: 'list shares, or set what a project or an owner gets within a priority level; 1 without one',
  nothing: 'No shares: projects and owners are equal.',
  set: ['project|owner', 'name', 'weight'],
  remove: ['project|owner', 'name'],
  headings: ['KIND', 'NAME', 'WEIGHT'],
  rows: async (farm) => {
    const { shares } = await farm.read(['shares'], sharesSchema);
    return shares.map(({ kind, name, weight }) => [kind, name, String(weight)]);
  },
  list: (farm) => farm.read(['shares'], sharesSchema),
  address: ([kind = '', name = '']) => ({ path: ['shares', kind, name] }),
  body: (text) => ({ weight: numberOf(text) }),
};

const GUARANTEES: SettingCommand = {
  name: 'guarantees',
  description: 'list guarantees, or give a project slots first of the workers with a tag (* for all workers)',
  nothing: 'No guarantees.',
  set: ['project', 'tag|*', 'slots'],
  remove: ['project', 'tag|*'],
  headings: ['PROJECT', 'WORKERS', 'SLOTS'],
  rows: async (farm) => {
    const { guarantees } = await farm.read(['guarantees'], guaranteesSchema);
    return guarantees.map(({ project, pool, slots }) => [
      project,
      pool === '*' ? 'all' : pool,
      String(slots),
    ]);
  },
  list: (farm) => farm.read(['guarantees'], guaranteesSchema),
  address: ([project = '', pool = '']) => ({ path: ['guarantees', project, pool] }),
  body: (text) => ({ slots: numberOf(text) }),
};

const ENGINE_VERSIONS: SettingCommand = {
  name: 'engine-versions',
  description: 'list default versions, or set the version range of an engine for jobs that do not say',
  nothing: 'No default versions: jobs that do not say take any.',
  set: ['engine', 'range'],
  remove: ['engine'],
  ofProject: true,
  headings: ['ENGINE', 'PROJECT', 'RANGE'],
  rows: async (farm) => {
    const { engineVersions } = await farm.read(['engine-versions'], engineVersionsSchema);
    return engineVersions.map(({ engine, project, range }) => [engine, project ?? 'all', range]);
  },
  list: (farm) => farm.read(['engine-versions'], engineVersionsSchema),
  address: ([engine = ''], project) => ({ path: ['engine-versions', engine], query: { project } }),
  body: (range) => ({ range }),
};

const RETENTION: SettingCommand = {
  name: 'retention',
  description:
    'list for how long things are kept, or set it: completed, failed or cancelled jobs, the bin, attempts, assets, templates',
  nothing: 'No rules.',
  set: ['what', 'days|forever'],
  remove: ['what'],
  ofProject: true,
  headings: ['WHAT', 'PROJECT', 'DAYS', ''],
  rows: async (farm) => {
    const { rules } = await farm.read(['retention'], retentionSchema);
    return rules.map(({ what, project, days, set }) => [
      what,
      project ?? 'all',
      String(days),
      set ? '' : 'from the beginning',
    ]);
  },
  list: (farm) => farm.read(['retention'], retentionSchema),
  address: ([what = ''], project) => ({ path: ['retention', what], query: { project } }),
  body: (text) => ({ days: numberOf(text) }),
};

export const registerRetention = (program: Command): void => registerSetting(program, RETENTION);
export const registerLimits = (program: Command): void => registerSetting(program, LIMITS);
export const registerShares = (program: Command): void => registerSetting(program, SHARES);
export const registerGuarantees = (program: Command): void => registerSetting(program, GUARANTEES);
export const registerEngineVersions = (program: Command): void => registerSetting(program, ENGINE_VERSIONS);

/** What is no number is sent as it is: the farm says what it expects. */
function numberOf(text: string): number | string {
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}
