import type { Question } from '../controls/use-job-controls.ts';

/** What is asked before a job that is held for its scripts goes on. */
export function scriptsAnswer(trust: boolean): Question {
  return {
    verb: 'resume',
    body: { trustScripts: trust },
    title: trust ? 'Trust this project’s scripts?' : 'Go on without its scripts?',
    more: trust
      ? 'Scripts can do on workers whatever the engine can.'
      : 'What they would have moved stays as it is, without an error.',
    yes: trust ? 'Trust and go on' : 'Go on without them',
    // Neither loses a result that is there; but what scripts do cannot be taken back.
    harmless: !trust,
  };
}
