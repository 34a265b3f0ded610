// Keeping databases in files: one a database, below the data directory, so that what is on a volume outlives the Pod.

import type { Files } from '../../machine/files.ts';
import type { SqlEngine, Table } from './engine.ts';

/** Writes one database, or takes its file away. `fileOf` names it. */
export function keepDatabase(files: Files, fileOf: (database: string) => string, database: string, tables: ReadonlyMap<string, Table> | null): void {
  const path = fileOf(database);
  if (tables === null) {
    if (files.exists(path)) files.remove(path);
  } else files.write(path, `${JSON.stringify({ database, tables: [...tables] })}\n`);
}

/** Reads all databases whose files end with `suffix` below `directory`, at most two levels down. */
export function loadDatabases(files: Files, directory: string, suffix: string, engine: SqlEngine): void {
  if (!files.isDirectory(directory)) return;
  for (const name of files.list(directory)) {
    const path = `${directory}/${name}`;
    if (files.isDirectory(path)) loadDatabases(files, path, suffix, engine);
    else if (name.endsWith(suffix)) {
      const kept = JSON.parse(files.read(path)) as { readonly database: string; readonly tables: readonly (readonly [string, Table])[] };
      engine.databases.set(kept.database, new Map(kept.tables));
    }
  }
}
