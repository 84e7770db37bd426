import type { Msg } from 'nats';

/** Tokens of `$JS.ACK.<domain>.<account>.<stream>.<consumer>.<deliveries>.…`; an older form has no domain and account. */
const SHORT_FORM_TOKENS = 9;
const DELIVERIES_AT = 6;

/** One delivery of a task by its lane. Nothing said of it is confirmed; {@link TaskAcks} can do that. */
export class TaskDelivery {
  readonly #message: Msg;
  /** How often the server has delivered the task, this time included. */
  readonly count: number;

  /** @param message as a lane's consumer delivers it: its reply is where acks go */
  constructor(message: Msg) {
    this.#message = message;
    const tokens = this.reply.split('.');
    this.count = Number(tokens[tokens.length === SHORT_FORM_TOKENS ? DELIVERIES_AT - 2 : DELIVERIES_AT]);
  }

  get subject(): string {
    return this.#message.subject;
  }

  get data(): Uint8Array {
    return this.#message.data;
  }

  /** Subject of its acks. */
  get reply(): string {
    return this.#message.reply ?? '';
  }

  /** Takes the task out of the queue. */
  ack(): void {
    this.#message.respond('+ACK');
  }

  /** Still at it: the time in which an end is expected begins anew. */
  working(): void {
    this.#message.respond('+WPI');
  }

  /** Takes the task out of the queue: nobody can run it. */
  refuse(reason: string): void {
    this.#message.respond(`+TERM ${reason}`);
  }
}
