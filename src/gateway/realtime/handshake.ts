import type { IncomingMessage } from 'node:http';
import type { ServerOptions } from 'socket.io';
import type { Access } from '../auth/access.ts';
import { isForeign } from '../auth/host-rules.ts';

/** Before anything else of a socket: the host must be ours, and no page of another site may knock. */
export function guardHandshake(access: Access): Pick<Partial<ServerOptions>, 'allowRequest'> {
  return {
    allowRequest: (request: IncomingMessage, decide) => {
      try {
        access.assertHost(request.headers);
      } catch {
        decide('The farm does not answer under this host name.', false);
        return;
      }
      if (isForeign(request.headers)) decide("Only the farm's own page may open a socket.", false);
      else decide(null, true);
    },
  };
}
