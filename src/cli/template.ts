import { InvalidArgumentError, type Command } from 'commander';
import { templatesSchema, type Template, type TemplateVersions } from '../shared/contracts/api.ts';
import { addCommonOptions, runCommand, type CommandContext, type CommonOptions } from './support/command.ts';
import { UsageError } from './support/exit-codes.ts';
import { printable } from './support/output.ts';
import { Progress } from './support/progress.ts';
import { count, formatTable } from './support/table.ts';
import { uploadAsset } from './support/upload.ts';
import { readTemplate } from './template/read-template.ts';

interface PushOptions extends CommonOptions {
  name?: string;
  version?: number;
}

export function registerTemplate(program: Command): void {
  const command = program
    .command('template')
    .description('store a scene that others fill with data; list what is stored, show one');
  addCommonOptions(
    command
      .command('push')
      .description('store a template: its scene, all files of its folder and what data it takes')
      .argument('<path>', 'a folder with a template.yaml, or that file')
      .option('--name <id>', "default: the file's own, else the folder's")
      .option('--version <n>', 'refuse to store it under another number; default: the next', versionNumber),
  ).action(async (path: string, options: PushOptions) => {
    await runCommand(options, async (context) => await push(context, path, options));
  });
  addCommonOptions(command.command('list').description('the newest version of each template')).action(
    async (options: CommonOptions) => {
      await runCommand(options, list);
    },
  );
  addCommonOptions(
    command
      .command('versions')
      .description('what is stored of one, newest first')
      .argument('<name>', 'its name'),
  ).action(async (name: string, options: CommonOptions) => {
    await runCommand(options, async (context) => await listVersions(context, name));
  });
  addCommonOptions(
    command
      .command('show')
      .description('what one takes and what it gives')
      .argument('<name>', 'its name, or <name>@<version>'),
  ).action(async (name: string, options: CommonOptions) => {
    await runCommand(options, async (context) => await show(context, name));
  });
}

async function push(
  { out, farm, signal }: CommandContext,
  path: string,
  { name, version }: PushOptions,
): Promise<undefined> {
  const { request, files } = await readTemplate(path, name);
  const progress = new Progress(out);
  const client = await farm();
  const asset = await uploadAsset(files, { client, progress, signal, label: request.name });
  progress.end();
  const template = await client.registerTemplate({
    ...request,
    asset,
    ...(version === undefined ? {} : { version }),
  });
  await out.result(template, () => `${template.name}@${template.version}`);
  out.note(
    `${count(files.length, 'file')}; ./farmhand render ${template.name} renders it with the data that you give.`,
  );
}

async function list({ out, farm }: CommandContext): Promise<undefined> {
  const { templates } = await (await farm()).read(['templates'], templatesSchema);
  await out.result(templates, () =>
    templates.length === 0 ? 'No templates.' : formatTable(HEADINGS, templates.map(rowOf)),
  );
}

async function listVersions({ out, farm }: CommandContext, reference: string): Promise<undefined> {
  const { name } = templateReference(reference);
  const client = await farm();
  const versions: TemplateVersions['versions'] = [];
  let below: number | undefined;
  do {
    const page = await client.templateVersions(name, below);
    versions.push(...page.versions);
    below = page.next ?? undefined;
  } while (below !== undefined);
  const rows = versions.map(({ version, engine, label, createdAt }) => [
    `${name}@${version}`,
    createdAt,
    engine,
    label,
  ]);
  await out.result(versions, () => formatTable(['VERSION', 'STORED', 'ENGINE', 'LABEL'], rows));
}

const HEADINGS = ['NAME', 'VERSION', 'ENGINE', 'FRAMES', 'PARAMETERS', 'LABEL'];

const rowOf = (template: Template): string[] => [
  template.name,
  String(template.version),
  template.engine,
  template.defaults.frames ?? '',
  parametersOf(template)
    .map(([name]) => name)
    .join(', '),
  template.label,
];

async function show({ out, farm }: CommandContext, reference: string): Promise<undefined> {
  const { name, version } = templateReference(reference);
  const template = await (await farm()).template(name, version);
  await out.result(template, () => textOf(template));
}

/** `<name>`, `<name>@<version>`, with or without `template:` before it. @throws UsageError */
export function templateReference(text: string): { name: string; version: number | undefined } {
  const [, name, version] =
    /^(?:template:)?([A-Za-z0-9][A-Za-z0-9_-]{0,63})(?:@(\d{1,9}))?$/.exec(text) ?? [];
  if (name === undefined)
    throw new UsageError(`${JSON.stringify(text)} is not the name of a template, or <name>@<version>.`);
  return { name, version: version === undefined ? undefined : Number(version) };
}

function textOf(template: Template): string {
  const { output, frames } = template.defaults;
  const required: unknown = template.schema['required'];
  const names: unknown[] = Array.isArray(required) ? required : [];
  const facts = [
    `${template.name}@${template.version}  ${template.label}`,
    `engine  ${template.engine}, ${template.scenePath}`,
    ...(frames === undefined ? [] : [`frames  ${frames}`]),
    ...(output === undefined ? [] : [`output  ${JSON.stringify(output)}`]),
    `stored  ${template.createdAt}`,
    '',
  ];
  const parameters = parametersOf(template).map(([name, schema]) => [
    name,
    names.includes(name) ? 'needed' : '',
    typeText(schema),
    typeof schema['title'] === 'string' ? schema['title'] : '',
  ]);
  if (parameters.length === 0) return [...facts, 'It takes no data.'].map(printable).join('\n');
  const table = formatTable(['PARAMETER', '', 'TYPE', 'TITLE'], parameters);
  return `${facts.map(printable).join('\n')}\n${table}`;
}

function parametersOf({ schema }: Template): [string, Record<string, unknown>][] {
  const properties: unknown = schema['properties'];
  if (typeof properties !== 'object' || properties === null) return [];
  return Object.entries(properties as Record<string, Record<string, unknown>>);
}

function typeText(schema: Record<string, unknown>): string {
  const limits = Object.entries(schema)
    .filter(([key]) => !['type', 'title', 'description'].includes(key))
    .map(([key, value]) => `${key} ${JSON.stringify(value)}`);
  const { type = 'anything' } = schema;
  return [typeof type === 'string' ? type : JSON.stringify(type), ...limits].join(', ');
}

function versionNumber(text: string): number {
  if (!/^[1-9]\d{0,8}$/.test(text)) throw new InvalidArgumentError('Expected a whole number from 1 on.');
  return Number(text);
}
