import { isVersionRange } from '../domain/engine-versions.ts';
import type { EngineDefinition, EventPattern, EventType } from './definition.ts';
import { Pattern, PatternError } from './patterns.ts';
import { FARM_PLACEHOLDERS, INPUT_PARTS, parseGuard, parseTemplate } from './placeholders.ts';
import { ObjectCheck, objectSchema, type JsonSchema } from './settings-schema.ts';
import type { Path } from './yaml-source.ts';

/** What the schema of a definition cannot say is wrong with it. */
export interface DefinitionFault {
  path: Path;
  message: string;
  /** The part of the text at `path` that is wrong. */
  piece?: string;
  /** The path's key is wrong, not its value. */
  atKey?: boolean;
}

const GROUPS: Partial<Record<EventType, number>> = { frame: 1, fraction: 1, ratio: 2, saved: 1 };

/** Patterns, placeholders, conditions and fields that go together. */
export function checkDefinition(definition: EngineDefinition): DefinitionFault[] {
  return [...howItRuns(definition), ...patternFaults(definition), ...new TemplateCheck(definition).faults()];
}

/** Which fields go together. */
function howItRuns(definition: EngineDefinition): DefinitionFault[] {
  const { version, find } = definition;
  const faults = [...runFaults(definition), ...(definition.adapter === undefined ? missing(definition) : [])];
  if (version && 'range' in version && version.range !== undefined && !isVersionRange(version.range))
    faults.push({
      path: ['version', 'range'],
      message: `${version.range} is no range of versions, such as >=3.7`,
    });
  for (const [i, glob] of (find?.globs ?? []).entries())
    if (!/^(?:\/|[A-Za-z]:[\\/]|\\\\)/.test(glob))
      faults.push({ path: ['find', 'globs', i], message: 'an absolute path is expected' });
  for (const [value, format] of Object.entries(definition.formatOf?.formats ?? {}))
    if (!definition.formats.includes(format))
      faults.push({
        path: ['formatOf', 'formats', value],
        message: `one of \`formats\` is expected: ${definition.formats.join(', ')}`,
      });
  return faults;
}

function runFaults({ args, session, outputs = [] }: EngineDefinition): DefinitionFault[] {
  const faults: DefinitionFault[] = [];
  const fault = (field: string, message: string): void => void faults.push({ path: [field], message });
  if (args && session) fault('session', 'either `args` or `session`, not both');
  if (args && outputs.length === 0) fault('args', '`outputs` is missing: which files does a frame give?');
  if (session && outputs.length > 0)
    fault('outputs', 'a session says itself which files it made: leave it out');
  if (outputs.length > 0 && outputs.every(({ optional }) => optional))
    fault('outputs', 'one output must not be optional');
  const names = outputs.map(({ name }) => name);
  for (const [i, name] of names.entries())
    if (names.indexOf(name) !== i)
      faults.push({ path: ['outputs', i], message: `two outputs are called ${name}` });
  return faults;
}

/** What an adapter's code may know, and a definition without one has to say. */
function missing({ args, session, find, version, framesAProcess }: EngineDefinition): DefinitionFault[] {
  const faults: DefinitionFault[] = [];
  const fault = (message: string): void => void faults.push({ path: ['id'], message });
  if (!args && !session) fault('nothing says how it is run: `args`, `session` or `adapter` is missing');
  if (!find || (find.names.length === 0 && find.globs.length === 0 && find.env === undefined))
    fault('`find` is missing: where is the program?');
  if (framesAProcess > 1)
    faults.push({
      path: ['framesAProcess'],
      message: 'a run of several frames needs an `adapter` that reads them apart',
    });
  if (!version) fault('`version` is missing: how is the program asked for it?');
  return faults;
}

function patternFaults(definition: EngineDefinition): DefinitionFault[] {
  const { version, features, streams, events } = definition;
  const faults: DefinitionFault[] = [];
  const check = (path: Path, text: string | undefined, groups = 0): void => {
    const fault = text === undefined ? undefined : patternFault(path, text, groups);
    if (fault) faults.push(fault);
  };
  if (version && 'regex' in version) check(['version', 'regex'], version.regex, 1);
  features.forEach(({ regex }, i) => check(['features', i, 'regex'], regex));
  streams.strip.forEach((text, i) => check(['streams', 'strip', i], text));
  check(['streams', 'continues'], streams.continues);
  for (const [i, event] of events.entries()) {
    check(['events', i, 'regex'], event.regex, GROUPS[event.type] ?? 0);
    check(['events', i, 'unless'], event.unless);
    faults.push(...eventFaults(event).map(([field, message]) => ({ path: ['events', i, field], message })));
  }
  return faults;
}

function patternFault(path: Path, text: string, groups: number): DefinitionFault | undefined {
  try {
    const pattern = new Pattern(text);
    if (pattern.groups >= groups) return undefined;
    const wanted = groups === 1 ? 'a group in parentheses' : `${groups} groups in parentheses`;
    return { path, message: `the pattern needs ${wanted}, and has ${pattern.groups}` };
  } catch (error) {
    if (!(error instanceof PatternError)) throw error;
    return { path, message: error.message, piece: error.piece };
  }
}

function eventFaults({ type, of, class: failure }: EventPattern): [string, string][] {
  const faults: [string, string][] = [];
  if (of !== undefined && type !== 'fraction') faults.push(['of', 'belongs to events of type fraction']);
  if (failure !== undefined && type !== 'error' && type !== 'fatal')
    faults.push(['class', 'belongs to events of type error or fatal']);
  return faults;
}

/** The JSON Schemas. Apart from the rest, because compiling them takes the longest. */
export function schemaFaults(definition: EngineDefinition): DefinitionFault[] {
  const faults: DefinitionFault[] = [];
  for (const field of ['settings', 'data'] as const) {
    const schema = definition[field];
    const fault = schema && new ObjectCheck(objectSchema(schema), field).fault();
    if (fault === undefined) continue;
    // ajv: `strict mode: unknown keyword: "minimun"`, `data/properties/x/type must be equal to …`
    const piece = /"([^"]+)"/.exec(fault)?.[1];
    const pointer = /^schema is invalid: data((?:\/[^ ]+)*) /.exec(fault)?.[1];
    const path = [
      field,
      ...(pointer ?? '')
        .split('/')
        .slice(1)
        .map((part) => part.replaceAll('~1', '/')),
    ];
    faults.push({ path, message: fault, ...(piece === undefined ? {} : { piece }) });
  }
  return faults;
}

/** Looks at everything that has placeholders. */
class TemplateCheck {
  readonly #definition: EngineDefinition;
  readonly #faults: DefinitionFault[] = [];

  constructor(definition: EngineDefinition) {
    this.#definition = definition;
  }

  faults(): DefinitionFault[] {
    const { args, session, env, outputs } = this.#definition;
    this.#arguments(['args'], args);
    this.#arguments(['session', 'args'], session?.args);
    for (const [name, text] of Object.entries(env)) this.#template(['env', name], text, []);
    for (const [i, { file }] of (outputs ?? []).entries()) {
      this.#template(['outputs', i, 'file'], file, []);
      if (/[/\\]|^\.\.?$/.test(file))
        this.#fault(['outputs', i, 'file'], 'a file’s name without folders is expected');
    }
    if (outputs?.[0]?.file.includes('*') === true && JSON.stringify([args, env]).includes('{out}'))
      this.#fault(['outputs', 0, 'file'], '{out} is its path: it can have no *');
    return this.#faults;
  }

  #fault(path: Path, message: string, piece?: string): void {
    this.#faults.push({ path, message, ...(piece === undefined ? {} : { piece }) });
  }

  #arguments(path: Path, list: EngineDefinition['args']): void {
    for (const [i, item] of (list ?? []).entries()) {
      const at = [...path, i];
      if (typeof item === 'string') {
        this.#template(at, item, []);
        continue;
      }
      if (item.when !== undefined) this.#guard([...at, 'when'], item.when);
      if (item.each !== undefined) this.#each([...at, 'each'], item.each);
      const extra = item.each === undefined ? [] : ['item', 'key', 'value'];
      item.args.forEach((text, j) => this.#template([...at, 'args', j], text, extra));
    }
  }

  #template(path: Path, text: string, extra: readonly string[]): void {
    const parts = parseTemplate(text);
    if (!parts) {
      this.#fault(path, `${text} has a brace that belongs to no placeholder; write it twice for itself`);
      return;
    }
    for (const part of parts)
      if (typeof part !== 'string' && !extra.includes(part.name))
        this.#name(path, part.name, `{${part.name}`);
  }

  #guard(path: Path, text: string): void {
    const guard = parseGuard(text);
    if (guard) this.#name(path, guard.name, guard.name);
    else this.#fault(path, `${text} is no condition: NAME, !NAME, NAME == value or NAME != value`);
  }

  #each(path: Path, text: string): void {
    if (text === 'data' || text.startsWith('data.') || text.startsWith('settings.'))
      this.#name(path, text, text);
    else this.#fault(path, `${text} is neither \`settings.NAME\` nor \`data\``);
  }

  #name(path: Path, name: string, piece: string): void {
    const [head = '', ...rest] = name.split('.');
    const known = {
      settings: () => this.#setting(rest),
      data: () => undefined,
      input: () => this.#input(rest),
    };
    if (Object.hasOwn(known, head)) {
      const wrong = known[head as keyof typeof known]();
      if (wrong !== undefined) this.#fault(path, wrong, piece);
    } else if (rest.length > 0 || !Object.hasOwn(FARM_PLACEHOLDERS, name)) {
      this.#fault(path, `there is no {${name}}; there are ${knownNames()}`, piece);
    } else if (name.startsWith('scene') && this.#definition.scene === 'none') {
      this.#fault(path, `{${name}} is never there: \`scene\` is none`, piece);
    }
  }

  #setting(names: readonly string[]): string | undefined {
    let schema: JsonSchema = objectSchema(this.#definition.settings);
    if (names.length === 0) return 'which setting? {settings.NAME}';
    for (const name of names) {
      const properties = asObject(schema['properties']);
      if (Object.hasOwn(properties, name)) schema = asObject(properties[name]);
      else if (schema['additionalProperties'] === false)
        return `there is no setting ${names.join('.')}: \`settings\` has ${Object.keys(properties).join(', ') || 'none'}`;
      else return undefined;
    }
    return undefined;
  }

  #input(names: readonly string[]): string | undefined {
    if (this.#definition.inputs === 'none') return 'there are no inputs: `inputs` is none';
    const [name, part, ...more] = names;
    if (name === undefined) return 'which input? {input.NAME}';
    if (more.length > 0 || (part !== undefined && !Object.hasOwn(INPUT_PARTS, part)))
      return `an input has ${Object.keys(INPUT_PARTS).join(', ')}`;
    return undefined;
  }
}

function knownNames(): string {
  return `${Object.keys(FARM_PLACEHOLDERS).join(', ')}, settings.NAME, data.NAME and input.NAME`;
}

function asObject(value: unknown): JsonSchema {
  return typeof value === 'object' && value !== null ? (value as JsonSchema) : {};
}
