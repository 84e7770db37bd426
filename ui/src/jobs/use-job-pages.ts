import { ref, type Ref } from 'vue';
import type { JobsPage } from '../../../src/shared/contracts/api.ts';
import { farmApi } from '../api/farm-api.ts';
import { sentenceOf } from '../api/problem.ts';
import type { JobList } from './job-list.ts';

const PAGE = 500;
/** What is asked for first fills the screen at once. */
const FIRST_PAGE = 100;

interface JobsRequest {
  query?: string;
  sort: string;
}

interface JobPages {
  loading: Ref<boolean>;
  problem: Ref<string>;
  hasMore: Ref<boolean>;
  /** More match than were sorted: so many were; 0: all. */
  sortedAmong: Ref<number>;
  /** Goes on from a place; null: from the beginning, as far as the list went before. */
  load: (from: string | null) => Promise<void>;
  /** Another query: nothing that was asked before counts any more. */
  begin: () => void;
  loadMore: () => Promise<void>;
}

/** What the live list does not show, page by page into `list`. A request of null: the query is not understood. */
export function useJobPages(
  list: JobList,
  request: Readonly<Ref<JobsRequest | null>>,
  { arrange, flush }: { arrange: () => void; flush: { request: () => void } },
): JobPages {
  const loading = ref(true);
  const problem = ref('');
  const hasMore = ref(false);
  const sortedAmong = ref(0);
  let cursor: string | null = null;
  let loaded = 0;
  let asked = 0;

  /** @param from where to go on; null: from the beginning, as far as the list went before */
  async function load(from: string | null): Promise<void> {
    if (request.value === null) {
      loading.value = false;
      return;
    }
    const mine = ++asked;
    const wanted = from === null ? Math.max(PAGE, loaded) : PAGE;
    loading.value = true;
    try {
      const { got, next } = await readPages(request.value, from, wanted, (page) => {
        if (mine !== asked) return false;
        if (from === null) list.addPage(page.jobs);
        else list.append(page.jobs);
        const ids = page.jobs.map((job) => job.id);
        list.tell(ids, new Set(ids));
        sortedAmong.value = page.sortedAmong ?? 0;
        flush.request();
        return true;
      });
      if (mine !== asked) return;
      loaded = from === null ? got : loaded + got;
      cursor = next;
      hasMore.value = next !== null;
      problem.value = '';
    } catch (error) {
      if (mine === asked) problem.value = sentenceOf(error);
    } finally {
      if (mine === asked) {
        loading.value = false;
        arrange();
        list.queryAnswered();
      }
    }
  }

  function begin(): void {
    list.beginQuery();
    // What is still on its way, and where it would go on, belong to the old query.
    asked += 1;
    cursor = null;
    loaded = 0;
    loading.value = true;
  }

  async function loadMore(): Promise<void> {
    if (cursor !== null && !loading.value) await load(cursor);
  }

  return { loading, problem, hasMore, sortedAmong, load, begin, loadMore };
}

/**
 * Reads pages until there are enough jobs or no more.
 * @param take tells whether they are still wanted
 */
async function readPages(
  request: JobsRequest,
  from: string | null,
  wanted: number,
  take: (page: JobsPage) => boolean,
): Promise<{ got: number; next: string | null }> {
  let got = 0;
  let next = from;
  do {
    const page = await farmApi.jobs(
      next === null ? { ...request, limit: FIRST_PAGE } : { ...request, limit: PAGE, cursor: next },
    );
    if (!take(page)) break;
    got += page.jobs.length;
    next = page.next;
  } while (next !== null && got < wanted && got > 0);
  return { got, next };
}
