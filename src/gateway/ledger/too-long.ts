/** What is answered to whoever asks for more than the ledger can find in good time. */
export const TOO_LONG =
  'The ledger could not find this in good time and gave up. Narrow the query: an owner, a project, a state or a time helps most.';
