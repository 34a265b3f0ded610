// Where a Pod may run: affinity, tolerations, spread (pkg/apis/core/validation).

import type {
  Affinity,
  NodeSelectorTerm,
  PodAffinityTerm,
  Taint,
  Toleration,
  TopologySpreadConstraint,
  WeightedPodAffinityTerm,
} from '../generated/types.ts';
import { duplicate, type Errors, forbiddenField, invalidValue, notSupported, required } from './errors.ts';
import { checkLabelSelector } from './meta.ts';
import { labelKeyErrors, labelValueErrors } from './names.ts';

const EFFECTS = ['NoSchedule', 'PreferNoSchedule', 'NoExecute'];
const WEIGHT = 'must be in the range 1-100';

export function checkAffinity(errors: Errors, at: string, affinity: Affinity): void {
  const { nodeAffinity: node, podAffinity, podAntiAffinity } = affinity;
  const hard = node?.requiredDuringSchedulingIgnoredDuringExecution;
  if (hard !== undefined) {
    const field = `${at}.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms`;
    if (hard.nodeSelectorTerms.length === 0) errors.add(required(field, 'must have at least one node selector term'));
    for (let i = 0; i < hard.nodeSelectorTerms.length; i++)
      checkTerm(errors, `${field}[${i}]`, hard.nodeSelectorTerms[i] as NodeSelectorTerm);
  }
  const soft = node?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
  for (let i = 0; i < soft.length; i++) {
    const field = `${at}.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
    const term = soft[i] as (typeof soft)[number];
    if (term.weight <= 0 || term.weight > 100) errors.add(invalidValue(`${field}.weight`, term.weight, WEIGHT));
    checkTerm(errors, `${field}.preference`, term.preference);
  }
  for (const [name, pods] of [['podAffinity', podAffinity] as const, ['podAntiAffinity', podAntiAffinity] as const]) {
    const must = pods?.requiredDuringSchedulingIgnoredDuringExecution ?? [];
    for (let i = 0; i < must.length; i++) {
      checkPodTerm(errors, `${at}.${name}.requiredDuringSchedulingIgnoredDuringExecution[${i}]`, must[i] as PodAffinityTerm);
    }
    const may = pods?.preferredDuringSchedulingIgnoredDuringExecution ?? [];
    for (let i = 0; i < may.length; i++) {
      const field = `${at}.${name}.preferredDuringSchedulingIgnoredDuringExecution[${i}]`;
      const term = may[i] as WeightedPodAffinityTerm;
      if (term.weight <= 0 || term.weight > 100) errors.add(invalidValue(`${field}.weight`, term.weight, WEIGHT));
      checkPodTerm(errors, `${field}.podAffinityTerm`, term.podAffinityTerm);
    }
  }
}

function checkTerm(errors: Errors, at: string, term: NodeSelectorTerm): void {
  for (const part of ['matchExpressions', 'matchFields'] as const) {
    const list = term[part] ?? [];
    for (let i = 0; i < list.length; i++) {
      const { key, operator, values = [] } = list[i] as (typeof list)[number];
      const field = `${at}.${part}[${i}]`;
      if (operator === 'In' || operator === 'NotIn') {
        if (values.length === 0) errors.add(required(`${field}.values`, "must be specified when `operator` is 'In' or 'NotIn'"));
      } else if (operator === 'Exists' || operator === 'DoesNotExist') {
        if (values.length > 0)
          errors.add(forbiddenField(`${field}.values`, "may not be specified when `operator` is 'Exists' or 'DoesNotExist'"));
      } else if (operator === 'Gt' || operator === 'Lt') {
        if (values.length !== 1) errors.add(required(`${field}.values`, "must be specified single value when `operator` is 'Lt' or 'Gt'"));
      } else errors.add(invalidValue(`${field}.operator`, operator, 'not a valid selector operator'));
      if (part === 'matchExpressions') errors.rule(`${field}.key`, key, labelKeyErrors(key));
      else if (key !== 'metadata.name') errors.add(invalidValue(`${field}.key`, key, 'not a valid field selector key'));
    }
  }
}

function checkPodTerm(errors: Errors, at: string, term: PodAffinityTerm): void {
  checkLabelSelector(errors, `${at}.labelSelector`, term.labelSelector);
  checkLabelSelector(errors, `${at}.namespaceSelector`, term.namespaceSelector);
  checkTopologyKey(errors, `${at}.topologyKey`, term.topologyKey);
}

function checkTopologyKey(errors: Errors, field: string, key: string): void {
  if (key === '') errors.add(required(field, 'can not be empty'));
  errors.rule(field, key, labelKeyErrors(key));
}

export function checkTolerations(errors: Errors, field: string, tolerations: readonly Toleration[]): void {
  for (let i = 0; i < tolerations.length; i++) {
    const t = tolerations[i] as Toleration;
    const at = `${field}[${i}]`;
    const key = t.key ?? '';
    if (key !== '') errors.rule(`${at}.key`, key, labelKeyErrors(key));
    else if (t.operator !== 'Exists') {
      errors.add(
        invalidValue(
          `${at}.operator`,
          t.operator ?? '',
          'operator must be Exists when `key` is empty, which means "match all values and all keys"',
        ),
      );
    }
    if (t.tolerationSeconds !== undefined && t.effect !== 'NoExecute') {
      errors.add(invalidValue(`${at}.effect`, t.effect ?? '', "effect must be 'NoExecute' when `tolerationSeconds` is set"));
    }
    if (t.operator === undefined || t.operator === '' || t.operator === 'Equal')
      errors.rule(`${at}.operator`, t.value ?? '', labelValueErrors(t.value ?? ''));
    else if (t.operator === 'Exists') {
      if ((t.value ?? '') !== '') errors.add(invalidValue(`${at}.operator`, t, "value must be empty when `operator` is 'Exists'"));
    } else errors.add(notSupported(`${at}.operator`, t.operator, ['Equal', 'Exists']));
    errors.oneOfIfSet(`${at}.effect`, t.effect, EFFECTS);
  }
}

/** Taints of a node. */
export function checkTaints(errors: Errors, field: string, taints: readonly Taint[]): void {
  const seen = new Set<string>();
  for (let i = 0; i < taints.length; i++) {
    const t = taints[i] as Taint;
    const at = `${field}[${i}]`;
    errors.rule(`${at}.key`, t.key, labelKeyErrors(t.key));
    errors.rule(`${at}.value`, t.value ?? '', labelValueErrors(t.value ?? ''));
    errors.oneOf(`${at}.effect`, t.effect, EFFECTS);
    const id = `${t.effect} ${t.key}`;
    if (seen.has(id)) {
      errors.add({ ...duplicate(at, t), message: `${duplicate(at, t).message}: taints must be unique by key and effect pair` });
    }
    seen.add(id);
  }
}

export function checkSpread(errors: Errors, field: string, constraints: readonly TopologySpreadConstraint[]): void {
  const seen = new Set<string>();
  for (let i = 0; i < constraints.length; i++) {
    const c = constraints[i] as TopologySpreadConstraint;
    const at = `${field}[${i}]`;
    if (c.maxSkew <= 0) errors.add(invalidValue(`${at}.maxSkew`, c.maxSkew, 'must be greater than zero'));
    errors.needed(`${at}.topologyKey`, c.topologyKey, 'can not be empty');
    errors.oneOf(`${at}.whenUnsatisfiable`, c.whenUnsatisfiable, ['DoNotSchedule', 'ScheduleAnyway']);
    const id = `{${c.topologyKey}, ${c.whenUnsatisfiable}}`;
    if (seen.has(id)) errors.add(duplicate(`${at}.{topologyKey, whenUnsatisfiable}`, id));
    seen.add(id);
    checkLabelSelector(errors, `${at}.labelSelector`, c.labelSelector);
  }
}
