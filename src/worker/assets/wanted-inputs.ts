import type { EngineDefinition } from '../../shared/engines/definition.ts';
import type { TaskMessage } from '../../shared/contracts/messages.ts';

/** Placeholders and conditions that speak of all frames of an input. */
const WHOLE = /\binput\.[\w-]+\.(?:folder|count)\b/;

/**
 * Which frames of its inputs a task needs: a frame that is laid over another step's needs that one only, an encoder all.
 * @returns null for all
 */
export function wantedInputs(
  { work, args, session, env }: Pick<EngineDefinition, 'work' | 'args' | 'session' | 'env'>,
  { frames, settings }: Pick<TaskMessage, 'frames' | 'settings'>,
): ReadonlySet<number> | null {
  // Settings can hold arguments, too: those of the command engine do.
  const texts = JSON.stringify([args, session, env, settings]);
  if (work === 'unit' || WHOLE.test(texts)) return null;
  return new Set(frames.map(({ number }) => number));
}
