import { readonly, ref, type Ref } from 'vue';
import { farmApi, whenSignedOut } from '../api/farm-api.ts';
import { ProblemError, sentenceOf } from '../api/problem.ts';

export type SessionState = 'unknown' | 'signed-in' | 'signed-out' | 'unreachable';

const state = ref<SessionState>('unknown');
const problem = ref('');

whenSignedOut(() => {
  state.value = 'signed-out';
});

/**
 * The token of an address like `http://127.0.0.1:8080/#token=…`. The fragment never reaches a server; it is taken out of
 * the address at once so that it stays in no history and no copied link.
 */
export function takeTokenFromAddress(location: Location, history: History): string | null {
  const token = new URLSearchParams(location.hash.slice(1)).get('token');
  if (token !== null) history.replaceState(history.state, '', location.pathname + location.search);
  return token;
}

async function signIn(token: string): Promise<void> {
  problem.value = '';
  try {
    await farmApi.openSession(token.trim());
    state.value = 'signed-in';
  } catch (error) {
    const wrongToken = error instanceof ProblemError && error.status === 401;
    problem.value = wrongToken
      ? 'This token is not the farm’s. Copy the whole address that "./farmhand status" prints.'
      : sentenceOf(error);
    state.value = 'signed-out';
  }
}

async function check(): Promise<void> {
  problem.value = '';
  try {
    state.value = (await farmApi.hasSession()) ? 'signed-in' : 'signed-out';
  } catch (error) {
    problem.value = sentenceOf(error);
    state.value = 'unreachable';
  }
}

/** At start: the address's token if it has one, else whatever cookie the browser holds. */
async function start(token: string | null): Promise<void> {
  if (token === null) await check();
  else await signIn(token);
}

async function signOut(): Promise<void> {
  await farmApi.closeSession();
  state.value = 'signed-out';
}

interface Session {
  state: Readonly<Ref<SessionState>>;
  problem: Readonly<Ref<string>>;
  start: typeof start;
  check: typeof check;
  signIn: typeof signIn;
  signOut: typeof signOut;
}

export function useSession(): Session {
  return { state: readonly(state), problem: readonly(problem), start, check, signIn, signOut };
}
