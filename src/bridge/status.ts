// Answers that the bridge gives itself, in the API server's form.

export function statusBody(code: number, reason: string, message: string): string {
  return `${JSON.stringify({ kind: 'Status', apiVersion: 'v1', metadata: {}, status: 'Failure', message, reason, code })}\n`;
}

export const UNAUTHORIZED = statusBody(401, 'Unauthorized', 'Unauthorized');
/** http.MaxBytesReader's words through apierrors.NewRequestEntityTooLargeError. */
export const MAX_BODY = 3 * 1024 * 1024;
export const TOO_LARGE = statusBody(413, 'RequestEntityTooLarge', `Request entity too large: limit is ${MAX_BODY}`);
export const noAnswer = (message: string): string => statusBody(503, 'ServiceUnavailable', message);
