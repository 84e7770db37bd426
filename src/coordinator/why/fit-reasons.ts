import { formatByteSize } from '../../shared/domain/byte-sizes.ts';
import { offersEngine, type Ability } from '../planning/fitting.ts';
import type { Needs } from '../planning/snapshot.ts';
import type { Reason, WhyStep, WhyWorker } from './why-input.ts';
import { count, listed, rangeText } from './wording.ts';

/** One thing that a step asks of a worker, and what is said when no worker has it. */
interface Demand {
  cause: Reason['cause'];
  /** `64 cores for each task` */
  what: string;
  holds: (ability: Ability) => boolean;
  /** What there is instead, and what can be done. */
  instead: (workers: readonly WhyWorker[]) => string;
  figures: (workers: readonly WhyWorker[]) => Reason['figures'];
}

/** What a step's tasks need, for people: `blender ≥ 5, 4 cores and 2 GPUs`. */
export function needsText(needs: Needs): string {
  return listed([engineText(needs), ...hardware(needs, '').map((demand) => demand.what)], 9);
}

/** Why no worker that the farm knows can render a step: the demands that none of them meets. */
export function misfitReasons(
  step: Pick<WhyStep, 'name' | 'needs' | 'path'>,
  workers: readonly WhyWorker[],
): Reason[] {
  const { needs } = step;
  const reason = (cause: Reason['cause'], text: string, figures: Reason['figures']): Reason => ({
    cause,
    step: step.name,
    text,
    figures,
  });
  const offering = workers.filter((worker) => worker.ability.engines.has(needs.engine));
  if (offering.length === 0) return [reason('engine', ...engineMissing(needs, workers))];
  const versed = offering.filter((worker) => offersEngine(needs, worker.ability));
  if (versed.length === 0) return [reason('engine-version', ...versionMissing(step, offering))];
  const demands = hardware(needs, step.path);
  const unmet = demands.filter((demand) => !versed.some((worker) => demand.holds(worker.ability)));
  if (unmet.length > 0)
    return unmet.map((demand) =>
      reason(demand.cause, `needs ${demand.what}; ${demand.instead(versed)}`, demand.figures(versed)),
    );
  // Each is met by some worker, and all of them by none: the rarest one is what is missing elsewhere.
  const having = demands
    .map((demand) => ({ demand, n: versed.filter((worker) => demand.holds(worker.ability)).length }))
    .sort((a, b) => a.n - b.n);
  const [rarest] = having;
  const each = having.map(
    ({ demand, n }) => `${count(n, 'worker')} ${n === 1 ? 'has' : 'have'} ${demand.what}`,
  );
  return [
    reason(
      rarest?.demand.cause ?? 'engine',
      `needs ${needsText(needs)} in one worker: ${listed(each)}, but none has all of it. It starts when such a worker joins, ` +
        'or resubmit with less',
      Object.fromEntries(having.map(({ demand, n }) => [demand.cause, n])),
    ),
  ];
}

function engineText({ engine, engineVersion, versionRange }: Needs): string {
  if (engineVersion !== null) return `${engine} ${engineVersion}`;
  return versionRange === null ? engine : `${engine} ${rangeText(versionRange)}`;
}

function engineMissing(needs: Needs, workers: readonly WhyWorker[]): [string, Reason['figures']] {
  const engines = [...new Set(workers.flatMap((worker) => [...worker.ability.engines.keys()]))].sort();
  const there = engines.length === 0 ? 'no engine' : listed(engines);
  return [
    `needs ${needs.engine}, which no worker has; the ${count(workers.length, 'worker')} of the farm ` +
      `${workers.length === 1 ? 'has' : 'have'} ${there}. It starts when a worker with ${needs.engine} joins: ` +
      './farmhand doctor says how to get it',
    { workers: workers.length, withEngine: 0 },
  ];
}

function versionMissing(
  { needs, path }: Pick<WhyStep, 'needs' | 'path'>,
  offering: readonly WhyWorker[],
): [string, Reason['figures']] {
  const versions = countBy(offering, (worker) => worker.ability.engines.get(needs.engine) ?? '');
  const there = listed(versions.map(([version, n]) => `${version} (${count(n, 'worker')})`));
  const figures = { wanted: needs.engineVersion ?? needs.versionRange, workers: offering.length };
  if (needs.engineVersion !== null)
    return [
      `is rendered with ${needs.engine} ${needs.engineVersion}, which no worker has any more; there is ${there}. It goes on ` +
        'when a worker with that version joins, or resubmit the job to take another version',
      figures,
    ];
  return [
    `needs ${engineText(needs)}; the farm has ${there}. It starts when a worker with such a version joins, or resubmit with ` +
      `${path}requires.engineVersion=${versions[0]?.[0] ?? ''}`,
    figures,
  ];
}

/** What is asked for beside the engine. */
function hardware(needs: Needs, path: string): Demand[] {
  const demands: Demand[] = [];
  const { cores, memoryBytes, gpus, tags, site, roots } = needs;
  const have = (n: number): string => (n === 1 ? 'the only worker' : 'the largest worker');
  if (typeof cores === 'number')
    demands.push({
      cause: 'cores',
      what: `${count(cores, 'core')} for each task`,
      holds: (ability) => coresOf(ability) >= cores,
      instead: (workers) =>
        `${have(workers.length)} with ${needs.engine} has ${largest(workers, coresOf)}. It starts when such a worker joins, ` +
        `or resubmit with ${path}requires.cores=${largest(workers, coresOf)}`,
      figures: (workers) => ({ wanted: cores, largest: largest(workers, coresOf) }),
    });
  if (memoryBytes !== null)
    demands.push({
      cause: 'memory',
      what: `${formatByteSize(memoryBytes)} of memory for each task`,
      holds: (ability) => memoryOf(ability) >= memoryBytes,
      instead: (workers) =>
        `${have(workers.length)} with ${needs.engine} has ${formatByteSize(largest(workers, memoryOf))}. It starts when such a ` +
        `worker joins, or resubmit with a smaller ${path}requires.memory`,
      figures: (workers) => ({ wantedBytes: memoryBytes, largestBytes: largest(workers, memoryOf) }),
    });
  if (gpus > 0)
    demands.push({
      cause: 'gpus',
      what: count(gpus, 'GPU'),
      holds: (ability) => ability.gpus >= gpus,
      instead: (workers) => {
        const most = largest(workers, (ability) => ability.gpus);
        const there =
          most === 0 ? `no worker with ${needs.engine} has one` : `no worker has more than ${most}`;
        return `${there}. It starts when such a worker joins, or resubmit with ${path}requires.gpus=${most}`;
      },
      figures: (workers) => ({ wanted: gpus, largest: largest(workers, (ability) => ability.gpus) }),
    });
  if (tags.length > 0)
    demands.push({
      cause: 'tags',
      what: `the tag${tags.length === 1 ? '' : 's'} ${listed(tags)}`,
      holds: (ability) => tags.every((tag) => ability.tags.has(tag)),
      instead: (workers) => {
        const each = tags.map((tag) => {
          const n = workers.filter((worker) => worker.ability.tags.has(tag)).length;
          return `${n === 0 ? 'no worker has' : n === 1 ? '1 worker has' : `${n.toLocaleString('en')} workers have`} ${tag}`;
        });
        const all = tags.length === 1 ? '' : ', and none has all of them';
        return `${listed(each)}${all}. Give a worker the tag in FARMHAND_WORKER_TAGS, or resubmit without it`;
      },
      figures: (workers) => ({ wanted: tags.join(','), workers: workers.length }),
    });
  for (const root of roots) demands.push(rootDemand(root));
  if (site !== null)
    demands.push({
      cause: 'site',
      what: `the site ${site}`,
      holds: (ability) => ability.site === site,
      instead: (workers) => {
        const sites = countBy(workers, (worker) => worker.ability.site ?? 'no site');
        const there = listed(sites.map(([name, n]) => `${name} (${count(n, 'worker')})`));
        return `those with ${needs.engine} are at ${there}. It starts when one joins there, or resubmit with ${path}requires.preferSite in its place`;
      },
      figures: (workers) => ({ wanted: site, workers: workers.length }),
    });
  return demands;
}

/** Shared storage is mounted by people: the farm can only say where it is missing. */
function rootDemand(root: string): Demand {
  const having = (workers: readonly WhyWorker[]): number =>
    workers.filter((worker) => worker.ability.roots.has(root)).length;
  return {
    cause: 'root',
    what: `storage root ${root}`,
    holds: (ability) => ability.roots.has(root),
    instead: (workers) =>
      `${having(workers) === 0 ? 'no worker has' : `${count(having(workers), 'worker')} have`} it mounted. It starts when one mounts it: ./farmhand roots says where it is looked for`,
    figures: (workers) => ({ wanted: root, workers: having(workers) }),
  };
}

/** Whole cores of a worker; a slot's share is rounded. */
const coresOf = (ability: Ability): number => Math.round(ability.coresPerSlot * ability.slots * 10) / 10;
const memoryOf = (ability: Ability): number => ability.memoryBytesPerSlot * ability.slots;

const largest = (workers: readonly WhyWorker[], of: (ability: Ability) => number): number =>
  Math.max(0, ...workers.map((worker) => of(worker.ability)));

/** The most frequent first. */
function countBy(workers: readonly WhyWorker[], of: (worker: WhyWorker) => string): [string, number][] {
  const counts = new Map<string, number>();
  for (const worker of workers) counts.set(of(worker), (counts.get(of(worker)) ?? 0) + 1);
  return [...counts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
}
