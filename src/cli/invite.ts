import { hostname } from 'node:os';
import type { Command } from 'commander';
import { joinSchema, type Join } from '../shared/contracts/join.ts';
import { FarmError } from '../shared/domain/errors.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { EXIT, type ExitCode } from './support/exit-codes.ts';
import { runningConnections } from './support/running-connections.ts';

export function registerInvite(program: Command): void {
  addCommonOptions(
    program
      .command('invite')
      .description(
        'Print what another machine needs to render for this farm: farmhand invite > join.json here, then ' +
          'farmhand worker --join join.json there. It holds credentials; keep it to yourself.',
      ),
  ).action((options: CommonOptions) => runCommand(options, invite));
}

async function invite({ out }: CommandContext): Promise<ExitCode> {
  const { state, connections } = runningConnections();
  const { nats, s3 } = connections;
  if (state.host === undefined)
    throw new FarmError(
      'refused',
      'This farm listens on this machine only. Stop it and start it with an address that the other machine reaches: ' +
        'farmhand up --host ADDRESS',
    );
  const join: Join = joinSchema.parse({
    version: 1,
    farm: hostname(),
    natsUrl: nats.publicUrl,
    natsUser: nats.users.worker.user,
    natsPassword: nats.users.worker.password,
    s3: { endpoint: s3.publicEndpoint, bucket: s3.bucket, region: s3.region, ...s3.worker },
  } satisfies Join);
  await out.result(join, () => JSON.stringify(join, null, 2));
  return EXIT.done;
}
