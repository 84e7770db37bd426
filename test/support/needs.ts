import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';

/** What a test cannot do without, beside what the farm brings along. */
export interface Need {
  /** To be given to `it.skipIf` or `describe.skipIf`; false in CI, where what is missing has to fail. */
  skip: boolean;
  /** To be put behind the test's name: why it is skipped, or nothing. */
  note: string;
}

/** Programs on the PATH (`/usr/sbin` and `/sbin` too), and `root` for what only root may do. */
export function need(...things: string[]): Need {
  const missing = things.filter((thing) => (thing === 'root' ? process.getuid?.() !== 0 : !isOnPath(thing)));
  if (missing.length === 0 || process.env['CI'] !== undefined) return { skip: false, note: '' };
  const words = missing.map((thing) => (thing === 'root' ? 'not run as root' : `no ${thing} on the PATH`));
  return { skip: true, note: ` (skipped: ${words.join(', ')})` };
}

function isOnPath(program: string): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => {
    try {
      accessSync(join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
