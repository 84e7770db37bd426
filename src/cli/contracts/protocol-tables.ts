import { engineCatalogue } from '../../shared/engines/engine-catalogue.ts';
import { MESSAGE_SCHEMAS } from '../../shared/contracts/messages.ts';
import { SUBJECTS } from '../../shared/contracts/subjects.ts';
import { PERMISSIONS, ROLES } from '../../shared/messaging/permissions.ts';
import { STREAMS } from '../../shared/messaging/streams.ts';
import { HTTP_CATALOGUE } from './http-catalogue.ts';
import { jsonSchemaOf, type JsonSchema } from './json-schema.ts';
import { code, markdownTable } from './markdown.ts';
import { schemaTables, typeText } from './schema-table.ts';
import { SUBJECT_CATALOGUE, type SubjectEntry } from './subject-catalogue.ts';
import { covers } from './subject-match.ts';

/** The generated parts of docs/protocols.md by the name in their markers. */
export function protocolTables(): Record<string, string> {
  assertCatalogue();
  return {
    subjects: subjectsTable(),
    streams: streamsTable(),
    roles: rolesList(),
    engines: enginesTable(),
    messages: messageSections(),
    http: httpTable(),
  };
}

function subjectsTable(): string {
  return markdownTable(
    ['subject', 'stream', 'body', 'who publishes → who consumes', 'what for'],
    SUBJECT_CATALOGUE.map((entry) => [
      code(entry.subject),
      streamOf(entry)?.name ?? 'none (core)',
      bodyText(entry),
      `${entry.publishers.join(', ') || 'the server'} → ${entry.consumers.join(', ')}`,
      entry.text,
    ]),
  );
}

function bodyText({ message, reply }: SubjectEntry): string {
  const link = (name: string): string => `[${name}](#${name.toLowerCase()})`;
  if (message === null) return "the server's own";
  return reply === undefined ? link(message) : `${link(message)}, answered by ${link(reply)}`;
}

function streamOf(entry: SubjectEntry): { name: string } | undefined {
  return Object.values(STREAMS).find((stream) =>
    stream.subjects.some((subject) => covers(subject, entry.pattern)),
  );
}

const DAY_SECONDS = 86_400;

function streamsTable(): string {
  return markdownTable(
    ['stream', 'subjects', 'retention', 'storage', 'kept for', 'at most', 'messages a subject'],
    Object.values(STREAMS).map((stream) => [
      stream.name,
      stream.subjects.map(code).join(', '),
      stream.retention,
      stream.storage,
      'max_age' in stream ? ageText(stream.max_age / 1_000_000_000) : 'until acknowledged',
      'max_bytes' in stream ? `${stream.max_bytes / 1_048_576} MiB` : '',
      'max_msgs_per_subject' in stream ? String(stream.max_msgs_per_subject) : '',
    ]),
  );
}

function ageText(seconds: number): string {
  return seconds % DAY_SECONDS === 0 ? `${seconds / DAY_SECONDS} d` : `${seconds / 3_600} h`;
}

/** A list, not a table: some roles have many rights. */
function rolesList(): string {
  const subjects = (list: readonly string[]): string => list.map(code).join(', ');
  return ROLES.map(
    (role) =>
      `- **${role}** publishes ${subjects(PERMISSIONS[role].publish)}; subscribes to ${subjects(PERMISSIONS[role].subscribe)}.`,
  ).join('\n');
}

function enginesTable(): string {
  const rows = engineCatalogue()
    .list()
    .map((engine) => [
      code(engine.id),
      engine.label,
      { required: 'yes', optional: 'may', none: 'no' }[engine.scene],
      engine.work === 'range' ? 'numbered frames' : 'one unit a step',
      { required: "another step's frames", optional: 'may', none: 'none' }[engine.inputs],
      engine.formats.map(code).join(', '),
      settingsText(engine.settings.schema),
    ]);
  return markdownTable(['engine', 'what it is', 'scene', 'work', 'inputs', 'formats', 'settings'], rows);
}

function settingsText(settings: JsonSchema): string {
  const properties = (settings['properties'] ?? {}) as Record<string, JsonSchema>;
  return Object.entries(properties)
    .map(([name, schema]) => `${code(name)}: ${typeText(schema)}`)
    .join('; ');
}

function messageSections(): string {
  return Object.entries(MESSAGE_SCHEMAS)
    .map(([name, schema]) => `### ${name}\n\n${schemaTables(jsonSchemaOf(schema))}`)
    .join('\n\n');
}

function httpTable(): string {
  return markdownTable(
    ['request', 'what for', 'query', 'body', 'reply'],
    HTTP_CATALOGUE.map((route) => [
      code(`${route.method.toUpperCase()} ${route.path}`),
      route.summary,
      Object.keys(route.query ?? {})
        .map(code)
        .join(', '),
      route.body ?? '',
      Object.entries(route.replies)
        .map(([status, body]) => `${status} ${[body ?? ''].flat().join(' or ')}`.trim())
        .join(', '),
    ]),
  );
}

/**
 * Holds the catalogue of subjects against the tables that the farm runs by.
 * @throws Error naming what is missing or not allowed.
 */
function assertCatalogue(): void {
  for (const pattern of Object.values(SUBJECTS))
    if (!SUBJECT_CATALOGUE.some((entry) => entry.pattern === pattern))
      throw new Error(`The catalogue of subjects lacks ${pattern}`);
  for (const entry of SUBJECT_CATALOGUE) {
    // A worker's rights are narrowed to its own id where ids are known; a right to part of a pattern counts.
    for (const role of entry.publishers)
      if (!PERMISSIONS[role].publish.some((right) => covers(right, entry.pattern)))
        throw new Error(`The catalogue says that a ${role} publishes ${entry.subject}, which it may not`);
  }
  for (const name of Object.keys(MESSAGE_SCHEMAS))
    if (!SUBJECT_CATALOGUE.some((entry) => entry.message === name || entry.reply === name))
      throw new Error(`No subject carries ${name}`);
}
