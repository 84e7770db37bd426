import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { messageOf } from '../domain/errors.ts';
import { EVENT_TYPES, type StreamName } from './definition.ts';
import { OutputReader, type OutputEvent, type OutputRules } from './output-reader.ts';

/**
 * Logs that a definition is held against, `replays/<name>.log` beside it, with what they must be understood as in
 * `replays/<name>.events.json`. The first line says where the log comes from: `# recorded: POV-Ray 3.7.0.10 …` of a real
 * run, or `# from documentation: …` of lines that the program's documentation shows. Each further line begins with the
 * file descriptor that it came on: `1 ` stdout, `2 ` stderr, `3 ` replies.
 */
const HEADER = /^# (recorded|from documentation): (\S.*)$/;
const LINE = /^([123]) ?(.*)$/;
const STREAM_OF: Readonly<Record<string, StreamName>> = { 1: 'stdout', 2: 'stderr', 3: 'replies' };

/** An event, and the line of the log that it stands on, from 1. */
export type ReplayEvent = { line: number } & OutputEvent;

/** A line that is not understood as it must be. */
export interface Difference {
  line: number;
  wanted: ReplayEvent | undefined;
  got: ReplayEvent | undefined;
  /** The place in `events` of what was matched, if anything was. */
  rule: number | undefined;
}

export interface Replay {
  /** Path of the log. */
  log: string;
  /** null: a log that is not kept as a replay. */
  source: 'recorded' | 'from documentation' | null;
  events: ReplayEvent[];
  /** Places in `events` of the definition of what has matched. */
  tried: Set<number>;
  differences: Difference[];
  /** What is wrong with the files themselves, as `FILE:LINE:COLUMN: …`. */
  problems: string[];
}

/** The logs that are kept beside a definition. */
export function replaysOf(folder: string): string[] {
  const place = join(folder, 'replays');
  if (!existsSync(place)) return [];
  return readdirSync(place)
    .filter((name) => name.endsWith('.log'))
    .sort()
    .map((name) => join(place, name));
}

/** Where a log says that it comes from; null for a log that is kept as no replay. */
export function sourceOf(log: string): Replay['source'] {
  return sourceIn(readFileSync(log, 'utf8').split('\n', 1)[0] ?? '');
}

function sourceIn(firstLine: string): Replay['source'] {
  return (HEADER.exec(firstLine.trimEnd())?.[1] as Replay['source'] | undefined) ?? null;
}

/**
 * Reads a log by a definition's patterns.
 * @param log a replay, or any text that the program printed
 */
export function replay(log: string, rules: OutputRules): Replay {
  const lines = readFileSync(log, 'utf8').split(/\r\n|\n|\r/);
  const source = sourceIn(lines[0] ?? '');
  const events: ReplayEvent[] = [];
  const matched: number[] = [];
  const problems: string[] = [];
  const read: number[] = [];
  const reader = new OutputReader(rules, (event, { line, rule }) => {
    events.push({ line: (read[line] ?? 0) + 1, ...event });
    matched.push(rule);
  });
  for (const [i, text] of lines.entries()) {
    if (text === '' || (source !== null && i === 0)) continue;
    const parts = source === null ? null : LINE.exec(text);
    if (source !== null && !parts) {
      problems.push(`${log}:${i + 1}:1: a line begins with 1, 2 or 3, the stream it came on`);
      continue;
    }
    read.push(i);
    reader.read(parts ? STREAM_OF[parts[1] ?? ''] : undefined, parts?.[2] ?? text);
  }
  reader.end();
  const wanted = wantedEvents(log, source !== null, problems);
  const differences = wanted ? differencesOf(wanted, events, matched) : [];
  return { log, source, events, tried: new Set(matched), differences, problems };
}

const eventList = z.array(z.looseObject({ line: z.int(), type: z.enum(EVENT_TYPES) }));

function wantedEvents(log: string, isKept: boolean, problems: string[]): ReplayEvent[] | undefined {
  const file = log.replace(/\.log$/, '.events.json');
  if (file === log || !existsSync(file)) {
    if (isKept) problems.push(`${log}:1:1: ${file} is missing: what must the log be understood as?`);
    return undefined;
  }
  try {
    return eventList.parse(JSON.parse(readFileSync(file, 'utf8')));
  } catch (error) {
    problems.push(`${file}:1:1: is no list of events with \`line\` and \`type\`: ${messageOf(error)}`);
    return undefined;
  }
}

function differencesOf(
  wanted: readonly ReplayEvent[],
  got: readonly ReplayEvent[],
  matched: readonly number[],
): Difference[] {
  const lines = [...new Set([...wanted, ...got].map(({ line }) => line))].sort((a, b) => a - b);
  return lines.flatMap((line) => {
    const want = wanted.find((event) => event.line === line);
    const at = got.findIndex((event) => event.line === line);
    const have = got[at];
    return isDeepStrictEqual(want, have) ? [] : [{ line, wanted: want, got: have, rule: matched[at] }];
  });
}
