import { useDocumentVisibility, useTimeoutFn } from '@vueuse/core';
import { watch } from 'vue';
import type { JobSummary } from '../../../../src/shared/contracts/messages.ts';
import { badgeFavicon } from './favicon-badge.ts';

/** So long what became of a job is seen by somebody who looks at the page. */
const SEEN_AFTER_MS = 10_000;

const COLOURS: Partial<Record<JobSummary['state'], string>> = {
  completed: '#009e73',
  failed: '#d55e00',
  held: '#cc79a7',
  cancelled: '#a1a1aa',
};

type Badged = Pick<JobSummary, 'id' | 'state' | 'frames'>;

interface JobBadge {
  show: (job: Badged) => void;
  /** It is not watched any more; what became of it stays until somebody has looked. */
  forget: (id: string) => void;
}

/** How far a job is, in the tab's icon; what became of it goes away once somebody has looked at the page. */
export function useJobBadge(draw = badgeFavicon, visibility = useDocumentVisibility()): JobBadge {
  let shown: { id: string; ended: boolean } | null = null;
  const clear = (): void => {
    shown = null;
    draw(null);
  };
  const seen = useTimeoutFn(clear, SEEN_AFTER_MS, { immediate: false });
  const look = (): void => {
    if (shown?.ended === true && visibility.value === 'visible') seen.start();
    else seen.stop();
  };
  watch(visibility, look);

  return {
    show: ({ id, state, frames }) => {
      const colour = COLOURS[state];
      const share = colour === undefined ? frames.done / Math.max(1, frames.total) : 1;
      shown = { id, ended: colour !== undefined };
      draw({ share, colour: colour ?? (frames.failed > 0 ? '#e69f00' : '#56b4e9') });
      look();
    },
    forget: (id) => {
      if (shown?.id === id && !shown.ended) clear();
    },
  };
}
