import { onScopeDispose, watch } from 'vue';
import { useRouter } from 'vue-router';
import type { JobSummary } from '../../../../src/shared/contracts/messages.ts';
import { isEndedJob } from '../../../../src/shared/contracts/realtime.ts';
import { enterRoom } from '../../realtime/use-farm-socket.ts';
import { useNotices } from '../../common/use-notices.ts';
import { useJobBadge } from './use-job-badge.ts';
import { endBody, endTitle, isNews } from './watch-text.ts';
import { useWatchedJobs } from './watched-jobs.ts';

/** Tells of watched jobs when they end, whatever page is open, and shows the newest one's progress in the tab's icon. */
export function useJobNews(): void {
  const router = useRouter();
  const { say } = useNotices();
  const { ids, forget } = useWatchedJobs();
  const badge = useJobBadge();
  const rooms = new Map<string, () => void>();
  const states = new Map<string, JobSummary['state']>();

  function tell(job: JobSummary): void {
    const title = endTitle(job);
    const open = (): void => void router.push(`/jobs/${job.id}`);
    const ok = job.state === 'completed';
    say(`${title}. ${endBody(job)}`, ok, { label: 'Show', run: open });
    if (!('Notification' in window) || Notification.permission !== 'granted') return;
    const note = new Notification(title, { body: endBody(job), tag: `farmhand-${job.id}` });
    note.onclick = () => {
      window.focus();
      open();
      note.close();
    };
  }

  function take(job: JobSummary): void {
    const before = states.get(job.id);
    states.set(job.id, job.state);
    if (isNews(before, job.state)) tell(job);
    if (ids.value[0] === job.id) badge.show(job);
    if (isEndedJob(job.state)) forget(job.id);
  }

  const leave = (id: string): void => {
    badge.forget(id);
    rooms.get(id)?.();
    rooms.delete(id);
    states.delete(id);
  };
  watch(
    ids,
    (now) => {
      for (const id of [...rooms.keys()]) if (!now.includes(id)) leave(id);
      for (const id of now)
        if (!rooms.has(id))
          rooms.set(
            id,
            enterRoom(`job:${id}`, {
              snapshot: ({ job }) => (job ? take(job) : forget(id)),
              patch: ({ job }) => job && take(job),
              refused: () => forget(id),
            }),
          );
    },
    { immediate: true },
  );
  onScopeDispose(() => [...rooms.keys()].forEach(leave));
}
