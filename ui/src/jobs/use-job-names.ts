import { reactive } from 'vue';
import { farmApi } from '../api/farm-api.ts';

const names = reactive(new Map<string, string>());

/** Names of jobs by id, asked for once each; the id stands in until the name is there, or where it cannot be had. */
export function useJobNames(): (id: string) => string {
  return (id) => {
    const known = names.get(id);
    if (known !== undefined) return known;
    void ask(id);
    return id;
  };
}

const asked = new Set<string>();

async function ask(id: string): Promise<void> {
  if (asked.has(id)) return;
  asked.add(id);
  try {
    names.set(id, (await farmApi.job(id)).name.slice(0, 200));
  } catch {
    asked.delete(id); // The id says enough; the next look asks again.
  }
}
