// Values of the libraries' own types: quantities, addresses, URLs, formats, versions.

/** A failure of a library function, in upstream's words. Cheap: where it was made is of no interest. */
export function fault(message: string): Error {
  const engine = Error as { stackTraceLimit?: number };
  const limit = engine.stackTraceLimit;
  if (limit !== undefined) engine.stackTraceLimit = 0;
  const error = new Error(message);
  if (limit !== undefined) engine.stackTraceLimit = limit;
  return error;
}

/** A library's value that has a text of its own. */
export abstract class Texted {
  abstract get text(): string;
}

export const toJsonText = (value: object): string | undefined => (value instanceof Texted ? value.text : undefined);
