import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { messageOf } from '../../src/shared/domain/errors.ts';

const ip = (...args: string[]): string => execFileSync('ip', args, { encoding: 'utf8', stdio: 'pipe' });

/**
 * Two network namespaces and the cable between them, as if two machines were on a switch. Needs root and iproute2, and a
 * kernel that lets this process make namespaces.
 */
export class TwoNetworks {
  readonly here: string;
  readonly there: string;
  readonly hereAddress: string;
  readonly #cable: string;

  private constructor(id: string, subnet: string) {
    this.here = `fh-${id}-here`;
    this.there = `fh-${id}-there`;
    this.hereAddress = `${subnet}.1`;
    this.#cable = `fh${id}`;
  }

  /** @returns why no namespace can be made here, or nothing. */
  static refusal(): string | undefined {
    if (process.getuid?.() !== 0) return 'not run as root';
    const name = `fh-${randomBytes(4).toString('hex')}-try`;
    try {
      ip('netns', 'add', name);
      ip('netns', 'delete', name);
      return undefined;
    } catch (error) {
      return `no network namespace can be made: ${messageOf(error).split('\n').at(-2) ?? ''}`;
    }
  }

  static create(): TwoNetworks {
    const bytes = randomBytes(4);
    const subnet = `10.${200 + (bytes[0]! % 50)}.${bytes[1]}`;
    const networks = new TwoNetworks(bytes.toString('hex'), subnet);
    const { here, there } = networks;
    const [near, far] = [networks.#end('a'), networks.#end('b')];
    ip('netns', 'add', here);
    ip('netns', 'add', there);
    ip('link', 'add', near, 'netns', here, 'type', 'veth', 'peer', 'name', far, 'netns', there);
    for (const [name, end, address] of [
      [here, near, `${subnet}.1`],
      [there, far, `${subnet}.2`],
    ] as const) {
      ip('-n', name, 'link', 'set', 'lo', 'up');
      ip('-n', name, 'address', 'add', `${address}/24`, 'dev', end);
      ip('-n', name, 'link', 'set', end, 'up');
    }
    return networks;
  }

  /** Pulls the cable: nothing passes, and nobody is told. */
  cut(): void {
    ip('-n', this.there, 'link', 'set', this.#end('b'), 'down');
  }

  mend(): void {
    ip('-n', this.there, 'link', 'set', this.#end('b'), 'up');
  }

  /** What to put before a command so that it runs on one side. */
  on(side: 'here' | 'there'): string[] {
    return ['ip', 'netns', 'exec', this[side]];
  }

  remove(): void {
    for (const name of [this.here, this.there]) ip('netns', 'delete', name);
  }

  /** Interface names have at most 15 characters. */
  #end(side: 'a' | 'b'): string {
    return `${this.#cable}${side}`;
  }
}
