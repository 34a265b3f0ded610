// IPv4 addresses as Go's net.ParseIP reads them: four decimal numbers without leading zeros.

export function isIPv4(text: string): boolean {
  const parts = text.split('.');
  return parts.length === 4 && parts.every((part) => /^(0|[1-9]\d{0,2})$/.test(part) && Number(part) <= 255);
}
