import { createSharedComposable, useDocumentVisibility, useIntervalFn, useOnline } from '@vueuse/core';
import { computed, effectScope, onScopeDispose, shallowRef, watch, type ComputedRef } from 'vue';
import { FarmSocket, type LinkFacts, type RoomHandlers } from './farm-socket.ts';
import { judgeFreshness, type Freshness } from './freshness.ts';
import { ageMs, timeNow } from './proof.ts';
import { useSession } from '../shell/use-session.ts';

const facts = shallowRef<LinkFacts>({ connected: false, joining: 0, proof: null });
let socket: FarmSocket | undefined;

function theSocket(): FarmSocket {
  if (socket) return socket;
  const session = useSession();
  const made = new FarmSocket(
    (next) => (facts.value = next),
    () => void session.check(),
  );
  socket = made;
  effectScope(true).run(() => {
    const visibility = useDocumentVisibility();
    watch(visibility, (now) => made.setHidden(now === 'hidden'));
    watch(
      session.state,
      (now) => {
        if (now === 'signed-in') made.open();
        else if (now === 'signed-out') made.close();
      },
      { immediate: true },
    );
  });
  return made;
}

/** Enters a room for as long as the calling component lives. */
export function useRoom(name: string, handlers: RoomHandlers): void {
  onScopeDispose(theSocket().enter(name, handlers));
}

/** Enters a room; for views that change rooms while they live. Returns the function that leaves it. */
export function enterRoom(name: string, handlers: RoomHandlers): () => void {
  return theSocket().enter(name, handlers);
}

/** How far what is shown can be trusted, second by second. */
export const useFreshness: () => ComputedRef<Freshness> = createSharedComposable(() => {
  theSocket();
  const online = useOnline();
  const now = shallowRef(timeNow());
  useIntervalFn(() => (now.value = timeNow()), 1_000);
  return computed(() => {
    const { connected, joining, proof } = facts.value;
    const proofAgeMs = proof && ageMs(proof, now.value);
    return judgeFreshness({ connected, joining, proofAgeMs, online: online.value });
  });
});
