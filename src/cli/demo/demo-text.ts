import { basename, dirname, relative } from 'node:path';
import { printable } from '../support/output.ts';
import { formatSeconds, formatTable } from '../support/table.ts';
import type { DemoJob } from './run-example.ts';

/** A table of jobs, what went wrong, and where frames and videos lie. */
export function demoText(jobs: readonly DemoJob[]): string {
  const table = formatTable(
    ['JOB', 'ENGINE', 'FRAMES', 'DONE', 'FAILED', 'TIME', 'ID'],
    jobs.map((job) => [
      job.name,
      job.engine,
      String(job.frames),
      String(job.done),
      String(job.failed),
      formatSeconds(job.seconds),
      job.id,
    ]),
  );
  const errors = jobs.flatMap(({ name, error }) => (error === null ? [] : [printable(`${name}: ${error}`)]));
  const places = jobs.flatMap((job) => placesOf(job));
  return [table, ...(errors.length === 0 ? [] : ['', ...errors]), '', ...places].join('\n');
}

/** Videos by their path, frames by the first and last. */
function placesOf({ files }: DemoJob): string[] {
  const videos = files.filter((file) => file.endsWith('.mp4'));
  const frames = files.filter((file) => !file.endsWith('.mp4'));
  const [first, last] = [frames[0], frames.at(-1)];
  return [
    ...videos.map((file) => `video   ${here(file)}`),
    ...(first === undefined || last === undefined
      ? []
      : [
          `frames  ${here(dirname(first))}/ (${basename(first)} … ${basename(last)}, ${frames.length} files)`,
        ]),
  ];
}

/** Relative to where the command was called, unless that is longer. */
function here(path: string): string {
  const short = relative(process.cwd(), path);
  return short.length < path.length && !short.startsWith('..') ? short : path;
}
