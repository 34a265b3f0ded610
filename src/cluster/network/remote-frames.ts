// What travels on the upgraded streams of exec, attach and port-forward between client, API server, kubelet and runtime: the
// channels of v5.channel.k8s.io and the stream pairs of portforward.k8s.io as plain values. The framing of bytes (SPDY,
// WebSocket) belongs to the bridge. Text stands for bytes as api/bytes.ts says.

import type { Status } from '../api/generated/types.ts';

export type CommandFrame =
  | { readonly channel: 'stdin' | 'stdout' | 'stderr'; readonly data: string }
  /** The client has no more input. */
  | { readonly channel: 'stdin'; readonly end: true }
  | { readonly channel: 'resize'; readonly columns: number; readonly rows: number }
  /** How it ended: the last frame. */
  | { readonly channel: 'status'; readonly status: Status };

export type ForwardFrame =
  /** A client of the forwarder has connected: `id` is one TCP connection to `port` of the Pod. */
  | { readonly id: number; readonly open: number }
  | { readonly id: number; readonly data: string }
  /** The sender of this frame writes no more on the connection. */
  | { readonly id: number; readonly end: true }
  /** It failed; in the words for a person. */
  | { readonly id: number; readonly error: string };

/** How a finished command is told: exit code 0 is success (client-go tools/remotecommand, kubelet's cri-streaming). */
export function exitStatus(code: number): Status {
  if (code === 0) return { metadata: {}, status: 'Success' } as Status;
  return {
    metadata: {},
    status: 'Failure',
    message: `command terminated with non-zero exit code: exit status ${code}`,
    reason: 'NonZeroExitCode',
    details: { causes: [{ reason: 'ExitCode', message: String(code) }] },
  } as Status;
}

/** A command that could not be started, or a stream that broke (apierrors.NewInternalError). */
export const internalStatus = (message: string): Status =>
  ({
    metadata: {},
    status: 'Failure',
    message: `Internal error occurred: ${message}`,
    reason: 'InternalError',
    details: { causes: [{ message }] },
    code: 500,
  }) as Status;
