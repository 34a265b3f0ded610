// Errors of the network calls, with Go's texts.

export type SocketErrorCode =
  | 'EADDRINUSE'
  | 'EADDRNOTAVAIL'
  | 'ECONNREFUSED'
  | 'ECONNRESET'
  | 'EHOSTUNREACH'
  | 'ENETUNREACH'
  | 'ENOENT'
  | 'EOF'
  | 'ETIMEDOUT'
  | 'ETLS';

export class SocketError extends Error {
  readonly code: SocketErrorCode;

  constructor(code: SocketErrorCode, message: string) {
    super(message);
    this.name = 'SocketError';
    this.code = code;
  }
}
