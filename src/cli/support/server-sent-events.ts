/** One event of a stream of server-sent events. */
export interface ServerSentEvent {
  type: string;
  data: string;
}

/**
 * Reads server-sent events (html.spec.whatwg.org, 9.2.6). Comments and `retry` are passed over.
 * @param onId called with the id of an event, or an id alone, once everything before it was yielded
 */
export async function* readServerSentEvents(
  bytes: AsyncIterable<Uint8Array>,
  onId: (id: string) => void,
): AsyncGenerator<ServerSentEvent> {
  const decoder = new TextDecoder();
  let text = '';
  for await (const piece of bytes) {
    text += decoder.decode(piece, { stream: true });
    const blocks = text.split(/\r?\n\r?\n/);
    text = blocks.pop() ?? '';
    for (const block of blocks) {
      const { id, data, type } = fieldsOf(block);
      if (data !== undefined) yield { type: type ?? 'message', data };
      if (id !== undefined) onId(id);
    }
  }
}

function fieldsOf(block: string): Partial<Record<string, string>> {
  const fields: Partial<Record<string, string>> = {};
  for (const line of block.split(/\r?\n/)) {
    const [, name = '', value = ''] = /^([a-z]+):? ?(.*)$/.exec(line) ?? [];
    if (name === 'data' && fields['data'] !== undefined) fields['data'] += `\n${value}`;
    else if (name === 'event') fields['type'] = value;
    else if (name === 'id' || name === 'data') fields[name] = value;
  }
  return fields;
}
