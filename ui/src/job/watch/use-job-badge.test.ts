import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { effectScope, nextTick, ref, type EffectScope } from 'vue';
import type { JobSummary } from '../../../../src/shared/contracts/messages.ts';
import { useJobBadge } from './use-job-badge.ts';

const frames = { total: 4, done: 2, failed: 0 } as JobSummary['frames'];
const job = (state: JobSummary['state']): Pick<JobSummary, 'id' | 'state' | 'frames'> => ({
  id: 'j',
  state,
  frames,
});

describe('the badge of a watched job', () => {
  let scope: EffectScope;
  const visibility = ref<DocumentVisibilityState>('hidden');
  beforeEach(() => {
    vi.useFakeTimers();
    visibility.value = 'hidden';
    scope = effectScope();
  });
  afterEach(() => {
    scope.stop();
    vi.useRealTimers();
  });

  it('says what became of it until somebody has looked at the page', async () => {
    const draw = vi.fn();
    const badge = scope.run(() => useJobBadge(draw, visibility));
    badge?.show(job('running'));
    badge?.show(job('completed'));
    badge?.forget('j');
    vi.advanceTimersByTime(60_000);
    expect(draw).toHaveBeenLastCalledWith({ share: 1, colour: '#009e73' });
    visibility.value = 'visible';
    await nextTick();
    vi.advanceTimersByTime(10_000);
    expect(draw).toHaveBeenLastCalledWith(null);
  });

  it('goes with a job that is not watched any more', () => {
    const draw = vi.fn();
    const badge = scope.run(() => useJobBadge(draw, visibility));
    badge?.show(job('running'));
    badge?.forget('j');
    expect(draw).toHaveBeenLastCalledWith(null);
  });
});
