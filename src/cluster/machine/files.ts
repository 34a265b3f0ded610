// Files: an in-memory tree of text files with symbolic links, bind mounts, copy-on-write layers (overlayfs) and inotify.
// A tree and its overlays share directories until one of them writes: `overlay` costs the same for any image.

import { Channel } from '../sim/channel.ts';
import type { Simulation } from '../sim/simulation.ts';
import type { ByteAccount } from './disk.ts';
import { FileError } from './file-error.ts';
import {
  type Directory, type FileEvent, fileSize, type FileStat, type Found, isReadable, type KernelFiles, type Mount, type MountPoint, type Node, notify, ownBytes,
  type Owner, sizeOf, type TextFile,
} from './file-tree.ts';
import { normalize, simplify, split } from './paths.ts';

export { FileError, type FileErrorCode } from './file-error.ts';
export type { FileStat, FileEvent, Readable, KernelFiles } from './file-tree.ts';

const MAX_LINKS = 40;

export class Files {
  readonly #sim: Simulation;
  /** What its bytes are charged to. */
  readonly #disk: ByteAccount | null;
  /** Bytes of the files that were made or copied here: of an overlay, its own layer. */
  #bytes = 0;
  /** What is below /sys and /proc. */
  kernel: KernelFiles | null = null;
  /** Its own tree cannot be written, only what is mounted in it. */
  readOnly = false;
  #owner: Owner = {};
  #root: Directory;
  #mounts: Map<string, Mount> | null = null;
  /** The same, for the walk along a path. */
  #mountTree: MountPoint | null = null;

  constructor(sim: Simulation, disk: ByteAccount | null = null) {
    this.#sim = sim;
    this.#disk = disk;
    this.#root = { kind: 'directory', entries: new Map(), mode: 0o755, modified: sim.now, owner: this.#owner, watchers: null };
  }

  /** A new tree that begins as `base` is now (without its mounts) and then goes its own way. */
  static overlay(base: Files, disk: ByteAccount | null = null): Files {
    const made = new Files(base.#sim, disk);
    made.#root = base.#root;
    base.#owner = {}; // from here on the base, too, copies what the two share before it writes
    return made;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Gives the bytes of its own layer back: it will not be used again. */
  discard(): void {
    this.#charge(-this.#bytes);
  }

  /** What a file at `path` is charged to: the file system that is mounted there. */
  diskAt(path: string): ByteAccount | null {
    const found = this.#look(path);
    return found === null ? null : found.tree.#disk;
  }

  /** The bytes of the files at and below `path`, mounts left out (`du -sx`). */
  usage(path: string): number {
    const node = this.#look(path)?.node;
    return node === undefined ? 0 : sizeOf(node);
  }

  /** Appends `bytes` zero bytes. Throws FileError ENOSPC when the disk is full (nothing is written then), and as `write`. */
  grow(path: string, bytes: number): void {
    const { tree } = this.#find(path, 'open', true, true);
    if (tree.#disk !== null && bytes > tree.#disk.availableBytes) throw new FileError('ENOSPC', 'write', path);
    this.#file(path, undefined, (file) => {
      file.hollow += bytes;
    });
  }

  #charge(bytes: number): void {
    this.#bytes += bytes;
    this.#disk?.charge(bytes);
  }

  /** The text of a file. Throws FileError ENOENT, ENOTDIR, EISDIR. */
  read(path: string): string {
    const node = this.#look(path)?.node;
    if (node === undefined) {
      const special = this.#special(path);
      if (typeof special === 'string') return special;
      if (special !== undefined) throw new FileError('EISDIR', 'read', path);
      this.#find(path, 'open', true, false);
      throw new FileError('ENOENT', 'open', path);
    }
    if (node.kind !== 'file') throw new FileError('EISDIR', 'read', path);
    return isReadable(node.data) ? node.data.text() : node.text;
  }

  exists(path: string): boolean {
    return this.#look(path)?.node !== undefined || this.#special(path) !== undefined;
  }

  isDirectory(path: string): boolean {
    const node = this.#look(path)?.node;
    return node === undefined ? typeof this.#special(path) === 'object' : node.kind === 'directory';
  }

  #special(path: string): string | readonly string[] | undefined {
    return this.kernel !== null && (path.startsWith('/sys') || path.startsWith('/proc')) ? this.kernel.at(normalize(path)) : undefined;
  }

  /** Makes or replaces a file's text; missing directories on the way are made. Throws FileError EISDIR, EROFS, ENOTDIR. */
  write(path: string, text: string, mode?: number): void {
    this.#file(path, mode, (file) => {
      file.text = text;
      file.data = undefined;
      file.hollow = 0;
    });
  }

  append(path: string, text: string): void {
    this.#file(path, undefined, (file) => {
      file.text += text;
    });
  }

  /** Puts opaque content at a path (a database's store, a socket, a Readable log); else it reads as empty text. */
  attach(path: string, data: unknown, mode?: number): void {
    this.#file(path, mode, (file) => {
      file.text = '';
      file.data = data;
      file.hollow = 0;
    });
  }

  /** What `attach` put there; undefined when there is nothing. */
  attached(path: string): unknown {
    const node = this.#look(path)?.node;
    return node?.kind === 'file' ? node.data : undefined;
  }

  /** Removes a file, a link, or a directory with all that is in it. Throws FileError ENOENT, EROFS, EBUSY. */
  remove(path: string): void {
    const { directory, name, node, tree, readOnly } = this.#find(path, 'remove', false, true);
    if (node === undefined) throw new FileError('ENOENT', 'remove', path);
    if (name === '' || this.#mounts?.has(normalize(path))) throw new FileError('EBUSY', 'remove', path);
    if (readOnly) throw new FileError('EROFS', 'remove', path);
    directory.entries.delete(name);
    directory.modified = this.#sim.now;
    if (tree.#bytes > 0) tree.#charge(-ownBytes(node, tree.#owner));
    if (node.kind !== 'symlink') notify(node.watchers, null, 'remove');
    notify(directory.watchers, name, 'remove');
  }

  /** rename(2): moves a file, link or directory, replacing a file or link that is there. Throws FileError. */
  rename(from: string, to: string): void {
    const source = this.#find(from, 'rename', false, true);
    if (source.node === undefined) throw new FileError('ENOENT', 'rename', from);
    const target = this.#find(to, 'rename', false, true);
    if (source.readOnly || target.readOnly) throw new FileError('EROFS', 'rename', to);
    if (target.node?.kind === 'directory') throw new FileError('EEXIST', 'rename', to);
    source.directory.entries.delete(source.name);
    target.directory.entries.set(target.name, source.node);
    notify(source.directory.watchers, source.name, 'remove');
    notify(target.directory.watchers, target.name, 'create');
  }

  /** The names in a directory, sorted by code unit. Throws FileError ENOENT, ENOTDIR. */
  list(path: string): string[] {
    const node = this.#look(path)?.node;
    if (node === undefined) {
      const special = this.#special(path);
      if (typeof special === 'object') return [...special];
      if (special !== undefined) throw new FileError('ENOTDIR', 'readdirent', path);
      this.#find(path, 'open', true, false);
      throw new FileError('ENOENT', 'open', path);
    }
    if (node.kind !== 'directory') throw new FileError('ENOTDIR', 'readdirent', path);
    return [...node.entries.keys()].sort();
  }

  /** Makes a directory and those above it; fine when it is there already. Throws FileError ENOTDIR, EROFS. */
  mkdir(path: string): void {
    const { node } = this.#find(path, 'mkdir', true, true, true);
    if (node?.kind !== 'directory') throw new FileError('ENOTDIR', 'mkdir', path);
  }

  /** Makes a directory where there is none, and new files and links in it, on one walk. Names without slashes. */
  populate(path: string, texts: Iterable<{ readonly path: string; readonly text: string; readonly mode: number | undefined }>, links: Iterable<readonly [name: string, target: string]>): void {
    const { directory, node, tree } = this.#find(path, 'mkdir', true, true, true);
    if (node?.kind !== 'directory') throw new FileError('ENOTDIR', 'mkdir', path);
    const { now } = this.#sim;
    let bytes = 0;
    for (const { path: name, text, mode = 0o644 } of texts) {
      bytes += text.length;
      directory.entries.set(name, { kind: 'file', text, data: undefined, hollow: 0, mode, modified: now, owner: tree.#owner, watchers: null });
    }
    for (const [name, target] of links) directory.entries.set(name, { kind: 'symlink', target, modified: now });
    tree.#charge(bytes);
  }

  /** Metadata; symbolic links are followed unless `follow` is false. Throws FileError ENOENT. */
  stat(path: string, follow = true): FileStat {
    const special = this.kernel === null || this.#look(path)?.node !== undefined ? undefined : this.#special(path);
    if (special !== undefined) return { kind: typeof special === 'string' ? 'file' : 'directory', mode: typeof special === 'string' ? 0o444 : 0o555, size: 0, modified: this.#sim.now };
    const { node } = this.#find(path, 'stat', follow, false);
    if (node === undefined) throw new FileError('ENOENT', 'stat', path);
    if (node.kind === 'symlink') return { kind: 'symlink', mode: 0o777, size: node.target.length, modified: node.modified };
    const size = node.kind === 'file' ? fileSize(node) : node.entries.size;
    return { kind: node.kind, mode: node.mode, size, modified: node.modified };
  }

  chmod(path: string, mode: number): void {
    const { node } = this.#find(path, 'chmod', true, true);
    if (node === undefined || node.kind === 'symlink') throw new FileError('ENOENT', 'chmod', path);
    node.mode = mode;
  }

  /** Makes a symbolic link at `path`. Throws FileError EEXIST, EROFS. */
  symlink(target: string, path: string): void {
    const { directory, name, node, readOnly } = this.#find(path, 'symlink', false, true);
    if (node !== undefined) throw new FileError('EEXIST', 'symlink', path);
    if (readOnly) throw new FileError('EROFS', 'symlink', path);
    directory.entries.set(name, { kind: 'symlink', target, modified: this.#sim.now });
    notify(directory.watchers, name, 'create');
  }

  readlink(path: string): string {
    const { node } = this.#find(path, 'readlink', false, false);
    if (node === undefined) throw new FileError('ENOENT', 'readlink', path);
    if (node.kind !== 'symlink') throw new FileError('EINVAL', 'readlink', path);
    return node.target;
  }

  /**
   * Bind mount: from now on `path` shows the file or directory that is at `sourcePath` of `source` at this moment (it
   * stays that one when another takes its name there), with the mounts that `source` has below it.
   * Throws FileError ENOENT when the source is not there.
   */
  mount(path: string, source: Files, sourcePath: string, readOnly = false): void {
    const found = source.#find(sourcePath, 'mount', true, true);
    const { node } = found;
    if (node === undefined || node.kind === 'symlink') throw new FileError('ENOENT', 'mount', sourcePath);
    const at = normalize(path);
    const there = this.#look(at)?.node;
    if (node.kind === 'directory') {
      if (there?.kind !== 'directory') this.mkdir(at);
    } else if (there === undefined) this.write(at, '');
    else if (there.kind === 'directory') throw new FileError('ENOTDIR', 'mount', path);
    const below = normalize(sourcePath);
    const mount: Mount = { source: found.tree, sourcePath: below === '/' ? '' : below, node, readOnly: readOnly || found.readOnly };
    (this.#mounts ??= new Map()).set(at, mount);
    this.#plant(at, mount);
  }

  /** Takes a mount away. Throws FileError EINVAL when nothing is mounted there. */
  unmount(path: string): void {
    if (!this.#mounts?.delete(normalize(path))) throw new FileError('EINVAL', 'umount', path);
    this.#mountTree = null;
    for (const [at, mount] of this.#mounts) this.#plant(at, mount);
  }

  /** The mount points, in the order in which they were mounted. */
  mountPoints(): string[] {
    return this.#mounts === null ? [] : [...this.#mounts.keys()];
  }

  /** inotify: events of a file, or of the entries of a directory. Close the channel to stop. Throws FileError ENOENT. */
  watch(path: string): Channel<FileEvent> {
    const { node } = this.#find(path, 'inotify_add_watch', true, true);
    if (node === undefined || node.kind === 'symlink') throw new FileError('ENOENT', 'inotify_add_watch', path);
    const channel = new Channel<FileEvent>(this.#sim);
    node.watchers = (node.watchers ?? []).filter((w) => !w.channel.closed);
    node.watchers.push({ path, channel });
    return channel;
  }

  #file(path: string, mode: number | undefined, change: (file: TextFile) => void): void {
    const { directory, name, node, tree, readOnly } = this.#find(path, 'open', true, true);
    if (readOnly) throw new FileError('EROFS', 'open', path);
    if (node !== undefined && node.kind !== 'file') throw new FileError('EISDIR', 'open', path);
    const { now } = this.#sim;
    if (node !== undefined) {
      const before = node.text.length + node.hollow;
      change(node);
      const grown = node.text.length + node.hollow - before;
      if (grown !== 0) tree.#charge(grown);
      node.modified = now;
      if (mode !== undefined) node.mode = mode;
      notify(node.watchers, null, 'write');
      notify(directory.watchers, name, 'write');
      return;
    }
    const file: TextFile = { kind: 'file', text: '', data: undefined, hollow: 0, mode: mode ?? 0o644, modified: now, owner: tree.#owner, watchers: null };
    change(file);
    tree.#charge(file.text.length + file.hollow);
    directory.entries.set(name, file);
    directory.modified = now;
    notify(directory.watchers, name, 'create');
  }

  #plant(at: string, mount: Mount): void {
    let point = (this.#mountTree ??= { mount: null, below: null });
    for (const name of split(at)) {
      const below = (point.below ??= new Map());
      let next = below.get(name);
      if (next === undefined) below.set(name, (next = { mount: null, below: null }));
      point = next;
    }
    point.mount = mount;
  }

  /** As #find for one who only looks: null where a directory on the way is missing. */
  #look(path: string): Found | null {
    return this.#walk(path, null, true, false, false);
  }

  /**
   * Follows a path. `toWrite`: directories on the way are made when missing and become this tree's own; with `whole` so is the last.
   * A missing directory otherwise is ENOENT; a missing last part is `node: undefined`.
   */
  #find(path: string, operation: string, follow: boolean, toWrite: boolean, whole = false): Found {
    return this.#walk(path, operation, follow, toWrite, whole) as Found;
  }

  #walk(path: string, operation: string | null, follow: boolean, toWrite: boolean, whole: boolean): Found | null {
    let parts = split(path);
    let links = 0;
    restart: for (;;) {
      let tree: Files = this;
      let directory = this.#ownRoot(toWrite);
      let { readOnly } = this as { readonly readOnly: boolean };
      let point = this.#mountTree;
      let inTree = ''; // the path so far as the tree that is walked names it, when that is another that has mounts
      let node: Node | undefined = directory;
      let name = '';
      if (point !== null && point.mount !== null) {
        ({ source: tree, node, readOnly } = point.mount);
        inTree = point.mount.sourcePath;
      }
      const count = whole ? parts.length + 1 : parts.length;
      for (let i = 0; i < count; i++) {
        if (node === undefined) {
          if (operation === null) return null;
          if (!toWrite || readOnly) throw new FileError(readOnly && toWrite ? 'EROFS' : 'ENOENT', operation, path);
          const made: Directory = { kind: 'directory', entries: new Map(), mode: 0o755, modified: this.#sim.now, owner: tree.#owner, watchers: null };
          directory.entries.set(name, made);
          notify(directory.watchers, name, 'create');
          node = made;
        }
        if (node.kind !== 'directory') {
          if (operation === null) return null;
          throw new FileError('ENOTDIR', operation, path);
        }
        directory = node;
        if (i === parts.length) break;
        name = parts[i] as string;
        if (name === '.') continue;
        node = directory.entries.get(name);
        let mount: Mount | null | undefined = null;
        if (point !== null) {
          point = point.below?.get(name) ?? null;
          if (point !== null) ({ mount } = point);
        }
        if (tree !== this && tree.#mounts !== null) {
          inTree += `/${name}`;
          mount ??= tree.#mounts.get(inTree);
        }
        if (mount != null) {
          tree = mount.source;
          inTree = mount.sourcePath;
          node = mount.node;
          readOnly = mount.readOnly;
        } else if (node !== undefined && node.kind === 'symlink') {
          if (i === parts.length - 1 && !follow) break;
          if (++links > MAX_LINKS) {
            if (operation === null) return null;
            throw new FileError('ELOOP', operation, path);
          }
          const base = node.target.startsWith('/') ? [] : parts.slice(0, i);
          parts = simplify([...base, ...node.target.split('/'), ...parts.slice(i + 1)]);
          continue restart;
        } else if (toWrite && node !== undefined && node.owner !== tree.#owner && !readOnly) {
          if (node.kind === 'directory') node = { ...node, entries: new Map(node.entries), owner: tree.#owner, watchers: null };
          else {
            node = { ...node, owner: tree.#owner, watchers: null };
            tree.#charge(node.text.length + node.hollow);
          }
          directory.entries.set(name, node);
        }
      }
      return { directory, name, node, tree, readOnly };
    }
  }

  #ownRoot(toWrite: boolean): Directory {
    const root = this.#root;
    if (toWrite && root.owner !== this.#owner) this.#root = { ...root, entries: new Map(root.entries), owner: this.#owner, watchers: null };
    return this.#root;
  }
}
