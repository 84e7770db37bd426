import { describeValue, type InputIssue } from '../domain/errors.ts';
import type { JobControl, JobVerb } from './messages.ts';

type Field = Exclude<keyof JobControl, 'version' | 'requestId' | 'verb' | 'by' | 'dryRun'>;

/** Which fields each verb takes, which it needs, and of which it needs at least one. */
const FIELDS: Record<
  JobVerb,
  { takes: readonly Field[]; needs?: readonly Field[]; oneOf?: readonly Field[] }
> = {
  pause: { takes: ['drain'] },
  resume: { takes: ['trustScripts'] },
  cancel: { takes: ['drain'] },
  retry: { takes: ['frames', 'step', 'note'] },
  skip: { takes: ['frames', 'step', 'note'] },
  accept: { takes: ['frames', 'step', 'note'] },
  'add-frames': { takes: ['frames', 'step'], needs: ['frames'] },
  priority: { takes: ['priority'], needs: ['priority'] },
  chunk: { takes: ['chunk', 'targetSeconds', 'step'], oneOf: ['chunk', 'targetSeconds'] },
  limits: { takes: ['running'], needs: ['running'] },
  note: { takes: ['note'], needs: ['note'] },
  resubmit: { takes: ['set'] },
  keep: { takes: ['undo'] },
  delete: { takes: ['now'] },
  restore: { takes: [] },
};

const EXPECTED: Record<Field, string> = {
  frames: 'a frame range such as 1-100',
  step: 'the name of a step',
  drain: 'true or false',
  trustScripts: 'true or false',
  priority: 'a whole number from 0 to 100',
  chunk: '"auto", "sequential" or a number of frames',
  targetSeconds: 'seconds',
  running: 'how many frames may run at once, or null for no limit',
  note: 'the text of the note',
  now: 'true or false',
  undo: 'true or false',
  set: 'paths in the document and their new values',
};

/** What of a control message does not belong to its verb, and what is missing. */
export function controlFieldIssues(verb: JobVerb, fields: Partial<Pick<JobControl, Field>>): InputIssue[] {
  const { takes, needs = [], oneOf = [] } = FIELDS[verb];
  const issues: InputIssue[] = [];
  for (const field of needs)
    if (fields[field] === undefined)
      issues.push({ path: field, value: 'nothing', expected: EXPECTED[field] });
  if (oneOf.length > 0 && oneOf.every((field) => fields[field] === undefined))
    issues.push({
      path: oneOf[0] ?? '',
      value: 'nothing',
      expected: oneOf.map((field) => `${field} (${EXPECTED[field]})`).join(' or '),
    });
  for (const field of Object.keys(EXPECTED) as Field[]) {
    if (fields[field] === undefined || takes.includes(field)) continue;
    const others = (Object.keys(FIELDS) as JobVerb[]).filter((other) => FIELDS[other].takes.includes(field));
    issues.push({
      path: field,
      value: describeValue(fields[field]),
      expected: `nothing: only ${others.join(', ')} ${others.length === 1 ? 'takes' : 'take'} it`,
    });
  }
  return issues;
}
