/** How the reason begins for which a step is held until somebody says whether its scene's scripts may run. */
export const SCRIPTS_QUESTION = "Held: trust this project's scripts?";

/**
 * What a step that is held with that question did not run, in the engine's words; undefined: it is not asked.
 * @param reason why a job or a step stands still.
 */
export function untrustedScripts(reason: string | null): string | undefined {
  if (reason?.startsWith(SCRIPTS_QUESTION) !== true) return undefined;
  const end = reason.indexOf(' ./farmhand resume ');
  return reason.slice(SCRIPTS_QUESTION.length, end === -1 ? undefined : end).trim();
}
