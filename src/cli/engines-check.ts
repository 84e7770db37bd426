import { existsSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';
import type { Command } from 'commander';
import { checkEngine, type CheckOptions, type EngineCheck } from '../shared/engines/check-engine.ts';
import { describeEngine, engineCatalogue } from '../shared/engines/engine-catalogue.ts';
import { DEFINITION_FILE, ENGINES_FOLDER, readDefinitionsOf } from '../shared/engines/shipped-definitions.ts';
import { definitionFiles, existing } from './support/definition-files.ts';
import { runCommand, type CommonOptions } from './support/command.ts';
import { EXIT, UsageError } from './support/exit-codes.ts';
import { count } from './support/table.ts';

interface CheckFlags extends CommonOptions {
  replay?: string[];
}

/** `engines check`: needs no farm. */
export function registerCheck(engines: Command): void {
  engines
    .command('check')
    .description("hold engines' definitions against their schema and their recorded logs")
    .argument('[path]', 'a definition file, or a folder of them; those of this installation when left out')
    .option('--replay <log...>', 'read these logs with the definition, and show what it understands')
    .option('--json', 'print one JSON document on stdout')
    .action(async (path: string | undefined, _flags: CheckFlags, command: Command) => {
      // `--json` is an option of `engines` too, which takes it first.
      const flags = command.optsWithGlobals<CheckFlags>();
      await runCommand(flags, async ({ out }) => {
        const files = definitionFiles(path === undefined ? ENGINES_FOLDER : resolve(path));
        if (flags.replay && files.length > 1)
          throw new UsageError('--replay goes with one definition file: engines check FILE --replay LOG.');
        const checks = files.map((file) => checkEngine(file, checkOptions(path, flags)));
        const isWrong = checks.some(({ problems }) => problems.length > 0);
        await out.result({ ok: !isWrong, engines: checks }, () => report(checks, flags.replay !== undefined));
        return isWrong ? EXIT.failed : EXIT.done;
      });
    });
}

function checkOptions(path: string | undefined, { replay }: CheckFlags): CheckOptions {
  const siblings =
    path !== undefined && statSync(path).isDirectory() && !existsSync(join(path, DEFINITION_FILE))
      ? readDefinitionsOf(resolve(path), { parentOf: (id) => engineCatalogue().definition(id) })
      : [];
  return {
    parentOf: (id) =>
      siblings.find((file) => file.id === id)?.result.loaded ?? engineCatalogue().definition(id),
    fallback: (id) => (describeEngine(id) ? join(ENGINES_FOLDER, id) : undefined),
    ...(replay === undefined ? {} : { logs: replay.map(existing) }),
    // What comes with the farm shows what it claims; a studio knows what it has run.
    demandLogs: path === undefined,
  };
}

function report(checks: readonly EngineCheck[], showEvents: boolean): string {
  const lines = checks.flatMap(({ file, id, problems, notes, replays }) => {
    const logs = replays.map(({ log, source, events }) => {
      const kind = source ?? 'log';
      return `  ${kind}: ${short(log)}, ${count(events.length, 'event')}`;
    });
    const events = showEvents
      ? replays.flatMap((one) => one.events.map((event) => `    ${JSON.stringify(event)}`))
      : [];
    return [
      `${problems.length > 0 ? 'WRONG' : 'ok'}  ${id ?? short(file)}`,
      ...logs,
      ...events,
      ...notes.map((note) => `  note: ${short(note)}`),
      ...problems.map((problem) => `  ${short(problem)}`),
    ];
  });
  const all = checks.flatMap(({ replays }) => replays);
  const wrong = checks.filter(({ problems }) => problems.length > 0).length;
  const recorded = all.filter(({ source }) => source === 'recorded').length;
  const typed = all.filter(({ source }) => source === 'from documentation').length;
  lines.push(
    `${count(checks.length, 'definition')}, ${wrong === 0 ? 'none' : wrong} wrong; ` +
      `${count(recorded, 'log')} recorded, ${typed} from documentation.`,
  );
  return lines.join('\n');
}

/** Paths below the current folder are shown from there. */
function short(text: string): string {
  const here = `${process.cwd()}/`;
  return text.replaceAll(here, '') || relative('.', text);
}
