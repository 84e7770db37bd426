import { describe, expect, it } from 'vitest';
import { untrustedScripts } from '../../../src/shared/contracts/scripts-question.ts';
import { scriptsAnswer } from './scripts-answer.ts';

describe('the question whether scripts are trusted', () => {
  it('is found in the reason for which a step is held, without the commands', () => {
    const reason =
      "Held: trust this project's scripts? Drivers were not run: #frame. ./farmhand resume j1 --trust-scripts (API: …) lets them run.";
    expect(untrustedScripts(reason)).toBe('Drivers were not run: #frame.');
  });

  it('is not found in another reason, or in none', () => {
    expect(untrustedScripts('Held: 5 frames failed alike on w1, the only worker.')).toBeUndefined();
    expect(untrustedScripts(null)).toBeUndefined();
  });

  it('is answered by resuming, either way said to the farm', () => {
    expect(scriptsAnswer(true)).toMatchObject({ verb: 'resume', body: { trustScripts: true } });
    expect(scriptsAnswer(false)).toMatchObject({ verb: 'resume', body: { trustScripts: false } });
  });
});
