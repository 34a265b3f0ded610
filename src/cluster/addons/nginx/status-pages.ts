// nginx' own pages for a status (ngx_http_special_response.c).

const TEXTS: Readonly<Record<number, string>> = {
  301: '301 Moved Permanently', 302: '302 Found', 303: '303 See Other', 307: '307 Temporary Redirect', 308: '308 Permanent Redirect', 400: '400 Bad Request',
  401: '401 Authorization Required', 403: '403 Forbidden', 404: '404 Not Found', 405: '405 Not Allowed', 413: '413 Request Entity Too Large', 421: '421 Misdirected Request',
  429: '429 Too Many Requests', 500: '500 Internal Server Error', 502: '502 Bad Gateway', 503: '503 Service Temporarily Unavailable', 504: '504 Gateway Time-out',
};

export const statusText = (status: number): string => TEXTS[status] ?? String(status);

export function errorPage(status: number, server: string, note = ''): string {
  const text = statusText(status);
  const lines = [`<html>`, `<head><title>${text}</title></head>`, '<body>', `<center><h1>${text}</h1></center>`, ...(note === '' ? [] : [`<center>${note}</center>`])];
  return [...lines, `<hr><center>${server}</center>`, '</body>', '</html>', ''].join('\r\n');
}
