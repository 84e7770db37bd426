import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { formatPath } from '../contracts/decode.ts';
import { versionInRange } from '../domain/engine-versions.ts';
import type { EngineDefinition } from './definition.ts';
import { OutputRules } from './output-reader.ts';
import { readDefinition, type LoadedDefinition, type ReadOptions } from './read-definition.ts';
import { replay, replaysOf, type Replay, type ReplayEvent } from './replay.ts';
import { adapters, problemLine } from './shipped-definitions.ts';
import { YamlSource, type Path } from './yaml-source.ts';

export interface EngineCheck {
  file: string;
  /** null when the file cannot be read so far. */
  id: string | null;
  status: EngineDefinition['status'] | null;
  /** Each `FILE:LINE:COLUMN: what is wrong`. */
  problems: string[];
  /** What might be missing, and does not make the check fail. */
  notes: string[];
  replays: { log: string; source: Replay['source']; events: ReplayEvent[] }[];
}

export interface CheckOptions extends ReadOptions {
  /** A definition must be shown to be what its status says; otherwise that is a note. */
  demandLogs?: boolean;
  /** Logs to replay instead of those beside the definition. */
  logs?: readonly string[];
  /** Folder of the replays where the definition has none beside it: a copy is held against those of the original. */
  fallback?: (id: string) => string | undefined;
}

const MAX_DIFFERENCES = 20;

/** Checks a definition file: its fields, its patterns, and that its logs are understood as they must be. */
export function checkEngine(file: string, options: CheckOptions): EngineCheck {
  const text = readFileSync(file, 'utf8');
  const folder = dirname(file);
  const { loaded, problems } = readDefinition(text, { ...options, folder });
  const check: EngineCheck = { file, id: null, status: null, problems: [], notes: [], replays: [] };
  if (!loaded) return { ...check, problems: problems.map((problem) => problemLine(file, problem)) };
  const { definition } = loaded;
  const replays = logsOf(folder, definition.id, options).map((log): Replayed => {
    const rules = rulesFor(loaded, log);
    return { ...replay(log, new OutputRules(rules.definition)), rules };
  });
  const unshown = statusFindings(definition, replays);
  const source = new YamlSource(text);
  const at = ({ path, message }: Finding): string =>
    problemLine(file, { ...source.position(path), path: formatPath(path), message });
  return {
    ...check,
    id: definition.id,
    status: definition.status,
    problems: [
      ...[...adapterFindings(definition), ...(options.demandLogs === true ? unshown : [])].map(at),
      ...replays.flatMap((one) => [...one.problems, ...differenceFindings(one).map(at)]),
    ],
    notes: [...(options.demandLogs === true ? [] : unshown), ...untried(definition, replays)].map(at),
    replays: replays.map(({ log, source: from, events }) => ({ log, source: from, events })),
  };
}

interface Finding {
  path: Path;
  message: string;
}

interface Rules {
  definition: EngineDefinition;
  /** Where its events stand in the file. */
  path: Path;
}

type Replayed = Replay & { rules: Rules };

/** A log called `NAME@5.0.log` is of a program of that version. */
function rulesFor({ definition, variants }: LoadedDefinition, log: string): Rules {
  const version = /@(\d[\w.]*)\.log$/.exec(log)?.[1];
  const at = version === undefined ? -1 : variants.findIndex(({ range }) => versionInRange(version, range));
  const variant = variants[at];
  if (!variant) return { definition, path: ['events'] };
  const hasOwn = definition.variants[at]?.['events'] !== undefined;
  return { definition: variant.definition, path: hasOwn ? ['variants', at, 'events'] : ['events'] };
}

function logsOf(folder: string, id: string, { logs, fallback }: CheckOptions): readonly string[] {
  if (logs) return logs;
  const own = replaysOf(folder);
  const other = own.length === 0 ? fallback?.(id) : undefined;
  return other === undefined ? own : replaysOf(other);
}

function adapterFindings({ adapter }: EngineDefinition): Finding[] {
  if (adapter === undefined || adapters().includes(adapter)) return [];
  const message = `there is no adapter ${adapter}; there are ${adapters().join(', ')}`;
  return [{ path: ['adapter'], message }];
}

/** What a definition says of itself must be true of its logs. */
function statusFindings({ status, events }: EngineDefinition, replays: readonly Replay[]): Finding[] {
  const kept = replays.filter(({ source }) => source !== null);
  if (events.length === 0 || status === 'from-documentation' || kept.length < replays.length) return [];
  if (kept.some(({ source }) => source === 'recorded')) return [];
  return [
    { path: ['status'], message: `is ${status}, and no recorded log shows it; is it from-documentation?` },
  ];
}

function untried({ events }: EngineDefinition, all: readonly Replayed[]): Finding[] {
  const replays = all.filter(({ rules }) => rules.path.length === 1);
  if (all.length === 0) return [];
  return events.flatMap(({ type }, i) =>
    replays.some(({ tried }) => tried.has(i))
      ? []
      : [{ path: ['events', i], message: `no log has a line of this ${type} event` }],
  );
}

/** Names the pattern that is to blame, as far as can be said. */
function differenceFindings({ log, differences, rules }: Replayed): Finding[] {
  const { events } = rules.definition;
  return differences.slice(0, MAX_DIFFERENCES).map(({ line, wanted, got, rule }) => {
    const place = rule ?? events.findIndex(({ type }) => type === wanted?.type);
    const path = place < 0 ? rules.path : [...rules.path, place, 'regex'];
    return { path, message: `${log}:${line} must be ${say(wanted)}, and is understood as ${say(got)}` };
  });
}

function say(event: ReplayEvent | undefined): string {
  return event === undefined ? 'nothing' : JSON.stringify({ ...event, line: undefined });
}
