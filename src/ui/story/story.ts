// From a trace record to one plain sentence in the person's language.

import type { StoryRecord } from '../../session/protocol.ts';
import type { Language } from '../state/ui.ts';
import { actorName, controllerName, machineName, machineOf, objectName } from './actors.ts';
import { type SentenceKey, sentenceKey, type Told } from './keys.ts';
import { sentencesOf } from './sentences.ts';

export type Tellable = Pick<StoryRecord, 'kind' | 'verb' | 'from' | 'to' | 'subject'>;

/** One sentence that says what the record is, with names filled in; '' while no language is loaded. */
export function tell(record: Tellable, language: Language): string {
  const sentences = sentencesOf(language);
  if (!sentences) return '';
  const told: Told = {
    from: actorName(record.from, language),
    to: actorName(record.to, language, machineOf(record.from)),
    object: objectName(record.subject, language),
    name: record.subject?.name ?? '',
    kind: record.subject?.kind ?? '',
    machine: machineName(record.to, language) || machineName(record.from, language),
    controller: controllerName(record.subject, language),
    verb: record.verb,
  };
  const sentence = sentences[keyOf(record)](told);
  if (language === 'zh-CN') return sentence.replace(/(?<=[\u4e00-\u9fff]) (?=[\u4e00-\u9fff])/g, '');
  // Names keep their own spelling (etcd, containerd); only English articles begin a sentence in capitals.
  return /^(?:the|a|an) /.test(sentence) ? sentence.charAt(0).toUpperCase() + sentence.slice(1) : sentence;
}

const ETCD = /\/etcd-[^/]*(?:\/|$)/;
const SCHEDULER = /\/kube-scheduler-/;
const KUBELET = /\/kubelet$/;

/**
 * The key for a record. Some verbs mean different things from different senders: a watch of etcd's is the asking or the
 * telling; what the scheduler creates at a Pod is a binding, what a kubelet creates at a ServiceAccount is a token, and
 * what a kubelet patches is a status.
 */
function keyOf(record: Tellable): SentenceKey {
  const key = sentenceKey(record.kind, record.verb);
  const kind = record.subject?.kind;
  if (key === 'etcd.watch' && ETCD.test(record.from)) return 'etcd.event';
  if (key === 'http.create' && kind === 'Pod' && SCHEDULER.test(record.from)) return 'http.bind';
  if (key === 'http.create' && kind === 'ServiceAccount' && KUBELET.test(record.from)) return 'http.token';
  if (key === 'http.patch' && (kind === 'Pod' || kind === 'Node') && KUBELET.test(record.from)) return 'http.status';
  return key;
}
