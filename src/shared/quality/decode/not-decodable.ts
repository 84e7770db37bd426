/** Nothing speaks against the file, but nobody here can decode it; the message says why. */
export class NotDecodable extends Error {
  override name = 'NotDecodable';
}

/** The file is not what it claims to be, or not whole; the message goes on after its name. */
export class Unreadable extends Error {
  override name = 'Unreadable';
}
