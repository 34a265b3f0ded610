// Errors of file operations, with Go's texts.

export type FileErrorCode = 'ENOENT' | 'ENOTDIR' | 'EISDIR' | 'EEXIST' | 'EROFS' | 'ELOOP' | 'EINVAL' | 'EBUSY' | 'ENOSPC';

const ERROR_TEXT: Readonly<Record<FileErrorCode, string>> = {
  ENOENT: 'no such file or directory',
  ENOTDIR: 'not a directory',
  EISDIR: 'is a directory',
  EEXIST: 'file exists',
  EROFS: 'read-only file system',
  ELOOP: 'too many levels of symbolic links',
  EINVAL: 'invalid argument',
  EBUSY: 'device or resource busy',
  ENOSPC: 'no space left on device',
};

/** Its message reads as Go's PathError: `open /x: no such file or directory`. */
export class FileError extends Error {
  readonly code: FileErrorCode;
  readonly path: string;

  constructor(code: FileErrorCode, operation: string, path: string) {
    super(`${operation} ${path}: ${ERROR_TEXT[code]}`);
    this.name = 'FileError';
    this.code = code;
    this.path = path;
  }
}
