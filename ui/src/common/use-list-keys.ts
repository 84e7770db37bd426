import { ref, watch, type Ref } from 'vue';

/** The chosen row of a list below a text field (a combobox): arrows choose, Enter takes. */
export function useListKeys(
  count: () => number,
  take: (index: number) => void,
  first = -1,
): { at: Ref<number>; onKey: (event: KeyboardEvent) => boolean } {
  const at = ref(first);
  watch(count, () => (at.value = first));

  /** @returns whether the key was one of the list's */
  function onKey(event: KeyboardEvent): boolean {
    const size = count();
    if (size === 0) return false;
    if (event.key === 'ArrowDown') at.value = (at.value + 1) % size;
    else if (event.key === 'ArrowUp') at.value = (Math.max(at.value, 0) - 1 + size) % size;
    else if ((event.key === 'Enter' || event.key === 'Tab') && at.value >= 0) take(at.value);
    else return false;
    event.preventDefault();
    return true;
  }

  return { at, onKey };
}
