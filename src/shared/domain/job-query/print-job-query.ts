import type { Condition, JobQuery, QueryTerm, WordPattern } from './job-query.ts';
import { STATE_WORDS } from './fields.ts';

/** A query as it is written; read again it is the same. */
export function printJobQuery(query: JobQuery): string {
  return query.map(printTerm).join(' ');
}

export function printTerm({ not, condition }: QueryTerm): string {
  return `${not ? '-' : ''}${printCondition(condition)}`;
}

function printCondition(condition: Condition): string {
  switch (condition.kind) {
    case 'text':
      return isPlainText(condition.text) ? condition.text : quote(condition.text);
    case 'word':
      return `${condition.field}:${condition.values.map(printPattern).join(',')}`;
    case 'label': {
      const key = /^[^\s,"=]+$/.test(condition.key) ? condition.key : quote(condition.key);
      return `label:${key}${condition.values.length === 0 ? '' : `=${condition.values.map(printPattern).join(',')}`}`;
    }
    case 'state':
      return `state:${stateWords(condition.states)}`;
    case 'verdict':
      return `verdict:${condition.verdicts.join(',')}`;
    case 'number':
      return condition.comparison === '='
        ? `${condition.field}:${condition.values.join(',')}`
        : `${condition.field}${condition.comparison}${condition.values[0] ?? 0}`;
    case 'time':
      return `${condition.field}${condition.comparison}${printSeconds(condition.seconds)}`;
  }
}

/** One word where there is one for all of them. */
function stateWords(states: readonly string[]): string {
  const word = Object.entries(STATE_WORDS).find(([, of]) => of.join() === states.join());
  return word?.[0] ?? states.join(',');
}

function printPattern({ text, wild }: WordPattern): string {
  return wild || /^[^\s,"*]+$/.test(text) ? text : quote(text);
}

/** Nothing that would be read as a field, a minus or a quotation. */
const isPlainText = (text: string): boolean =>
  /^[^\s"]+$/.test(text) && !/^-./.test(text) && !/^[A-Za-z]+[:=<>]/.test(text);

const quote = (text: string): string => `"${text.replace(/[\\"]/g, '\\$&')}"`;

function printSeconds(seconds: number): string {
  for (const [unit, size] of [
    ['w', 604_800],
    ['d', 86_400],
    ['h', 3_600],
    ['m', 60],
  ] as const)
    if (seconds > 0 && seconds % size === 0) return `${seconds / size}${unit}`;
  return `${seconds}s`;
}
