import { computed, shallowRef, type ComputedRef, type ShallowRef } from 'vue';

export interface Selection {
  ids: ShallowRef<ReadonlySet<string>>;
  size: ComputedRef<number>;
  /** Selects a row or lets it go; with `range` every row from the last one on. */
  toggle: (id: string, order: readonly string[], range?: boolean) => void;
  selectAll: (order: readonly string[]) => void;
  clear: () => void;
}

/** Rows that somebody selected, by id: they stay selected wherever they move. */
export function useSelection(): Selection {
  const ids = shallowRef<ReadonlySet<string>>(new Set());
  let anchor: string | undefined;

  const toggle: Selection['toggle'] = (id, order, range = false) => {
    const next = new Set(ids.value);
    const from = anchor === undefined ? -1 : order.indexOf(anchor);
    const to = order.indexOf(id);
    if (range && from >= 0 && to >= 0)
      for (const each of order.slice(Math.min(from, to), Math.max(from, to) + 1)) next.add(each);
    else if (next.has(id)) next.delete(id);
    else next.add(id);
    anchor = id;
    ids.value = next;
  };

  return {
    ids,
    size: computed(() => ids.value.size),
    toggle,
    selectAll: (order) => (ids.value = new Set(order)),
    clear: () => {
      anchor = undefined;
      ids.value = new Set();
    },
  };
}
