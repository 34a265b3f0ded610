// From a trace record to one plain sentence in the person's language.

import type { StoryRecord } from '../../session/protocol.ts';
import type { Language } from '../state/ui.ts';
import { actorName, controllerName, machineOf, objectName } from './actors.ts';
import { EN } from './en.ts';
import { type SentenceKey, sentenceKey, type Sentences, type Told } from './keys.ts';
import { ZH } from './zh.ts';

const SENTENCES: Readonly<Record<Language, Sentences>> = { en: EN, 'zh-CN': ZH };

export type Tellable = Pick<StoryRecord, 'kind' | 'verb' | 'from' | 'to' | 'subject'>;

/** One sentence that says what the record is, with names filled in. */
export function tell(record: Tellable, language: Language): string {
  const told: Told = {
    from: actorName(record.from, language),
    to: actorName(record.to, language, machineOf(record.from)),
    object: objectName(record.subject, language),
    name: record.subject?.name ?? '',
    kind: record.subject?.kind ?? '',
    machine: machineOf(record.to) || machineOf(record.from),
    controller: controllerName(record.subject, language),
    verb: record.verb,
  };
  const sentence = SENTENCES[language][keyOf(record)](told);
  // Names keep their own spelling (etcd, containerd); only English articles begin a sentence in capitals.
  return /^(?:the|a|an) /.test(sentence) ? sentence.charAt(0).toUpperCase() + sentence.slice(1) : sentence;
}

/** etcd calls both the asking for changes and the telling of one a watch; who sends it says which. */
function keyOf(record: Tellable): SentenceKey {
  const key = sentenceKey(record.kind, record.verb);
  return key === 'etcd.watch' && /\/etcd-[^/]*(?:\/|$)/.test(record.from) ? 'etcd.event' : key;
}
