/** Most file systems, zip tools and S3 keys take 255 bytes a name; a download adds `.part`. */
const MAX_NAME_BYTES = 240;
const MAX_VALUE_BYTES = 100;

/** Not allowed somewhere, or not seen: separators, what Windows keeps for itself, control and direction characters. */
const UNFIT =
  /[\u0000-\u001f\u007f-\u009f<>:"|?*/\\\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/g;

/** Names of devices on Windows, whatever extension follows. */
const DEVICE = /^(con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[0-9¹²³])(?=\.|$| )/i;

/** A name that people gave, as a part of a file name: one line, no separators, at most 100 bytes of UTF-8. */
export function fitValue(text: string): string {
  const safe = text.toWellFormed().normalize('NFC').replace(UNFIT, '_').replace(/\.\./g, '_').trim();
  const short = cutBytes(safe, MAX_VALUE_BYTES).trim();
  return short === '' || short === '.' ? '_' : short;
}

/**
 * A whole file name as Linux, macOS and Windows take it. A name of more than 240 bytes loses what is before its end and
 * gets a mark of its own there, so that two long names stay two.
 */
export function fitName(name: string): string {
  const visible = name.replace(/^\.+/, '_').replace(/[. ]+$/, '_');
  const usual = visible.replace(DEVICE, '$1_');
  if (byteLength(usual) <= MAX_NAME_BYTES) return usual;
  const dot = usual.lastIndexOf('.');
  const end = dot > 0 && usual.length - dot <= 16 ? usual.slice(dot) : '';
  const tail = `~${hash(usual)}${end}`;
  return `${cutBytes(usual, MAX_NAME_BYTES - byteLength(tail))}${tail}`;
}

/** Puts something before the extension: `a.png`, `_Z` → `a_Z.png`. */
export function beforeExtension(name: string, text: string): string {
  const dot = name.lastIndexOf('.');
  return dot <= 0 ? `${name}${text}` : `${name.slice(0, dot)}${text}${name.slice(dot)}`;
}

/** Two names with one key are one file where upper and lower case are not told apart. */
export function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase();
}

export function byteLength(text: string): number {
  return new TextEncoder().encode(text).length;
}

/** The beginning of a text that has at most so many bytes as UTF-8, without a character cut in two. */
function cutBytes(text: string, bytes: number): string {
  if (byteLength(text) <= bytes) return text;
  let kept = '';
  let length = 0;
  for (const character of text) {
    length += byteLength(character);
    if (length > bytes) break;
    kept += character;
  }
  return kept;
}

/** FNV-1a, 64 bits: not against attackers, who could not gain anything, but the same on every machine and in browsers. */
function hash(text: string): string {
  let value = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text))
    value = ((value ^ BigInt(byte)) * 0x100000001b3n) & 0xffffffffffffffffn;
  return value.toString(16).padStart(16, '0');
}
