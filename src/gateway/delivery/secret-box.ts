import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto';

const CIPHER = 'aes-256-gcm';
const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/**
 * Keeps secrets in the ledger so that the ledger alone, or a backup of it, does not give them away: AES-256-GCM with a key
 * that is derived (HKDF, RFC 5869) from a secret which every gateway of the farm has and the ledger does not.
 */
export class SecretBox {
  readonly #key: Buffer;

  constructor(farmSecret: string) {
    this.#key = Buffer.from(hkdfSync('sha256', farmSecret, '', 'farmhand stored secrets', 32));
  }

  /** @param name bound to the secret: it cannot be read as that of another target or webhook */
  seal(secret: string, name: string): Buffer {
    const nonce = randomBytes(NONCE_BYTES);
    const cipher = createCipheriv(CIPHER, this.#key, nonce).setAAD(Buffer.from(name));
    return Buffer.concat([nonce, cipher.update(secret, 'utf8'), cipher.final(), cipher.getAuthTag()]);
  }

  /** @returns undefined when it was sealed by another key or for another name */
  open(sealed: Buffer, name: string): string | undefined {
    try {
      const decipher = createDecipheriv(CIPHER, this.#key, sealed.subarray(0, NONCE_BYTES))
        .setAAD(Buffer.from(name))
        .setAuthTag(sealed.subarray(-TAG_BYTES));
      const text = sealed.subarray(NONCE_BYTES, -TAG_BYTES);
      return Buffer.concat([decipher.update(text), decipher.final()]).toString('utf8');
    } catch {
      return undefined; // said by the caller, who knows whose secret it is
    }
  }
}
