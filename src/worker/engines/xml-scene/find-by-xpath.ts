import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { describeValue } from '../../../shared/domain/errors.ts';
import { xpathProblem } from '../../../shared/scenes/xpath-slots.ts';
import { EngineFailure } from '../engine.ts';

/** An element by its place in the file's order, or one of its attributes. */
export interface XPathPlace {
  index: number;
  attribute: string | null;
}

export interface XPathQuestion {
  text: string;
  expressions: string[];
}

export type XPathAnswer =
  | { places: [string, XPathPlace[]][]; elements: number }
  /** null: the file itself */
  | { problem: { expression: string | null; message: string } };

const THREAD = new URL('./xpath-thread.ts', import.meta.url);
const LONGEST_MS = 10_000;
const MAX_CHARACTERS = 32 * 1_048_576;
const MEMORY_MB = 1_024;
const MAX_WORDS = 300;

/**
 * Where XPath expressions lead to in an XML file.
 * @param text that declares no entities
 * @param elements how many there are, by the caller's own count: both must mean the same ones
 * @throws EngineFailure `scene` naming what is wrong; an expression that finds nothing is wrong, too
 */
export async function findByXPath(
  text: string,
  expressions: string[],
  elements: number,
): Promise<Map<string, XPathPlace[]>> {
  if (expressions.length === 0) return new Map();
  for (const expression of expressions) {
    const expected = xpathProblem(expression);
    if (expected !== undefined)
      throw new EngineFailure('scene', `data ${describeValue(expression)}: expected ${expected}.`);
  }
  if (text.length > MAX_CHARACTERS)
    throw new EngineFailure(
      'scene',
      `data ${describeValue(expressions[0])}: XPath is for scenes of at most 32 MiB; name the element by its id.`,
    );
  const answer = await ask({ text, expressions });
  if ('problem' in answer) {
    const { expression, message } = answer.problem;
    const what = expression === null ? 'The scene is not well-formed' : `data ${describeValue(expression)}`;
    throw new EngineFailure('scene', `${what}: ${message.slice(0, MAX_WORDS)}`);
  }
  if (answer.elements !== elements)
    throw new EngineFailure(
      'scene',
      'The scene is not well-formed; save it again with the program that made it.',
    );
  for (const [expression, places] of answer.places)
    if (places.length === 0)
      throw new EngineFailure('scene', `data ${describeValue(expression)} finds nothing in the scene.`);
  return new Map(answer.places);
}

async function ask(question: XPathQuestion): Promise<XPathAnswer> {
  const thread = new Worker(THREAD, {
    workerData: question,
    resourceLimits: { maxOldGenerationSizeMb: MEMORY_MB },
  });
  try {
    // An error of the thread, such as its memory's end, rejects.
    const [answer] = (await once(thread, 'message', { signal: AbortSignal.timeout(LONGEST_MS) })) as [
      XPathAnswer,
    ];
    return answer;
  } catch (error) {
    const what = question.expressions.map((expression) => describeValue(expression)).join(', ');
    throw new EngineFailure(
      'scene',
      `data ${what.slice(0, MAX_WORDS)}: looking for it takes more than ${LONGEST_MS / 1000} s or ${MEMORY_MB} MiB; say it more plainly.`,
      { cause: error },
    );
  } finally {
    await thread.terminate();
  }
}
