// DefaultBinder: POST pods/<name>/binding.

import { ApiError } from '../../api/status.ts';
import type { Client } from '../../client/client.ts';
import { isProgrammingError } from '../../client/errors.ts';
import type { Op } from '../../sim/simulation.ts';
import type { Plugin, Status } from '../framework/types.ts';

export function defaultBinder(client: Client): Plugin {
  return {
    name: 'DefaultBinder',
    *bind(pod, node): Op<Status | null> {
      try {
        yield* client.bind(pod, node);
        return null;
      } catch (error) {
        if (isProgrammingError(error)) throw error;
        return { code: 'Error', reasons: [error instanceof ApiError ? error.message : String(error instanceof Error ? error.message : error)] };
      }
    },
  };
}
