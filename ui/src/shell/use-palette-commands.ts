import { watchDebounced } from '@vueuse/core';
import { computed, ref, shallowRef, watch, type ComputedRef, type Ref } from 'vue';
import { useRoute, useRouter } from 'vue-router';
import type { JobSummary } from '../../../src/shared/contracts/messages.ts';
import { farmApi } from '../api/farm-api.ts';
import { verbsFor } from '../controls/control-text.ts';
import { useJobControls, type PendingConfirm } from '../controls/use-job-controls.ts';
import { findCommands, jobHint, type PaletteCommand } from './palette-commands.ts';
import { PLACES } from './places.ts';
import { useTheme } from './use-theme.ts';

interface Palette {
  text: Ref<string>;
  found: ComputedRef<PaletteCommand[]>;
  searching: Ref<boolean>;
  pending: Ref<PendingConfirm | null>;
}

/** Everything that can be reached by its name: places, jobs, workers, templates, and what can be done with the job in view. */
export function usePaletteCommands(showShortcuts: () => void): Palette {
  const router = useRouter();
  const { dark, toggle } = useTheme();
  const { pending, choose } = useJobControls();
  const text = ref('');
  const { jobs, searching } = useJobSearch(text);
  const go = (to: string) => () => void router.push(to);

  const workers = useLoaded(async () =>
    (await farmApi.workers()).workers.map((worker): PaletteCommand => ({
      id: `worker ${worker.id}`,
      group: 'Workers',
      label: worker.id,
      icon: 'i-lucide-server',
      hint: worker.state,
      run: go(`/workers/${encodeURIComponent(worker.id)}`),
    })),
  );
  const templates = useLoaded(async () =>
    (await farmApi.templates()).templates.map((template): PaletteCommand => ({
      id: `template ${template.name}`,
      group: 'Templates',
      label: template.label.slice(0, 200),
      icon: 'i-lucide-layout-template',
      run: go(`/templates/${encodeURIComponent(template.name)}`),
    })),
  );

  const atHand = useJobAtHand();
  const verbs = computed(() => {
    const job = atHand.value;
    if (!job) return [];
    return verbsFor(job).map((choice): PaletteCommand => ({
      id: `verb ${choice.verb}`,
      group: 'This job',
      label: choice.label,
      icon: choice.icon,
      hint: job.name.slice(0, 60),
      run: () => choose(job, choice),
    }));
  });

  const places = PLACES.map(({ to, label, icon, key }): PaletteCommand => ({
    id: `place ${to}`,
    group: 'Go to',
    label,
    icon,
    hint: key,
    run: go(to),
  }));
  const page = computed(() => pageCommands(dark.value, toggle, showShortcuts));
  const jobCommands = computed(() =>
    jobs.value.map((job): PaletteCommand => ({
      id: `job ${job.id}`,
      group: 'Jobs',
      label: job.name.slice(0, 200),
      icon: 'i-lucide-clapperboard',
      hint: jobHint(job),
      run: go(`/jobs/${job.id}`),
    })),
  );

  const found = computed(() => {
    const named = findCommands(
      [...verbs.value, ...places, ...workers.value, ...templates.value, ...page.value],
      text.value,
    );
    const at = named.findIndex(({ group }) => group !== 'This job' && group !== 'Go to');
    const before = at < 0 ? named : named.slice(0, at);
    return [...before, ...jobCommands.value, ...(at < 0 ? [] : named.slice(at))];
  });
  return { text, found, searching, pending };
}

function pageCommands(dark: boolean, toggle: () => void, showShortcuts: () => void): PaletteCommand[] {
  return [
    {
      id: 'theme',
      group: 'Page',
      label: dark ? 'Light theme' : 'Dark theme',
      icon: dark ? 'i-lucide-sun' : 'i-lucide-moon',
      hint: 't',
      run: toggle,
    },
    {
      id: 'shortcuts',
      group: 'Page',
      label: 'Keyboard shortcuts',
      icon: 'i-lucide-keyboard',
      hint: '?',
      run: showShortcuts,
    },
  ];
}

/** The farm searches jobs by more than their names. */
function useJobSearch(text: Ref<string>): { jobs: Ref<JobSummary[]>; searching: Ref<boolean> } {
  const jobs = shallowRef<JobSummary[]>([]);
  const searching = ref(false);
  async function search(): Promise<void> {
    const wanted = text.value.trim();
    searching.value = true;
    try {
      const query = `"${wanted.slice(0, 200).replace(/[\\"]/g, '\\$&')}"`;
      const page = await farmApi.jobs({ limit: 12, ...(wanted === '' ? {} : { query }) });
      if (wanted === text.value.trim()) jobs.value = page.jobs;
    } catch {
      jobs.value = []; // The status pill says that the farm is away.
    } finally {
      searching.value = false;
    }
  }
  watchDebounced(text, () => void search(), { debounce: 200, immediate: true });
  return { jobs, searching };
}

/** The job whose page is open. */
function useJobAtHand(): Ref<JobSummary | null> {
  const route = useRoute();
  const job = shallowRef<JobSummary | null>(null);
  watch(
    () => (/^\/jobs\/[^/]+/.test(route.path) ? String(route.params['id']) : null),
    async (id) => {
      job.value = null;
      const found = id === null ? null : await farmApi.job(id).catch(() => null);
      if (id === null || route.params['id'] === id) job.value = found;
    },
    { immediate: true },
  );
  return job;
}

/** Asked for once; nothing while it is not there. */
function useLoaded(ask: () => Promise<PaletteCommand[]>): Ref<PaletteCommand[]> {
  const loaded = shallowRef<PaletteCommand[]>([]);
  void ask()
    .then((commands) => (loaded.value = commands))
    .catch(() => undefined);
  return loaded;
}
