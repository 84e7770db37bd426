import { sentenceOf } from '../api/problem.ts';
import { wranglerApi } from '../api/wrangler-api.ts';
import { useNotices } from '../common/use-notices.ts';
import type { SettingBody, SettingRow } from './setting-kinds.ts';

export type SettingPlace = Pick<SettingRow, 'address' | 'project'>;

/** Sets something of the farm and says what came of it, with the way back. */
export function useSetting(changed: () => void): {
  /**
   * @param body null: take it away. @param before what it was; null: there was none.
   * @returns whether the farm did it.
   */
  set: (place: SettingPlace, body: SettingBody | null, before: SettingBody | null) => Promise<boolean>;
} {
  const { say } = useNotices();

  async function set(
    place: SettingPlace,
    body: SettingBody | null,
    before: SettingBody | null,
  ): Promise<boolean> {
    const { address, project } = place;
    try {
      const { message } = await wranglerApi.set(address, body, project === undefined ? {} : { project });
      const undo = { label: 'Set back', run: () => void set(place, before, body) };
      say(message, true, undo);
      changed();
      return true;
    } catch (error) {
      say(sentenceOf(error), false);
      return false;
    }
  }

  return { set };
}
