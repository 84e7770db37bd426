import { computed, type WritableComputedRef } from 'vue';
import { useRoute, useRouter } from 'vue-router';

/** A value kept in the address (`?name=value`), so that a view can be shared and survives a reload. Empty: not there. */
export function useRouteQuery(name: string): WritableComputedRef<string> {
  const route = useRoute();
  const router = useRouter();
  return computed({
    get: () => {
      const value = route.query[name];
      return typeof value === 'string' ? value : '';
    },
    set: (value) => {
      const query = { ...route.query, [name]: value === '' ? undefined : value };
      void router.replace({ query, hash: route.hash });
    },
  });
}
