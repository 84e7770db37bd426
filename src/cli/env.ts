import type { Command } from 'commander';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { EXIT, type ExitCode } from './support/exit-codes.ts';
import { runningConnections } from './support/running-connections.ts';

export function registerEnv(program: Command): void {
  addCommonOptions(
    program
      .command('env')
      .description('Print export lines for nats, psql, curl and S3 clients: eval "$(farmhand env)"'),
  ).action((options: CommonOptions) => runCommand(options, env));
}

async function env({ out }: CommandContext): Promise<ExitCode> {
  const { home, url, connections } = runningConnections();
  const { nats, s3, databaseUrl } = connections;
  const variables: Record<string, string> = {
    NATS_URL: nats.url,
    NATS_USER: nats.users.operator.user,
    NATS_PASSWORD: nats.users.operator.password,
    DATABASE_URL: databaseUrl,
    S3_ENDPOINT: s3.endpoint,
    S3_BUCKET: s3.bucket,
    AWS_ACCESS_KEY_ID: s3.farm.accessKeyId,
    AWS_SECRET_ACCESS_KEY: s3.farm.secretAccessKey,
    AWS_REGION: s3.region,
    FARMHAND_URL: url,
    FARMHAND_TOKEN: home.token() ?? '',
  };
  await out.result(variables, () => exportLines(variables));
  return EXIT.done;
}

/** Lines for a POSIX shell; single quotes keep every character as it is. */
export function exportLines(variables: Readonly<Record<string, string>>): string {
  return Object.entries(variables)
    .map(([name, value]) => `export ${name}='${value.replaceAll("'", String.raw`'\''`)}'`)
    .join('\n');
}
