import { useLocalStorage } from '@vueuse/core';
import { computed, type ComputedRef, type Ref } from 'vue';

/** Jobs that somebody wants to hear of when they end: by this browser, newest first. */
const MOST = 10;
const watched = useLocalStorage<string[]>('farmhand-watched-jobs', []);

/** Only what this page wrote is believed. */
const isList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((id) => typeof id === 'string');

export function useWatchedJobs(): {
  ids: ComputedRef<string[]>;
  toggle: (id: string) => Promise<Answer>;
  forget: (id: string) => void;
} {
  const ids = computed(() => (isList(watched.value) ? watched.value.slice(0, MOST) : []));
  const forget = (id: string): void => {
    (watched as Ref<string[]>).value = ids.value.filter((other) => other !== id);
  };
  return {
    ids,
    forget,
    toggle: async (id) => {
      if (ids.value.includes(id)) {
        forget(id);
        return 'forgotten';
      }
      watched.value = [id, ...ids.value].slice(0, MOST);
      return await askForLeave();
    },
  };
}

/** `told`: the browser will show it; `here`: only this page will, as long as it is open. */
export type Answer = 'told' | 'here' | 'forgotten';

/** Browsers ask only after a click, and only once. */
async function askForLeave(): Promise<Answer> {
  if (!('Notification' in window)) return 'here';
  const leave =
    Notification.permission === 'default' ? await Notification.requestPermission() : Notification.permission;
  return leave === 'granted' ? 'told' : 'here';
}
