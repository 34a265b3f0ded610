// Deployment, ReplicaSet, DaemonSet, StatefulSet, ReplicationController (pkg/apis/apps/validation).

import type {
  DaemonSet,
  Deployment,
  IntOrString,
  LabelSelector,
  PodTemplateSpec,
  ReplicaSet,
  ReplicationController,
  RollingUpdateDeployment,
  StatefulSet,
} from '../generated/types.ts';
import { percentOf } from '../intstr.ts';
import { semanticEqual } from '../meta.ts';
import { matchLabels, type Selector, selectorOf, selectorOfMap } from '../selector.ts';
import { type Errors, forbiddenField, IMMUTABLE, invalidValue, notSupported, required } from './errors.ts';
import { checkLabelSelector } from './meta.ts';
import { checkTemplate } from './pod.ts';

const MISMATCH = '`selector` does not match template `labels`';
const PERCENT =
  "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')";

function checkSelector(errors: Errors, selector: LabelSelector | undefined, empty: string): void {
  if (selector === undefined) {
    errors.add(required('spec.selector'));
    return;
  }
  checkLabelSelector(errors, 'spec.selector', selector);
  if (isEmpty(selector)) errors.add(invalidValue('spec.selector', selector, empty));
}

const isEmpty = (s: LabelSelector): boolean => Object.keys(s.matchLabels ?? {}).length + (s.matchExpressions ?? []).length === 0;

/** The template must carry the labels that the selector asks for, and its Pods must restart. */
function checkOwnTemplate(errors: Errors, selector: Selector, template: PodTemplateSpec, kind: string, claims?: ReadonlySet<string>): void {
  const { labels } = template.metadata;
  if ((selector.nothing || selector.requirements.length > 0) && !matchLabels(selector, labels)) {
    errors.add(invalidValue('spec.template.metadata.labels', labels, MISMATCH));
  }
  checkTemplate(errors, 'spec.template', template, claims);
  const { restartPolicy, activeDeadlineSeconds } = template.spec;
  if (restartPolicy !== 'Always' && ['OnFailure', 'Never'].includes(restartPolicy ?? '')) {
    errors.add(notSupported('spec.template.spec.restartPolicy', restartPolicy, ['Always']));
  }
  if (activeDeadlineSeconds !== undefined) {
    errors.add(forbiddenField('spec.template.spec.activeDeadlineSeconds', `activeDeadlineSeconds in ${kind} is not Supported`));
  }
}

/** A number that is not negative, or a percentage. */
export function checkIntOrPercent(errors: Errors, field: string, value: IntOrString | undefined): void {
  if (value === undefined) return;
  if (typeof value === 'number') errors.nonNegative(field, value);
  else if (!/^[0-9]+%$/.test(value)) errors.add(invalidValue(field, value, PERCENT));
}

const isZero = (value: IntOrString | undefined): boolean => value === undefined || value === 0 || percentOf(value) === 0;

export function notAbove100Percent(errors: Errors, field: string, value: IntOrString | undefined): void {
  if (value !== undefined && (percentOf(value) ?? 0) > 100) errors.add(invalidValue(field, value, 'must not be greater than 100%'));
}

export function checkDeployment(errors: Errors, d: Deployment): void {
  const { spec } = d;
  errors.nonNegative('spec.replicas', spec.replicas);
  checkSelector(errors, spec.selector, 'empty selector is invalid for deployment');
  checkOwnTemplate(errors, selectorOf(spec.selector), spec.template, 'ReplicaSet');
  const { type, rollingUpdate } = spec.strategy ?? {};
  if (type === 'Recreate') {
    if (rollingUpdate !== undefined) {
      errors.add(forbiddenField('spec.strategy.rollingUpdate', "may not be specified when strategy `type` is 'Recreate'"));
    }
  } else if (type === 'RollingUpdate') {
    if (rollingUpdate === undefined) errors.add(required('spec.strategy.rollingUpdate', 'this should be defaulted and never be nil'));
    else checkRolling(errors, 'spec.strategy.rollingUpdate', rollingUpdate);
  } else errors.add(notSupported('spec.strategy.type', type ?? '', ['Recreate', 'RollingUpdate']));
  errors.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  errors.nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit);
  const deadline = spec.progressDeadlineSeconds;
  if (deadline === undefined) return;
  errors.nonNegative('spec.progressDeadlineSeconds', deadline);
  if (deadline <= (spec.minReadySeconds ?? 0)) {
    errors.add(invalidValue('spec.progressDeadlineSeconds', deadline, 'must be greater than minReadySeconds'));
  }
}

function checkRolling(errors: Errors, at: string, { maxUnavailable, maxSurge }: RollingUpdateDeployment): void {
  checkIntOrPercent(errors, `${at}.maxUnavailable`, maxUnavailable);
  checkIntOrPercent(errors, `${at}.maxSurge`, maxSurge);
  if (isZero(maxUnavailable) && isZero(maxSurge)) {
    errors.add(invalidValue(`${at}.maxUnavailable`, maxUnavailable ?? 0, 'may not be 0 when `maxSurge` is 0'));
  }
  notAbove100Percent(errors, `${at}.maxUnavailable`, maxUnavailable);
}

/** Selectors never change. */
export function checkSelectorKept(errors: Errors, now: LabelSelector | undefined, old: LabelSelector | undefined): void {
  if (!semanticEqual(now, old)) errors.add(invalidValue('spec.selector', now, IMMUTABLE));
}

export function checkReplicaSet(errors: Errors, r: ReplicaSet): void {
  const { spec } = r;
  errors.nonNegative('spec.replicas', spec.replicas);
  errors.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  checkSelector(errors, spec.selector, 'empty selector is invalid for deployment');
  if (spec.template === undefined) errors.add(required('spec.template'));
  else checkOwnTemplate(errors, selectorOf(spec.selector), spec.template, 'ReplicaSet');
}

export function checkReplicationController(errors: Errors, rc: ReplicationController): void {
  const { spec } = rc;
  errors.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  if (Object.keys(spec.selector ?? {}).length === 0) errors.add(required('spec.selector'));
  errors.nonNegative('spec.replicas', spec.replicas);
  if (spec.template === undefined) errors.add(required('spec.template'));
  else checkOwnTemplate(errors, selectorOfMap(spec.selector), spec.template, 'ReplicationController');
}

export function checkDaemonSet(errors: Errors, d: DaemonSet): void {
  const { spec } = d;
  checkSelector(errors, spec.selector, 'empty selector is invalid for daemonset');
  checkOwnTemplate(errors, selectorOf(spec.selector), spec.template, 'DaemonSet');
  errors.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (type === 'RollingUpdate') {
    const at = 'spec.updateStrategy.rollingUpdate';
    if (rollingUpdate === undefined) errors.add(required(at));
    else {
      checkIntOrPercent(errors, `${at}.maxUnavailable`, rollingUpdate.maxUnavailable);
      checkIntOrPercent(errors, `${at}.maxSurge`, rollingUpdate.maxSurge);
      const [unavailable, surge] = [isZero(rollingUpdate.maxUnavailable), isZero(rollingUpdate.maxSurge)];
      if (!unavailable && !surge)
        errors.add(invalidValue(`${at}.maxSurge`, rollingUpdate.maxSurge, 'may not be set when maxUnavailable is non-zero'));
      if (unavailable && surge) errors.add(required(`${at}.maxUnavailable`, 'cannot be 0 when maxSurge is 0'));
      notAbove100Percent(errors, `${at}.maxUnavailable`, rollingUpdate.maxUnavailable);
    }
  } else if (type !== 'OnDelete') errors.add(notSupported('spec.updateStrategy.type', type ?? '', ['RollingUpdate', 'OnDelete']));
  errors.nonNegative('spec.revisionHistoryLimit', spec.revisionHistoryLimit);
}

export function checkStatefulSet(errors: Errors, s: StatefulSet): void {
  const { spec } = s;
  if (!['OrderedReady', 'Parallel'].includes(spec.podManagementPolicy ?? '')) {
    errors.add(invalidValue('spec.podManagementPolicy', spec.podManagementPolicy, "must be 'OrderedReady' or 'Parallel'"));
  }
  const { type, rollingUpdate } = spec.updateStrategy ?? {};
  if (type === 'OnDelete') {
    if (rollingUpdate !== undefined)
      errors.add(invalidValue('spec.updateStrategy.rollingUpdate', rollingUpdate, "only allowed for updateStrategy 'RollingUpdate'"));
  } else if (type === 'RollingUpdate') errors.nonNegative('spec.updateStrategy.rollingUpdate.partition', rollingUpdate?.partition);
  else errors.add(invalidValue('spec.updateStrategy', spec.updateStrategy, "must be 'RollingUpdate' or 'OnDelete'"));
  errors.nonNegative('spec.replicas', spec.replicas);
  errors.nonNegative('spec.minReadySeconds', spec.minReadySeconds);
  errors.nonNegative('spec.ordinals.start', spec.ordinals?.start);
  checkSelector(errors, spec.selector, 'empty selector is invalid for statefulset');
  const claims = new Set((spec.volumeClaimTemplates ?? []).map((claim) => claim.metadata.name));
  checkOwnTemplate(errors, selectorOf(spec.selector), spec.template, 'StatefulSet', claims);
}

const MUTABLE = [
  'replicas',
  'ordinals',
  'template',
  'updateStrategy',
  'revisionHistoryLimit',
  'persistentVolumeClaimRetentionPolicy',
  'minReadySeconds',
] as const;

export function checkStatefulSetUpdate(errors: Errors, s: StatefulSet, old: StatefulSet): void {
  const rest = (spec: StatefulSet['spec']): object => {
    const out: Record<string, unknown> = { ...spec };
    for (const key of MUTABLE) delete out[key];
    return out;
  };
  if (s.spec === old.spec || semanticEqual(rest(s.spec), rest(old.spec))) return;
  const names = MUTABLE.map((name) => `'${name}'`);
  errors.add(
    forbiddenField(
      'spec',
      `updates to statefulset spec for fields other than ${names.slice(0, -1).join(', ')} and ${names.at(-1)} are forbidden`,
    ),
  );
}
