// Lists as Go's %q prints them.

/** `["a" "b"]` */
export const goQuoteList = (list: readonly string[]): string => `[${list.map((text) => JSON.stringify(text)).join(' ')}]`;
