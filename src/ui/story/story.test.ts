// Every kind and verb has a sentence in both languages, and sentences name who and what.

import { beforeAll, describe, expect, it } from 'vitest';
import type { TraceKind } from '../../session/protocol.ts';
import { EN } from './en.ts';
import { SENTENCE_KEYS, sentenceKey, type Told } from './keys.ts';
import { loadSentences } from './sentences.ts';
import { tell } from './story.ts';
import { ZH } from './zh.ts';

const told: Told = { from: 'FROM', to: 'TO', object: 'Pod web-x', name: 'web-x', kind: 'Pod', machine: 'worker-1', controller: 'the Pod controller', verb: 'verb' };
const KINDS: readonly TraceKind[] = ['input', 'http', 'watch', 'apiserver', 'etcd', 'raft', 'controller', 'scheduler', 'kubelet', 'cri', 'cni', 'image', 'process', 'network', 'packet', 'dns', 'probe', 'dataplane', 'file'];

beforeAll(() => Promise.all([loadSentences('en'), loadSentences('zh-CN')]));

describe('sentences', () => {
  it.each(SENTENCE_KEYS)('%s exists in both languages', (key) => {
    expect(EN[key](told)).toMatch(/^[A-Za-z].*\.$/s);
    expect(ZH[key](told)).toMatch(/[\u4e00-\u9fff].*。$/s);
    expect(`${EN[key](told)}${ZH[key](told)}`).not.toMatch(/undefined|\[object/);
  });

  it('falls back for verbs that nobody foresaw', () => {
    for (const kind of KINDS) expect(sentenceKey(kind, 'Some.New/Verb')).toBe(`${kind}.other`);
    expect(sentenceKey('cri', 'RunPodSandboxResponse')).toBe('cri.runpodsandboxanswer');
    expect(sentenceKey('cri', 'UpdateRuntimeConfigResponse')).toBe('cri.answer');
    expect(sentenceKey('http', 'POST')).toBe('http.create');
  });

  it('speaks of the components by name', () => {
    const record = {
      kind: 'http', verb: 'create', from: 'machine/operator/kubectl', to: 'machine/control-plane-1/pod/kube-system/kube-apiserver-control-plane-1/container/kube-apiserver',
      subject: { group: 'apps', resource: 'deployments', kind: 'Deployment', namespace: 'default', name: 'web' },
    } as const;
    expect(tell(record, 'en')).toBe('kubectl asks the API server to create Deployment web.');
    expect(tell(record, 'zh-CN')).toBe('kubectl 请求 API Server 创建 Deployment web。');
    const cri = { ...record, kind: 'cri', verb: 'StartContainer', from: 'machine/worker-1/kubelet', to: 'machine/worker-1/containerd' } as const;
    expect(tell(cri, 'en')).toBe('The kubelet on worker-1 asks containerd to start the container of Deployment web.');
  });

  it('never takes a name for more than text', () => {
    const subject = { group: '', resource: 'pods', kind: 'Pod', namespace: 'default', name: '<img src=x onerror=alert(1)> {{name}} $&' };
    expect(tell({ kind: 'http', verb: 'create', from: 'machine/operator/x', to: 'machine/a/kubelet', subject }, 'en')).toContain(subject.name);
  });
});
