import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Command } from 'commander';
import type { Engines } from '../shared/contracts/api.ts';
import type { SceneReport } from '../shared/contracts/inspect-api.ts';
import { reportOf } from '../shared/scenes/scene-report.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { EXIT, UnreachableError, UsageError, type ExitCode } from './support/exit-codes.ts';
import { printable } from './support/output.ts';
import { count, formatBytes } from './support/table.ts';
import { classifyInput } from './submit/classify-input.ts';
import { collectFiles } from './submit/collect-files.ts';
import { findScene } from './submit/find-scene.ts';
import { lookAtScene, type SceneLook } from './submit/look-at-scene.ts';
import { openZip } from './submit/open-zip.ts';

interface InspectOptions extends CommonOptions {
  scene?: string;
}

const SHOWN_FILES = 20;

export function registerInspect(program: Command): void {
  const command = program
    .command('inspect')
    .description('say what a scene has and needs: frames, size, cameras, files, what data can replace')
    .argument('<file>', 'a scene such as a .blend, .pov or Lottie .json; a folder or zip around one')
    .option('--scene <path>', 'which scene of a folder or zip');
  addCommonOptions(command).action(async (file: string, options: InspectOptions) => {
    await runCommand(options, (context) => inspect(context, file, options));
  });
}

/** Exit 1 where something is missing: the scene cannot be submitted like that. */
async function inspect(context: CommandContext, file: string, options: InspectOptions): Promise<ExitCode> {
  const look = await lookAt(file, options.scene, context.signal);
  const report = reportOf(look.inspection, await enginesOf(context, options));
  await context.out.result(report, () => reportText(look.shown, report));
  return report.missing.length > 0 ? EXIT.failed : EXIT.done;
}

async function lookAt(file: string, scene: string | undefined, signal: AbortSignal): Promise<SceneLook> {
  const { kind } = await classifyInput(file);
  if (kind === 'template' || kind === 'document')
    throw new UsageError(
      `${file} is a ${kind}, not a scene. Name a scene file, or a folder or zip around one.`,
    );
  if (kind === 'scene') {
    if (scene !== undefined)
      throw new UsageError('--scene chooses a scene inside a folder or zip; name a folder or zip with it.');
    return await lookAtScene(file);
  }
  if (kind === 'folder')
    return await lookInFolder(file, scene, { shownAs: basename(join(process.cwd(), file)), outside: true });
  const folder = await mkdtemp(join(tmpdir(), 'farmhand-zip-'));
  try {
    await openZip(file, folder, undefined, signal);
    return await lookInFolder(folder, scene, { shownAs: file, outside: false });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function lookInFolder(
  path: string,
  wanted: string | undefined,
  { shownAs, outside }: { shownAs: string; outside: boolean },
): Promise<SceneLook> {
  const files = await collectFiles(path);
  const scene = await findScene(files, shownAs, wanted);
  return await lookAtScene(scene.path, { folder: { path, files, shownAs, outside } });
}

/** What the farm renders with, to hold the scene's version against; a scene can be inspected without a farm, too. */
async function enginesOf({ farm }: CommandContext, options: CommonOptions): Promise<Engines['engines']> {
  try {
    return (await (await farm()).engines()).engines;
  } catch (error) {
    if (options.farm === undefined && error instanceof UnreachableError) return [];
    throw error;
  }
}

function reportText(shown: string, report: SceneReport): string {
  const { engine, madeWith, frames, fps, width, height, scenes, cameras, slots, files } = report;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const lines: [label: string, text: string][] = [
    ['frames', fps === null ? frames : `${frames} at ${fps} fps`],
    ['size', width === null || height === null ? '' : `${width}×${height}`],
    ['scenes', scenes.join(', ')],
    ['cameras', cameras.join(', ')],
    ['data', slots.map(({ name, kind }) => (kind === 'value' ? name : `${name} (${kind})`)).join(', ')],
    ['files', `${count(files.length, 'file')}, ${formatBytes(bytes)}`],
    ...files
      .slice(0, SHOWN_FILES)
      .map((file): [string, string] => ['', `${file.path}, ${formatBytes(file.bytes)}`]),
  ];
  if (files.length > SHOWN_FILES)
    lines.push(['', `and ${files.length - SHOWN_FILES} more; --json lists all`]);
  for (const text of report.missing) lines.push(['missing', text]);
  for (const text of report.warnings) lines.push(['warning', text]);
  for (const text of report.notes) lines.push(['note', text]);
  return [
    `${shown}: a scene for ${engine}${madeWith === null ? '' : `, made with ${madeWith}`}`,
    ...lines.filter(([, text]) => text !== '').map(([label, text]) => `  ${label.padEnd(9)}${text}`),
  ]
    .map(printable)
    .join('\n');
}
