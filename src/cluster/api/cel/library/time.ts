// Timestamps of the engine, which keeps them as the platform's Date: only ever made from a text that is given, never from a clock.

/* oxlint-disable house/determinism -- the engine's own representation; no clock is read */

export const timestampOf = (text: string): object => new Date(text);

/** Milliseconds since 1970; undefined for what is no timestamp. */
export const timestampMillis = (value: unknown): number | undefined => (value instanceof Date ? value.getTime() : undefined);

/** As JSON writes it; undefined for what is no timestamp. */
export const timestampText = (value: unknown): string | undefined =>
  value instanceof Date ? value.toISOString().replace('.000Z', 'Z') : undefined;
