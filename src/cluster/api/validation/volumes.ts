// Volumes of a Pod: exactly one source each, and what each source needs (pkg/apis/core/validation).

import type { KeyToPath, Volume } from '../generated/types.ts';
import { checkLocalPath, checkNoBacksteps } from './container.ts';
import { duplicate, type Errors, forbiddenField, invalidValue, required } from './errors.ts';
import { label1123Errors } from './names.ts';

const HOST_PATH_TYPES = ['', 'BlockDevice', 'CharDevice', 'Directory', 'DirectoryOrCreate', 'File', 'FileOrCreate', 'Socket'];
const MODE = 'must be a number between 0 and 0777 (octal), both inclusive';

/** Checks all volumes and returns their names. */
export function checkVolumes(errors: Errors, field: string, volumes: readonly Volume[] | undefined): ReadonlySet<string> {
  const names = new Set<string>();
  const list = volumes ?? [];
  for (let i = 0; i < list.length; i++) {
    const volume = list[i] as Volume;
    const at = `${field}[${i}]`;
    checkSource(errors, at, volume);
    if (!errors.needed(`${at}.name`, volume.name)) continue;
    errors.rule(`${at}.name`, volume.name, label1123Errors(volume.name));
    if (names.has(volume.name)) errors.add(duplicate(`${at}.name`, volume.name));
    names.add(volume.name);
  }
  return names;
}

function checkSource(errors: Errors, at: string, volume: Volume): void {
  let first: string | null = null;
  for (const key of Object.keys(volume)) {
    if (key === 'name') continue;
    if (first !== null) errors.add(forbiddenField(`${at}.${key}`, 'may not specify more than 1 volume type'));
    else {
      first = key;
      checkDetails(errors, `${at}.${key}`, volume);
    }
  }
  if (first === null) errors.add(required(at, 'must specify a volume type'));
}

function checkDetails(errors: Errors, at: string, v: Volume): void {
  if (v.hostPath !== undefined) {
    if (errors.needed(`${at}.path`, v.hostPath.path)) checkNoBacksteps(errors, `${at}.path`, v.hostPath.path);
    if (v.hostPath.type !== undefined) errors.oneOfIfSet(`${at}.type`, v.hostPath.type, HOST_PATH_TYPES);
  } else if (v.secret !== undefined) {
    errors.needed(`${at}.secretName`, v.secret.secretName);
    checkMode(errors, `${at}.defaultMode`, v.secret.defaultMode);
    checkItems(errors, `${at}.items`, v.secret.items);
  } else if (v.configMap !== undefined) {
    errors.needed(`${at}.name`, v.configMap.name);
    checkMode(errors, `${at}.defaultMode`, v.configMap.defaultMode);
    checkItems(errors, `${at}.items`, v.configMap.items);
  } else if (v.persistentVolumeClaim !== undefined) errors.needed(`${at}.claimName`, v.persistentVolumeClaim.claimName);
  else if (v.nfs !== undefined) {
    errors.needed(`${at}.server`, v.nfs.server);
    if (errors.needed(`${at}.path`, v.nfs.path) && !v.nfs.path.startsWith('/')) {
      errors.add(invalidValue(`${at}.path`, v.nfs.path, 'must be an absolute path'));
    }
  } else if (v.downwardAPI !== undefined) checkMode(errors, `${at}.defaultMode`, v.downwardAPI.defaultMode);
  else if (v.projected !== undefined) {
    checkMode(errors, `${at}.defaultMode`, v.projected.defaultMode);
    const sources = v.projected.sources ?? [];
    for (let i = 0; i < sources.length; i++) {
      const { configMap, secret, serviceAccountToken } = sources[i] ?? {};
      if (configMap !== undefined) errors.needed(`${at}.sources[${i}].configMap.name`, configMap.name);
      if (secret !== undefined) errors.needed(`${at}.sources[${i}].secret.name`, secret.name);
      if (serviceAccountToken !== undefined) errors.needed(`${at}.sources[${i}].serviceAccountToken.path`, serviceAccountToken.path);
    }
  }
}

function checkMode(errors: Errors, field: string, mode: number | undefined): void {
  if (mode !== undefined && (mode < 0 || mode > 0o777)) errors.add(invalidValue(field, mode, MODE));
}

function checkItems(errors: Errors, field: string, items: readonly KeyToPath[] | undefined): void {
  const list = items ?? [];
  for (let i = 0; i < list.length; i++) {
    const item = list[i] as KeyToPath;
    const at = `${field}[${i}]`;
    errors.needed(`${at}.key`, item.key);
    if (errors.needed(`${at}.path`, item.path)) checkLocalPath(errors, `${at}.path`, item.path);
    checkMode(errors, `${at}.mode`, item.mode);
  }
}
