import type { EngineDefinition } from '../../../shared/engines/definition.ts';
import { engineCatalogue } from '../../../shared/engines/engine-catalogue.ts';
import { OutputReader, OutputRules, type OutputEvent } from '../../../shared/engines/output-reader.ts';
import { definitionFor } from '../../../shared/engines/read-definition.ts';
import { RunReport } from '../../../shared/engines/run-report.ts';
import { EngineFailure } from '../engine.ts';

/** Patterns are compiled once a definition, not once a frame. */
const compiled = new WeakMap<EngineDefinition, OutputRules>();

export function outputRules(definition: EngineDefinition): OutputRules {
  const before = compiled.get(definition);
  if (before) return before;
  const rules = new OutputRules(definition);
  compiled.set(definition, rules);
  return rules;
}

/** The definition of an adapter of this installation, as it is for a version. */
export function ownDefinition(id: string, version?: string): EngineDefinition {
  const loaded = engineCatalogue().definition(id);
  if (!loaded) throw new EngineFailure('host', `This worker has no definition of the engine "${id}".`);
  return version === undefined ? loaded.definition : definitionFor(loaded, version);
}

/** Reads one run's output into a report. */
export class RunOutput {
  readonly report = new RunReport();
  readonly #reader: OutputReader;

  constructor(
    definition: EngineDefinition,
    onEvent: (event: OutputEvent, report: RunReport) => void = () => undefined,
  ) {
    this.#reader = new OutputReader(outputRules(definition), (event) => {
      this.report.add(event);
      onEvent(event, this.report);
    });
  }

  readonly stdout = (line: string): void => this.#reader.read('stdout', line);
  readonly stderr = (line: string): void => this.#reader.read('stderr', line);
  readonly reply = (line: string): void => this.#reader.read('replies', line);

  /** The program has ended. */
  end(): RunReport {
    this.#reader.end();
    return this.report;
  }
}

/** What a line means for a session in which one program renders many frames. */
export function warmLineReader(
  definition: EngineDefinition,
): (line: string) => { fraction: number | null; error: string | null; outOfMemory: boolean } {
  const rules = outputRules(definition);
  return (line) => {
    const event = rules.understand(undefined, rules.strip(line))?.event;
    const isFatal = event?.type === 'fatal' || event?.type === 'memory' || event?.type === 'licence';
    return {
      fraction: event?.fraction ?? null,
      error: isFatal ? (event.text ?? line) : null,
      outOfMemory: event?.type === 'memory',
    };
  };
}

/** Finds among the last lines of a program why it ended, in its own words. */
export function reasonReader(definition: EngineDefinition): (lines: readonly string[]) => string | undefined {
  return (lines) => {
    const output = new RunOutput(definition);
    for (const line of lines) output.stdout(line);
    return output.end().reason()?.message;
  };
}
