import type { JobSummary } from '../../shared/contracts/messages.ts';

/** How to get an engine that is missing. */
export function engineHint(engine: string): string {
  if (engine === 'blender' || engine === 'ffmpeg') return `./farmhand engines install ${engine}`;
  if (engine === 'povray') return "your system's package povray (Debian: apt install povray)";
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
