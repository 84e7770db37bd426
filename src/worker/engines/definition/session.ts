import type { EngineDefinition } from '../../../shared/engines/definition.ts';
import type { EngineSession, SessionSpec } from '../engine.ts';
import { startWarm } from '../warm-session.ts';
import { expandArguments, type TemplateValues } from './arguments.ts';
import { engineVariables } from './engine-environment.ts';
import { reasonReader, warmLineReader } from './output-rules.ts';

/** A program that keeps its scene loaded and speaks the protocol of session-protocol.ts. */
export async function openDefinedSession(
  definition: EngineDefinition,
  { args, endMarker }: NonNullable<EngineDefinition['session']>,
  spec: SessionSpec,
  values: TemplateValues,
): Promise<EngineSession> {
  const { label, cancel } = definition;
  const program = {
    label,
    argv: [spec.detected.program, ...expandArguments(args, values)] as const,
    env: engineVariables(definition, values),
    cwd: spec.workDir,
    readLine: warmLineReader(definition),
    reason: reasonReader(definition),
    graceMs: cancel.graceSeconds * 1_000,
    ...(endMarker === undefined
      ? {}
      : { endMarker: (id: number) => endMarker.replaceAll('{id}', String(id)) }),
  };
  const { scenePath, output, threads } = spec;
  const { settings, data } = values;
  const started = await startWarm(program, { ...spec, startSeconds: spec.timeouts.startSeconds }, () => ({
    ...{ scenePath, settings, data, output, threads },
  }));
  return started.open(spec);
}
