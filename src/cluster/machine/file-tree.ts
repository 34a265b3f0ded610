// What a tree of files is made of: nodes, who owns them, what is mounted, who watches, and how large they are.

import type { Channel } from '../sim/channel.ts';
import type { Micros } from '../sim/time.ts';
import type { Files } from './files.ts';

export interface FileStat {
  readonly kind: 'file' | 'directory' | 'symlink';
  readonly mode: number;
  /** Bytes, a character counted as one. */
  readonly size: number;
  readonly modified: Micros;
}

export interface FileEvent {
  /** The watched path, or the entry of the watched directory that changed. */
  readonly path: string;
  readonly op: 'create' | 'write' | 'remove';
}

/** Attached content whose text is made when somebody reads the file: a log kept as lines. */
export interface Readable {
  text(): string;
  /** Its size, when that is known without making the text. */
  readonly bytes?: number;
}

/** The kernel's own files (/sys, /proc): made when somebody looks. */
export interface KernelFiles {
  /** The text of a file, the names in a directory, or undefined. */
  at(path: string): string | readonly string[] | undefined;
}

export const isReadable = (data: unknown): data is Readable =>
  typeof data === 'object' && data !== null && 'text' in data && typeof data.text === 'function';

export interface Watcher {
  readonly path: string;
  readonly channel: Channel<FileEvent>;
}

/** Says which tree may change a directory in place; others copy it first. */
export type Owner = object;

export interface TextFile {
  readonly kind: 'file';
  text: string;
  /** Opaque content in place of text: a database's store, a socket's listener. */
  data: unknown;
  /** Zero bytes at its end, which are counted and not kept. */
  hollow: number;
  mode: number;
  modified: Micros;
  readonly owner: Owner;
  watchers: Watcher[] | null;
}

export interface Directory {
  readonly kind: 'directory';
  entries: Map<string, Node>;
  mode: number;
  modified: Micros;
  readonly owner: Owner;
  watchers: Watcher[] | null;
}

export interface Link {
  readonly kind: 'symlink';
  readonly target: string;
  readonly modified: Micros;
}

export type Node = TextFile | Directory | Link;

export interface Mount {
  readonly source: Files;
  /** '' is its root. */
  readonly sourcePath: string;
  readonly node: TextFile | Directory;
  readonly readOnly: boolean;
}

/** Where a path leads: the directory that holds (or would hold) it, and what is there now. */
export interface Found {
  readonly directory: Directory;
  readonly name: string;
  readonly node: Node | undefined;
  /** The tree that the directory belongs to. */
  readonly tree: Files;
  readonly readOnly: boolean;
}


/** Mounts by the parts of their paths. */
export interface MountPoint {
  mount: Mount | null;
  below: Map<string, MountPoint> | null;
}

export function notify(watchers: Watcher[] | null, entry: string | null, op: FileEvent['op']): void {
  if (watchers === null) return;
  for (const { path, channel } of watchers) channel.send({ path: entry === null ? path : `${path}/${entry}`, op });
}

/** `du` of one file or of all below a directory. */
export function sizeOf(node: Node): number {
  if (node.kind === 'file') return fileSize(node);
  if (node.kind === 'symlink') return 0;
  let sum = 0;
  for (const entry of node.entries.values()) sum += sizeOf(entry);
  return sum;
}

export const fileSize = (file: TextFile): number => (isReadable(file.data) ? (file.data.bytes ?? file.data.text().length) : file.text.length + file.hollow);

/** What of it was charged to its tree. */
export function ownBytes(node: Node, owner: Owner): number {
  if (node.kind === 'symlink' || node.owner !== owner) return 0;
  if (node.kind === 'file') return node.text.length + node.hollow;
  let sum = 0;
  for (const entry of node.entries.values()) sum += ownBytes(entry, owner);
  return sum;
}
