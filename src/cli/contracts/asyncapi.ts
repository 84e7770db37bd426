import { MESSAGE_SCHEMAS } from '../../shared/contracts/messages.ts';
import { jsonSchemaOf, type JsonSchema } from './json-schema.ts';
import { SUBJECT_CATALOGUE, type MessageName, type SubjectEntry } from './subject-catalogue.ts';

/** The NATS subjects as AsyncAPI 3.0 (asyncapi.com/docs/reference/specification/v3.0.0). */
export function asyncApiDocument(version: string): JsonSchema {
  const entries = SUBJECT_CATALOGUE.filter((entry) => entry.message !== null);
  const replies = entries.filter((entry) => entry.reply !== undefined);
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Farmhand',
      version,
      description: 'What the parts of a farm say to each other through NATS. Bodies are JSON in UTF-8.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    servers: { nats: { host: '127.0.0.1:4222', protocol: 'nats', security: [{ type: 'userPassword' }] } },
    channels: Object.fromEntries([...entries.map(channel), ...replies.map(replyChannel)]),
    operations: Object.fromEntries(entries.flatMap(operations)),
    components: {
      messages: Object.fromEntries(
        (Object.keys(MESSAGE_SCHEMAS) as MessageName[]).map((name) => [
          name,
          { name, payload: { $ref: `#/components/schemas/${name}` } },
        ]),
      ),
      schemas: Object.fromEntries(
        Object.entries(MESSAGE_SCHEMAS).map(([name, schema]) => [name, jsonSchemaOf(schema)]),
      ),
    },
  };
}

/** `status.job.{jobId}` → `status_job`. */
const channelName = (subject: string): string =>
  subject
    .split('.')
    .filter((token) => !token.startsWith('{'))
    .join('_');

const messageRef = (name: MessageName): JsonSchema => ({ [name]: { $ref: `#/components/messages/${name}` } });

function channel(entry: SubjectEntry): [string, JsonSchema] {
  const parameters = [...entry.subject.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => [name, {}] as const);
  return [
    channelName(entry.subject),
    {
      address: entry.subject,
      description: entry.text,
      messages: entry.message === null ? {} : messageRef(entry.message),
      ...(parameters.length === 0 ? {} : { parameters: Object.fromEntries(parameters) }),
    },
  ];
}

/** The inbox that a request names; its address is made by whoever asks. */
function replyChannel(entry: SubjectEntry): [string, JsonSchema] {
  return [
    `${channelName(entry.subject)}_reply`,
    { address: null, messages: entry.reply === undefined ? {} : messageRef(entry.reply) },
  ];
}

function operations(entry: SubjectEntry): [string, JsonSchema][] {
  const name = channelName(entry.subject);
  const reply = entry.reply === undefined ? {} : { reply: { channel: { $ref: `#/channels/${name}_reply` } } };
  const operation = (action: 'send' | 'receive', roles: readonly string[]): [string, JsonSchema] => [
    `${action}_${name}`,
    { action, channel: { $ref: `#/channels/${name}` }, summary: `by: ${roles.join(', ')}`, ...reply },
  ];
  return [operation('send', entry.publishers), operation('receive', entry.consumers)];
}
