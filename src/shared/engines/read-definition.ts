import type { z } from 'zod';
import { formatPath } from '../contracts/decode.ts';
import { isVersionRange, versionInRange } from '../domain/engine-versions.ts';
import { describeValue } from '../domain/errors.ts';
import { checkDefinition, schemaFaults, type DefinitionFault } from './check-definition.ts';
import { VARIANT_FIELDS, definitionSchema, type EngineDefinition } from './definition.ts';
import { pathOf, unknownFields } from './schema-issues.ts';
import { YamlSource, type FileProblem, type Path } from './yaml-source.ts';

type Raw = Readonly<Record<string, unknown>>;

/** A definition that can be used. */
export interface LoadedDefinition {
  definition: EngineDefinition;
  /** Whole definitions for some versions of the program, in the file's order. */
  variants: readonly { range: string; definition: EngineDefinition }[];
  /** What stands in the file and in those that it extends, before defaults: for definitions that extend this one. */
  raw: Raw;
  /** Where `{here}` is; null where the definition is no file of this machine. */
  folder: string | null;
}

export interface ReadOptions {
  /** Finds what `extends` names. */
  parentOf?: (id: string) => LoadedDefinition | undefined;
  /** The file's folder. */
  folder?: string;
  /** Patterns, placeholders and schemas are believed to be right, which takes a tenth of the time: tests held them. */
  trusted?: boolean;
}

export type DefinitionResult =
  { loaded: LoadedDefinition; problems: [] } | { loaded: undefined; problems: FileProblem[] };

/** @returns the definition, or everything that is wrong with it, by line and column */
export function readDefinition(text: string, options: ReadOptions = {}): DefinitionResult {
  const source = new YamlSource(text);
  if (source.problems.length > 0) return failed([...source.problems]);
  const own = source.value;
  if (!isObject(own))
    return failed([
      { path: '', line: 1, column: 1, message: 'a definition is a map of fields, such as `id: …`' },
    ]);
  const whole = extend(own, options);
  if ('message' in whole) return failed([locate(source, whole)]);
  const { definition, faults } = parse(whole.raw, options);
  const result = readVariants(whole.raw, definition, options);
  const schemas = definition && options.trusted !== true ? schemaFaults(definition) : [];
  const all = [...faults, ...schemas, ...result.faults, ...hereFaults(whole)];
  if (!definition || all.length > 0) return failed(unique(all.map((fault) => locate(source, fault))));
  return { loaded: { definition, variants: result.variants, ...whole }, problems: [] };
}

/** The definition as it is for a version of the program. */
export function definitionFor(loaded: LoadedDefinition, version: string): EngineDefinition {
  return loaded.variants.find(({ range }) => versionInRange(version, range))?.definition ?? loaded.definition;
}

const failed = (problems: FileProblem[]): DefinitionResult => ({ loaded: undefined, problems });

type Whole = Pick<LoadedDefinition, 'raw' | 'folder'>;

/** Fields that may name files beside the definition. */
const PLACED_FIELDS = ['args', 'session', 'env'];

function extend(own: Raw, { parentOf, folder }: ReadOptions): Whole | DefinitionFault {
  const name = own['extends'];
  if (name === undefined) return { raw: own, folder: folder ?? null };
  if (typeof name !== 'string')
    return { path: ['extends'], message: 'the id of another definition is expected' };
  const parent = name === own['id'] ? undefined : parentOf?.(name);
  if (!parent)
    return { path: ['extends'], message: `there is no definition ${describeValue(name)} to extend` };
  const raw: Record<string, unknown> = { ...parent.raw, ...own };
  // Settings come on top of the other's; every other field takes the place of the whole one.
  const [theirs, mine] = [parent.raw['settings'], own['settings']];
  if (isObject(theirs) && isObject(mine)) {
    const properties = { ...asObject(theirs['properties']), ...asObject(mine['properties']) };
    raw['settings'] = { ...theirs, ...mine, properties };
  }
  const isPlacedHere = PLACED_FIELDS.some((field) => Object.hasOwn(own, field)) || namesHere(own['variants']);
  return { raw, folder: isPlacedHere ? (folder ?? null) : parent.folder };
}

function hereFaults({ raw, folder }: Whole): DefinitionFault[] {
  if (folder !== null) return [];
  const message = '{here} is nowhere: workers get this definition from the farm, without other files';
  const faultsOf = (fields: Raw, at: Path): DefinitionFault[] =>
    PLACED_FIELDS.filter((field) => namesHere(fields[field])).map((field) => ({
      path: [...at, field],
      message,
    }));
  const variants = Array.isArray(raw['variants']) ? raw['variants'] : [];
  return [
    ...faultsOf(raw, []),
    ...variants.flatMap((variant: unknown, i) => faultsOf(asObject(variant), ['variants', i])),
  ];
}

const namesHere = (value: unknown): boolean => JSON.stringify(value ?? null).includes('{here}');

function parse(
  raw: Raw,
  { trusted }: ReadOptions,
): { definition: EngineDefinition | undefined; faults: DefinitionFault[] } {
  const result = definitionSchema.safeParse(raw, { reportInput: true });
  if (!result.success) return { definition: undefined, faults: result.error.issues.flatMap(toFaults) };
  return { definition: result.data, faults: trusted === true ? [] : checkDefinition(result.data) };
}

function readVariants(
  raw: Raw,
  base: EngineDefinition | undefined,
  options: ReadOptions,
): { variants: LoadedDefinition['variants']; faults: DefinitionFault[] } {
  const variants: { range: string; definition: EngineDefinition }[] = [];
  const faults: DefinitionFault[] = [];
  for (const [i, variant] of (base?.variants ?? []).entries()) {
    const { range, ...fields } = variant;
    const at: Path = ['variants', i];
    if (!isVersionRange(range))
      faults.push({
        path: [...at, 'range'],
        message: `${describeValue(range)} is no range of versions, such as >=5`,
      });
    for (const field of Object.keys(fields))
      if (!VARIANT_FIELDS.includes(field))
        faults.push({
          path: [...at, field],
          atKey: true,
          message: `a variant has no such field; it has range, ${VARIANT_FIELDS.join(', ')}`,
        });
    const whole = parse({ ...raw, ...fields, variants: [] }, options);
    const known = new Set(Object.keys(fields));
    // What is wrong with the fields that it shares is said once already.
    faults.push(
      ...whole.faults
        .filter(({ path }) => known.has(String(path[0])))
        .map((fault) => ({ ...fault, path: [...at, ...fault.path] })),
    );
    if (whole.definition) variants.push({ range, definition: whole.definition });
  }
  return { variants, faults };
}

function toFaults(issue: z.core.$ZodIssue): DefinitionFault[] {
  const path = pathOf(issue);
  if (issue.code === 'unrecognized_keys') return unknownFields(issue);
  if (issue.code === 'invalid_union') {
    // The branch that the value was meant to be: the one whose issues lie deepest.
    const deepest = issue.errors
      .filter((branch) => branch.some((inner) => inner.path.length > 0 || inner.code === 'unrecognized_keys'))
      .sort((a, b) => a.length - b.length)[0];
    if (deepest)
      return deepest.flatMap((inner) => toFaults({ ...inner, path: [...issue.path, ...inner.path] }));
  }
  if (issue.input === undefined) return [{ path, message: `is missing: ${issue.message}` }];
  return [{ path, message: `got ${describeValue(issue.input)}, expected ${expectedOf(issue)}` }];
}

function expectedOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_value') return `one of ${issue.values.map(String).join(', ')}`;
  if (issue.code === 'invalid_type') return issue.expected;
  if (issue.code === 'invalid_union') return 'a text, or a map with `args`';
  return issue.message;
}

function locate(source: YamlSource, { path, message, piece, atKey }: DefinitionFault): FileProblem {
  const position = atKey
    ? source.keyPosition(path)
    : piece === undefined
      ? source.position(path)
      : source.positionOf(path, piece);
  return { path: formatPath(path), ...position, message };
}

function unique(problems: FileProblem[]): FileProblem[] {
  const seen = new Map(problems.map((problem) => [`${problem.path} ${problem.message}`, problem]));
  return [...seen.values()].sort((a, b) => a.line - b.line || a.column - b.column);
}

function isObject(value: unknown): value is Raw {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function asObject(value: unknown): Raw {
  return isObject(value) ? value : {};
}
