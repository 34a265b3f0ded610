// Preferences from kuberc files: aliases, other defaults, and turning them off.

import { describe, expect, it } from 'vitest';
import { ADDRESS, Testbed } from '../cluster/apiserver/testbed.ts';
import { Terminal } from './testing/terminal.ts';

const KUBERC = `apiVersion: kubectl.config.k8s.io/v1beta1
kind: Preference
aliases:
- {name: getns, command: get, prependArgs: [namespaces], options: [{name: output, default: name}]}
- {name: get, command: delete}
defaults:
- {command: delete, options: [{name: wait, default: "false"}]}
- {command: config view, options: [{name: minify, default: "true"}]}
`;

describe('kuberc', () => {
  const bed = new Testbed().boot();
  const terminal = new Terminal(bed.machine, ADDRESS, bed.admin);

  it('gives commands other names and flags other defaults', () => {
    expect(terminal.run('kubectl getns default').code).toBe(1);
    terminal.write('/root/.kube/kuberc', KUBERC);
    expect(terminal.run('kubectl getns default').stdout).toBe('namespace/default');
    expect(terminal.run('kubectl getns default -o jsonpath={.kind}').stdout).toBe('Namespace');
    expect(terminal.run('kubectl get namespace default -o name').stdout).toBe('namespace/default');
    expect(terminal.run('kubectl getns default --kuberc=off').stderr).toContain('unknown command "getns"');
  });

  it('tells what is wrong with a file that was asked for', () => {
    expect(terminal.run('kubectl get ns --kuberc=nothere').stderr).toBe('error: kuberc error kuberc: open nothere: no such file or directory');
    terminal.write('/root/bad', 'defaults: 3\n');
    expect(terminal.run('kubectl get ns --kuberc=bad').stderr).toContain('error: kuberc error kuberc: no kind "" is registered for version ""');
  });
});
