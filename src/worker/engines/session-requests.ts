/**
 * Requests to a session's process, a line of JSON each on its stdin. `node:readline` would also end a line at U+2028, which
 * JSON may hold as it is.
 */
export async function* sessionRequests(input: AsyncIterable<Buffer>): AsyncGenerator {
  let pieces: Buffer[] = [];
  for await (const chunk of input) {
    let rest = chunk;
    for (let end = rest.indexOf(0x0a); end >= 0; end = rest.indexOf(0x0a)) {
      const line = Buffer.concat([...pieces, rest.subarray(0, end)]);
      pieces = [];
      rest = rest.subarray(end + 1);
      yield JSON.parse(line.toString('utf8'));
    }
    if (rest.length > 0) pieces.push(rest);
  }
}
