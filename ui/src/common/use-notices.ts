import { readonly, ref, type DeepReadonly, type Ref } from 'vue';

export interface Notice {
  id: number;
  text: string;
  ok: boolean;
  /** What can be done about it, once: the way back. */
  action?: { label: string; run: () => void };
}

const SHOWN_MS = 6_000;
const UNDO_MS = 10_000;
const AT_MOST = 4;
const notices = ref<Notice[]>([]);
let lastId = 0;

function dismiss(id: number): void {
  notices.value = notices.value.filter((notice) => notice.id !== id);
}

function say(text: string, ok: boolean, action?: Notice['action']): void {
  const id = ++lastId;
  const notice: Notice = { id, text, ok, ...(action === undefined ? {} : { action }) };
  notices.value = [...notices.value, notice].slice(-AT_MOST);
  if (ok) setTimeout(() => dismiss(id), action === undefined ? SHOWN_MS : UNDO_MS);
}

/** Short messages about what somebody just did. They leave by themselves; failures stay until they are dismissed or pushed out. */
export function useNotices(): {
  notices: DeepReadonly<Ref<Notice[]>>;
  say: typeof say;
  dismiss: typeof dismiss;
} {
  return { notices: readonly(notices), say, dismiss };
}
