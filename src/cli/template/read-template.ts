import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join, relative } from 'node:path';
import { Ajv2020, type ErrorObject } from 'ajv/dist/2020.js';
import { z } from 'zod';
import { isSafePath } from '../../shared/contracts/manifest.ts';
import { templateRequestSchema, type TemplateRequest } from '../../shared/contracts/api.ts';
import { qualityPolicySchema } from '../../shared/contracts/quality.ts';
import { parseFrameRange } from '../../shared/domain/frame-ranges.ts';
import { FarmError, describeValue, messageOf } from '../../shared/domain/errors.ts';
import { describeEngine, engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import { pathOf, unknownFields } from '../../shared/engines/schema-issues.ts';
import { YamlSource, type Path } from '../../shared/engines/yaml-source.ts';
import { inspectScene } from '../../shared/scenes/inspect-scene.ts';
import { isXPathSlot, xpathProblem } from '../../shared/scenes/xpath-slots.ts';
import { collectFiles } from '../submit/collect-files.ts';
import { UsageError } from '../support/exit-codes.ts';
import type { LocalFile } from '../upload/local-file.ts';

const NAMES = ['template.yaml', 'template.yml', 'template.json'];

/** What a template's file says: what the farm takes, with the scene's path in place of an uploaded asset. */
const templateFileSchema = templateRequestSchema
  .omit({ asset: true, scenePath: true, version: true })
  .partial({ name: true, label: true, slots: true, defaults: true, schema: true })
  .extend({ scene: z.string().min(1).max(1_024), quality: qualityPolicySchema.optional() });
type TemplateFile = z.infer<typeof templateFileSchema>;

/** A template that is in order, with every file that comes along. */
export interface ReadTemplate {
  request: Omit<TemplateRequest, 'asset' | 'version'>;
  files: LocalFile[];
}

/** One thing that is wrong, at a place of the template's file. */
interface Fault {
  path: Path;
  message: string;
  /** It is the key itself that is wrong. */
  atKey?: boolean;
}

/**
 * Reads a template: a folder with a `template.yaml` (or `template.json`), or that file.
 * @param name in place of the file's own
 * @throws UsageError with everything that is wrong, by line, column and JSON pointer.
 */
export async function readTemplate(path: string, name?: string): Promise<ReadTemplate> {
  const file = await templateFile(path);
  const source = new YamlSource(await readFile(file, 'utf8'));
  const folder = dirname(file);
  if (source.problems.length > 0) {
    const lines = source.problems.map(
      (problem) => `  ${file}:${problem.line}:${problem.column} ${problem.message}`,
    );
    throw new UsageError(`The template cannot be read:\n${lines.join('\n')}`);
  }
  const parsed = templateFileSchema.safeParse(source.value, { reportInput: true });
  const faults = parsed.success ? [] : parsed.error.issues.flatMap(toFaults);
  const schema = schemaFaults(source.value);
  const fields = parsed.success ? await fieldFaults(parsed.data, folder) : [];
  const all = [...faults, ...schema, ...fields];
  if (all.length > 0 || !parsed.success) throw wrongTemplate(file, source, all);
  const files = (await collectFiles(folder)).filter((one) => !isLeftOut(one.path, basename(file)));
  return { request: await requestOf(parsed.data, folder, name), files };
}

/** What says what the template is, and tables to try it with, are no files of its scene. */
const isLeftOut = (path: string, own: string): boolean =>
  path === own || /^rows\.(csv|tsv|jsonl)$/.test(path);

async function templateFile(path: string): Promise<string> {
  const info = await stat(path).catch((error: unknown) => {
    throw new UsageError(`${path} is not there.`, { cause: error });
  });
  if (!info.isDirectory()) return path;
  const found: string[] = [];
  for (const one of NAMES) if (await isFile(join(path, one))) found.push(one);
  const [only, ...others] = found;
  if (only === undefined)
    throw new UsageError(`${path} holds no template.yaml, which says what the template is made of.`);
  if (others.length > 0)
    throw new UsageError(`${path} holds ${found.join(' and ')}; keep one, or name the file that is meant.`);
  return join(path, only);
}

async function isFile(path: string): Promise<boolean> {
  return (await stat(path).catch(() => undefined))?.isFile() === true;
}

async function requestOf(
  file: TemplateFile,
  folder: string,
  name?: string,
): Promise<ReadTemplate['request']> {
  const {
    scene,
    name: own,
    label,
    slots = {},
    defaults = {},
    schema = emptySchema(),
    quality,
    ...rest
  } = file;
  const named = name ?? own ?? basename(join(process.cwd(), relative(process.cwd(), folder)));
  const checked = templateRequestSchema.shape.name.safeParse(named);
  if (!checked.success)
    throw new UsageError(
      `${describeValue(named)} cannot be the template's name: letters, digits, "-" and "_". Say another with --name.`,
    );
  const frames = defaults.frames ?? (await inspected(file, folder))?.frames;
  return {
    ...rest,
    name: named,
    label: label ?? named,
    scenePath: scene,
    schema,
    slots,
    defaults: {
      ...defaults,
      ...(frames === undefined ? {} : { frames }),
      ...(quality === undefined ? {} : { quality }),
    },
  };
}

/** A template without parameters. */
const emptySchema = (): NonNullable<TemplateFile['schema']> => ({
  type: 'object',
  properties: {},
  additionalProperties: false,
});

function schemaFaults(value: unknown): Fault[] {
  const schema = isObject(value) ? value['schema'] : undefined;
  if (!isObject(schema)) return []; // absent, or said by the form's own check
  const faults: Fault[] = [];
  if (schema['type'] !== 'object')
    faults.push({ path: ['schema', 'type'], message: 'the data is an object: expected "type": object' });
  const ajv = new Ajv2020({ strict: false, logger: false, validateFormats: false, allErrors: true });
  if (ajv.validateSchema(schema) !== true) return [...faults, ...metaSchemaFaults(ajv.errors ?? [])];
  try {
    ajv.compile(schema);
  } catch (error) {
    faults.push({ path: ['schema'], message: messageOf(error) });
  }
  return faults;
}

/** Of several messages about one place, which are the branches of a choice, the first. */
function metaSchemaFaults(errors: readonly ErrorObject[]): Fault[] {
  const first = new Map<string, ErrorObject>();
  for (const error of errors) if (!first.has(error.instancePath)) first.set(error.instancePath, error);
  return [...first.values()].map(({ instancePath, message, params }) => {
    const allowed: unknown = params['allowedValues'];
    const list = Array.isArray(allowed) ? `: ${allowed.join(', ')}` : '';
    return {
      path: ['schema', ...pointerParts(instancePath)],
      message: `${message ?? 'is wrong'}${list} (JSON Schema 2020-12)`,
    };
  });
}

async function fieldFaults(file: TemplateFile, folder: string): Promise<Fault[]> {
  return [
    ...engineFaults(file),
    ...slotFaults(file),
    ...xpathFaults(file),
    ...framesFaults(file),
    ...(await fileFaults('scene', file.scene, folder)),
    ...(file.preview === undefined ? [] : await fileFaults('preview', file.preview, folder)),
    ...(await sceneFaults(file, folder)),
  ];
}

function engineFaults({ engine }: TemplateFile): Fault[] {
  if (describeEngine(engine)?.scene === 'required') return [];
  const known = engineCatalogue().list();
  const ids = known.filter(({ scene }) => scene === 'required').map(({ id }) => id);
  const expected = `expected an engine that takes a scene: ${ids.join(', ')}`;
  return [{ path: ['engine'], message: `got ${describeValue(engine)}, ${expected}` }];
}

/** Places that are said by XPath. */
function xpathFaults({ engine, slots = {} }: TemplateFile): Fault[] {
  return Object.entries(slots).flatMap(([name, { slot }]) => {
    const expected = isXPathSlot(engine, slot) ? xpathProblem(slot) : undefined;
    if (expected === undefined) return [];
    return [{ path: ['slots', name, 'slot'], message: `got ${describeValue(slot)}, expected ${expected}` }];
  });
}

function slotFaults({ slots = {}, schema = emptySchema() }: TemplateFile): Fault[] {
  const properties = isObject(schema['properties']) ? Object.keys(schema['properties']) : [];
  return Object.keys(slots)
    .filter((name) => !properties.includes(name))
    .map((name) => ({
      path: ['slots', name],
      atKey: true,
      message: `no parameter of this name; schema.properties has: ${properties.join(', ') || 'none'}`,
    }));
}

function framesFaults({ defaults }: TemplateFile): Fault[] {
  if (defaults?.frames === undefined) return [];
  try {
    parseFrameRange(defaults.frames);
    return [];
  } catch (error) {
    return [{ path: ['defaults', 'frames'], message: messageOf(error) }];
  }
}

async function fileFaults(field: string, path: string, folder: string): Promise<Fault[]> {
  if (!isSafePath(path)) {
    const expected = 'expected a path inside the folder, with "/" and without ".."';
    return [{ path: [field], message: `got ${describeValue(path)}, ${expected}` }];
  }
  if (await isFile(join(folder, path))) return [];
  return [{ path: [field], message: `the file ${describeValue(path)} is not in ${folder}` }];
}

/** What the scene itself needs. */
async function sceneFaults(file: TemplateFile, folder: string): Promise<Fault[]> {
  try {
    const inspection = await inspected(file, folder);
    if (inspection === undefined) return [];
    const missing = inspection.missing.map((one) => ({
      path: ['scene'],
      message: `the scene needs a file that is missing: ${one}`,
    }));
    const engine = inspection.engine === file.engine ? [] : [otherEngine(inspection.engine, file.engine)];
    return [...missing, ...engine];
  } catch (error) {
    if (!(error instanceof FarmError)) throw error;
    return [{ path: ['scene'], message: error.message }];
  }
}

const otherEngine = (is: string, said: string): Fault => ({
  path: ['engine'],
  message: `the scene is made for ${is}, not for ${said}`,
});

/** Scenes of which nothing is known but their engine are taken as they are. */
const READABLE = /\.(json|pov|ini|blend|html?|svgz?|sifz?)$/i;

async function inspected({ scene }: TemplateFile, folder: string) {
  if (!isSafePath(scene) || !READABLE.test(scene) || !(await isFile(join(folder, scene)))) return undefined;
  return await inspectScene(folder, scene);
}

function toFaults(issue: z.core.$ZodIssue): Fault[] {
  const path = pathOf(issue);
  if (issue.code === 'unrecognized_keys') return unknownFields(issue);
  if (issue.input === undefined) return [{ path, message: 'is missing' }];
  const expected = issue.code === 'invalid_type' ? issue.expected : issue.message;
  return [{ path, message: `got ${describeValue(issue.input)}, expected ${expected}` }];
}

function wrongTemplate(file: string, source: YamlSource, faults: readonly Fault[]): UsageError {
  const problems = faults
    .map(({ path, message, atKey }) => {
      const position = atKey === true ? source.keyPosition(path) : source.position(path);
      return { ...position, pointer: pointerOf(path), message };
    })
    .sort((a, b) => a.line - b.line || a.column - b.column);
  const lines = problems.map(
    ({ line, column, pointer, message }) => `  ${file}:${line}:${column} ${pointer || '(whole)'}: ${message}`,
  );
  const issues = problems.map(({ line, column, pointer, message }) => ({
    path: pointer,
    value: `${file}:${line}:${column}`,
    expected: message,
  }));
  return new UsageError(`The template is not in order; nothing was stored:\n${lines.join('\n')}`, { issues });
}

const pointerOf = (path: Path): string =>
  path.map((part) => `/${String(part).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');

const pointerParts = (pointer: string): string[] =>
  pointer
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'));

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
