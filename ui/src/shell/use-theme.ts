import { useColorMode } from '@vueuse/core';
import { computed, type ComputedRef } from 'vue';

/** Dark unless somebody chose otherwise; `public/theme.js` reads the same choice before the first paint. */
export function useTheme(): { dark: ComputedRef<boolean>; toggle: () => void } {
  // VueUse would pause transitions with an inline style element, which the Content-Security-Policy forbids.
  const mode = useColorMode({
    storageKey: 'farmhand-theme',
    initialValue: 'dark',
    disableTransition: false,
  });
  const dark = computed(() => mode.value === 'dark');
  return { dark, toggle: () => (mode.value = dark.value ? 'light' : 'dark') };
}
