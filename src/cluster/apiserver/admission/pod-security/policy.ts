// The level and version that a namespace's labels ask for, and what a Pod does against them.

import type { ObjectMeta, PodSpec } from '../../../api/generated/types.ts';
import type { FieldError } from '../../../api/status.ts';
import { BASELINE } from './baseline.ts';
import type { Check, Verdict } from './check.ts';
import { RESTRICTED } from './restricted.ts';

export const PREFIX = 'pod-security.kubernetes.io/';
export const MODES = ['enforce', 'audit', 'warn'] as const;
export type Mode = (typeof MODES)[number];

export type Level = 'privileged' | 'baseline' | 'restricted';
export const STRENGTH: Readonly<Record<Level, number>> = { privileged: 0, baseline: 1, restricted: 2 };

export interface Wanted {
  readonly level: Level;
  /** `latest` or `v1.30`. */
  readonly version: string;
}

export type Policy = Readonly<Record<Mode, Wanted>>;

const OPEN: Wanted = Object.freeze({ level: 'privileged', version: 'latest' });
const LATEST_MINOR = 36;

export const wantedText = ({ level, version }: Wanted): string => `${level}:${version}`;
export const sameWanted = (a: Wanted, b: Wanted): boolean => a.level === b.level && a.version === b.version;

type Labels = Readonly<Record<string, string>> | undefined;

/** Whether the labels say anything about Pod security. */
export function isLabelled(labels: Labels): boolean {
  for (const key in labels) if (key.startsWith(PREFIX)) return true;
  return false;
}

/** A level that cannot be read is the strictest. */
export function policyOf(labels: Labels): { readonly policy: Policy; readonly errors: readonly FieldError[] } {
  const errors: FieldError[] = [];
  const out: Record<Mode, Wanted> = { enforce: OPEN, audit: OPEN, warn: OPEN };
  for (const mode of MODES) {
    const level = labels?.[PREFIX + mode];
    const version = labels?.[`${PREFIX}${mode}-version`];
    if (level !== undefined && !Object.hasOwn(STRENGTH, level))
      errors.push(wrong(mode, level, 'must be one of privileged, baseline, restricted'));
    const goodVersion = version === undefined || version === 'latest' || /^v1\.(0|[1-9]\d*)$/.test(version);
    if (!goodVersion) errors.push(wrong(`${mode}-version`, version, 'must be "latest" or "v1.x"'));
    out[mode] = {
      level:
        level === undefined
          ? 'privileged'
          : Object.hasOwn(STRENGTH, level)
            ? (level as Level)
            : mode === 'enforce'
              ? 'restricted'
              : 'privileged',
      version: goodVersion ? (version ?? 'latest') : 'latest',
    };
  }
  // A warning is given at least for what is enforced, unless the labels speak of warnings.
  if (labels?.[`${PREFIX}warn`] === undefined && STRENGTH[out.enforce.level] > 0 && labels?.[`${PREFIX}warn-version`] === undefined) {
    out.warn = out.enforce;
  }
  return { policy: out, errors };
}

function wrong(label: string, value: string, why: string): FieldError {
  return {
    type: 'FieldValueInvalid',
    field: `metadata.labels[${PREFIX}${label}]`,
    message: `Invalid value: ${JSON.stringify(value)}: ${why}`,
  };
}

const known = new Map<string, readonly Check[]>();

function checksFor({ level, version }: Wanted): readonly Check[] {
  const key = `${level}:${version}`;
  const before = known.get(key);
  if (before) return before;
  const minor = minorOf(version);
  const applies = (check: Check): boolean => check.since <= minor;
  const restricted = level === 'restricted' ? RESTRICTED.filter(applies) : [];
  const overridden = new Set(restricted.flatMap((check) => check.overrides ?? []));
  const baseline = level === 'privileged' ? [] : BASELINE.filter((check) => applies(check) && !overridden.has(check.id));
  const made = [...baseline, ...restricted];
  known.set(key, made);
  return made;
}

const minorOf = (version: string): number => (version === 'latest' ? LATEST_MINOR : Math.min(Number(version.slice(3)), LATEST_MINOR));

/** What the Pod does against the policy; empty when nothing. */
export function violations(wanted: Wanted, metadata: ObjectMeta, spec: PodSpec): readonly NonNullable<Verdict>[] {
  const minor = minorOf(wanted.version);
  const out: NonNullable<Verdict>[] = [];
  for (const check of checksFor(wanted)) {
    const verdict = check.run(spec, metadata, minor);
    if (verdict) out.push(verdict);
  }
  return out;
}

export const detailText = (found: readonly NonNullable<Verdict>[]): string =>
  found.map(({ reason, detail }) => (detail === '' ? reason : `${reason} (${detail})`)).join(', ');
export const reasonText = (found: readonly NonNullable<Verdict>[]): string => found.map(({ reason }) => reason).join(', ');
