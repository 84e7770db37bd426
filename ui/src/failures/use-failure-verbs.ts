import { ref, type Ref } from 'vue';
import type { FailureDetails } from '../../../src/shared/contracts/failure-api.ts';
import { farmApi } from '../api/farm-api.ts';
import { sentenceOf } from '../api/problem.ts';
import { plural } from '../common/units.ts';
import { useNotices } from '../common/use-notices.ts';
import type { PendingConfirm } from '../controls/use-job-controls.ts';

export type Place = FailureDetails['places'][number];
export type FrameVerb = 'retry' | 'skip';

interface FailureVerbs {
  pending: Ref<PendingConfirm | null>;
  /** Asks the farm what would become of the failed frames, place by place, and shows its words; done after a yes. */
  ask: (verb: FrameVerb, places: readonly Place[]) => Promise<void>;
  /** The job takes no further tasks, until somebody resumes it. */
  hold: (place: Place) => Promise<void>;
}

/** Sentences beyond these are counted. */
const MOST_SENTENCES = 5;

/** @param done called after something was done. */
export function useFailureVerbs(done: () => void): FailureVerbs {
  const { say } = useNotices();
  const pending = ref<PendingConfirm | null>(null);

  async function ask(verb: FrameVerb, places: readonly Place[]): Promise<void> {
    const open = places.filter(({ failed }) => failed > 0);
    const frames = open.reduce((sum, { failed }) => sum + failed, 0);
    try {
      const told = await Promise.all(
        open.slice(0, MOST_SENTENCES).map(async (place) => {
          const { message } = await farmApi.control(place.job, verb, { ...chosen(place), dryRun: true });
          return open.length === 1 ? message : `${place.name}, ${place.step}: ${message}`;
        }),
      );
      const more = open.length - told.length;
      if (more > 0) told.push(`The same for ${plural(more, 'further step')}.`);
      pending.value = {
        title: `${verb === 'retry' ? 'Render' : 'Skip'} ${plural(frames, 'failed frame')}${verb === 'retry' ? ' again' : ''}?`,
        text: told.join(' '),
        yes: `${verb === 'retry' ? 'Retry' : 'Skip'} ${plural(frames, 'frame')}`,
        harmless: verb === 'retry',
        run: () => send(verb, open),
      };
    } catch (error) {
      say(sentenceOf(error), false);
    }
  }

  async function send(verb: FrameVerb, places: readonly Place[]): Promise<void> {
    for (const place of places) {
      try {
        const { message, ok } = await farmApi.control(place.job, verb, chosen(place));
        say(places.length === 1 ? message : `${place.name}: ${message}`, ok);
      } catch (error) {
        say(`${place.name}: ${sentenceOf(error)}`, false);
      }
    }
    done();
  }

  async function hold({ job, name }: Place): Promise<void> {
    try {
      const { message } = await farmApi.control(job, 'pause', { dryRun: true });
      pending.value = {
        title: `Hold “${name}”?`,
        text: message,
        yes: 'Hold the job',
        harmless: true,
        run: async () => {
          await steer(job, 'pause');
          done();
        },
      };
    } catch (error) {
      say(sentenceOf(error), false);
    }
  }

  async function steer(job: string, verb: 'pause' | 'resume'): Promise<void> {
    try {
      const { message, ok } = await farmApi.control(job, verb);
      const undo = verb === 'pause' ? { label: 'Undo', run: () => void steer(job, 'resume') } : undefined;
      say(message, ok, ok ? undo : undefined);
    } catch (error) {
      say(sentenceOf(error), false);
    }
  }

  return { pending, ask, hold };
}

const chosen = ({ step, frames }: Place): { step: string; frames: string } => ({ step, frames });
