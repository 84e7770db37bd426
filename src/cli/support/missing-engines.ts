import { ALLOW_COMMAND } from '../../shared/engines/engine-variables.ts';
import type { JobSummary } from '../../shared/contracts/messages.ts';

/** Engines that come as packages of the system, with Debian's name. */
const PACKAGES: Readonly<Record<string, string>> = {
  povray: 'povray',
  html: 'chromium',
  synfig: 'synfig',
  inkscape: 'inkscape',
  imagemagick: 'imagemagick',
};

/** How to get an engine that is missing. */
export function engineHint(engine: string): string {
  if (engine === 'blender' || engine === 'ffmpeg') return `./farmhand engines install ${engine}`;
  const name = PACKAGES[engine];
  if (name !== undefined) return `your system's package ${name} (Debian: apt install ${name})`;
  if (engine === 'command') return `a worker with ${ALLOW_COMMAND}=1`;
  return 'a worker that has it';
}

/**
 * Why steps stand still that no worker can render: a line for each such engine, or '' when there is none.
 * @param offered ids of engines that a worker has.
 */
export function missingEnginesText(job: JobSummary, offered: ReadonlySet<string>): string {
  const missing = new Map<string, string[]>();
  for (const { name, engine, frames } of job.steps) {
    if (offered.has(engine) || frames.waiting + frames.ready + frames.queued === 0) continue;
    missing.set(engine, [...(missing.get(engine) ?? []), name]);
  }
  return [...missing]
    .map(([engine, steps]) => {
      const waits = steps.length === 1 ? 'waits' : 'wait';
      return `No worker has ${engine}: ${steps.join(', ')} ${waits} until one does (get it: ${engineHint(engine)}).`;
    })
    .join('\n');
}
