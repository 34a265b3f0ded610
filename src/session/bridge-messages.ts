// What the bridge and the page's worker say to each other over their WebSocket: many requests side by side, each under its id.

import type { OutsideFrame, OutsideRequest } from './gateway.ts';

/** From the bridge. */
export type BridgeMessage =
  | { readonly id: number; readonly type: 'request'; readonly request: OutsideRequest }
  | { readonly id: number; readonly type: 'frame'; readonly frame: OutsideFrame }
  | { readonly id: number; readonly type: 'finish' }
  | { readonly id: number; readonly type: 'abort' }
  /** So many characters of the body have gone on to the client: as many more may come. */
  | { readonly id: number; readonly type: 'taken'; readonly size: number };

/** From the worker. */
export type PageMessage =
  | { readonly id: number; readonly type: 'response'; readonly status: number; readonly headers: Readonly<Record<string, string>>; readonly upgraded: boolean }
  | { readonly id: number; readonly type: 'chunk'; readonly text: string }
  | { readonly id: number; readonly type: 'frame'; readonly frame: OutsideFrame }
  | { readonly id: number; readonly type: 'end' }
  | { readonly id: number; readonly type: 'error'; readonly message: string };

/** How much of one body may be on its way: characters. */
export const WINDOW = 1 << 20;
/** The bridge closes the page's socket with this code when another page has taken its place. */
export const REPLACED = 4000;
