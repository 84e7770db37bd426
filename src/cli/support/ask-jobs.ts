import { userInfo } from 'node:os';
import type { Command } from 'commander';
import type { ControlBody } from '../../shared/contracts/api.ts';
import type { JobVerb } from '../../shared/contracts/messages.ts';
import { addCommonOptions, type CommandContext, type CommonOptions } from './command.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { printable } from './output.ts';

/** What every command takes that asks something of jobs. */
export interface AskOptions extends CommonOptions {
  dryRun?: boolean;
}

export function addAskOptions(command: Command): Command {
  return addCommonOptions(command.option('--dry-run', 'say what it would do, and do nothing'));
}

/** Sends a verb to one job or to several, and says in one sentence what came of it. */
export async function askJobs(
  { out, farm }: CommandContext,
  ids: readonly string[],
  verb: JobVerb,
  fields: ControlBody & { dryRun?: boolean | undefined },
): Promise<ExitCode> {
  const client = await farm();
  const body = { ...askedBy(), ...fields };
  const [only, ...others] = [...new Set(ids)];
  const reply =
    only !== undefined && others.length === 0
      ? await client.control(only, verb, body)
      : await client.controlMany({ ...body, verb, ids: [...new Set(ids)] });
  await out.result(reply, () => printable(reply.message));
  if ('jobs' in reply)
    for (const job of reply.jobs) if (!job.ok) out.note(printable(`${job.id}: ${job.message}`));
  if (reply.dryRun === true) out.note('Nothing was changed.');
  return reply.ok ? EXIT.done : EXIT.failed;
}

/** Whoever is logged in here, for the history; nobody where the system does not say. */
export function askedBy(): { by?: string } {
  try {
    const { username } = userInfo();
    return username === '' ? {} : { by: username.slice(0, 100) };
  } catch {
    return {}; // an account without a name, as in some containers: the farm notes that a program asked
  }
}
