import type { JetStreamManager } from '@nats-io/jetstream';

export interface LastMessage {
  subject: string;
  sequence: number;
  data: Uint8Array;
}

/**
 * The last message of each subject that a filter matches (1,024 at most), without a consumer. The stream needs
 * `allow_direct`.
 */
export function lastOfEach(
  manager: JetStreamManager,
  stream: string,
  filter: string,
): Promise<LastMessage[]> {
  return new Promise((resolve, reject) => {
    const found: LastMessage[] = [];
    // With a callback the client ends its subscription; with its iterator that would stay.
    const callback: BatchCallback = (done, message) => {
      if (done?.err) reject(done.err);
      else if (done) resolve(found);
      else found.push({ subject: message.subject, sequence: message.seq, data: message.data });
    };
    manager.direct.getLastMessagesFor(stream, { multi_last: [filter], callback }).catch(reject);
  });
}

type BatchCallback = NonNullable<Parameters<JetStreamManager['direct']['getLastMessagesFor']>[1]['callback']>;
