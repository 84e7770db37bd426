import { useEventListener } from '@vueuse/core';

/** Ticking a box is no typing. */
const FIELDS =
  'input:not([type=checkbox], [type=radio], [type=button], [type=range]), textarea, select, [contenteditable]';

/** Whether somebody is typing: then single letters are text, not commands. */
export function isTyping(target: EventTarget | null): boolean {
  return target instanceof HTMLElement && target.closest(FIELDS) !== null;
}

/**
 * Single-key commands of a view, for as long as it lives. Not while typing, not with a modifier held, not in front of an
 * open dialog.
 * @param first before views that hear the same key: what is marked or open there is meant
 */
export function useKeys(commands: Record<string, () => void>, first = false): void {
  useEventListener(
    document,
    'keydown',
    (event: KeyboardEvent) => {
      if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || isTyping(event.target))
        return;
      if (document.querySelector('[role="dialog"]') !== null) return;
      const command = commands[event.key];
      if (command === undefined) return;
      event.preventDefault();
      command();
    },
    { capture: first },
  );
}
