import type { WhyWorker } from './why-input.ts';
import { isAre, listed, moment, span } from './wording.ts';

/** Why workers that are known take no work: `1 paused (w1: new driver)`; with a verb, `1 is paused (…)`. */
export function awayText(workers: readonly WhyWorker[], nowMs: number, verb = false): string[] {
  return Object.entries(Object.groupBy(workers, (worker) => awayKind(worker))).flatMap(([kind, some]) =>
    some === undefined
      ? []
      : [
          `${some.length.toLocaleString('en')} ${verb ? `${isAre(some.length)} ` : ''}${kind}${details(kind, some, nowMs)}`,
        ],
  );
}

/** What to do about workers that are away, if there is something. */
export function awayAdvice(workers: readonly WhyWorker[]): string {
  const back = workers.find(({ pause }) => pause !== null && pause.by !== 'timetable');
  if (back !== undefined) return `Let it work again with ./farmhand workers ${back.id} resume`;
  const closed = workers.find(({ pause }) => pause?.by === 'timetable');
  if (closed !== undefined)
    return `Let it work sooner with another timetable (./farmhand workers ${closed.id} timetable always)`;
  if (workers.some(({ presence }) => presence === 'lost' || presence === 'offline'))
    return 'Start one again on its machine (./farmhand worker)';
  return 'They come back by themselves';
}

function awayKind({ presence, pause }: WhyWorker): string {
  if (presence === 'lost' || presence === 'offline') return presence;
  switch (pause?.by) {
    case 'wrangler':
      return 'paused';
    case 'owner':
      return 'with its owner';
    case 'quarantine':
      return 'in quarantine';
    case 'timetable':
      return 'outside its timetable';
    case undefined:
      return presence === 'leaving' ? 'about to leave' : presence === 'paused' ? 'paused' : 'just back';
  }
}

function details(kind: string, workers: readonly WhyWorker[], nowMs: number): string {
  const each = workers.map((worker) => {
    const { id, pause, seenAtMs } = worker;
    if (kind === 'lost' || kind === 'offline')
      return `${id}, last heard ${span((nowMs - seenAtMs) / 1_000)} ago`;
    const until = !pause?.until ? '' : ` until ${moment(Date.parse(pause.until), nowMs)}`;
    return `${id}${until}${pause === null || pause.reason === '' ? '' : `: ${pause.reason.replace(/\.$/, '')}`}`;
  });
  return ` (${listed(each, 3)})`;
}
