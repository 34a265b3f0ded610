// ssh from the page's terminal to a node: a shell there, what it says, and the way back.

import { beforeAll, describe, expect, it } from 'vitest';
import { NEW_SESSION, Session } from './session.ts';
import { tools } from './tools.ts';

describe('ssh in the terminal', () => {
  let session: Session;
  let shown = '';

  const enter = (line: string): string => {
    const before = shown.length;
    session.type(`${line}\r`);
    session.advance(2_000_000, () => false);
    const { terminal } = session.takeBatch();
    if (terminal) shown = terminal.reset ? terminal.text : shown + terminal.text;
    return ['\r', '\u001b]133;B\u0007', '\u001b[1;36m', '\u001b[0m'].reduce((text, mark) => text.replaceAll(mark, ''), shown.slice(before));
  };

  beforeAll(() => {
    session = new Session({ ...NEW_SESSION, topology: { controlPlanes: 1, workers: 1 } }, tools);
    enter('');
  });

  it('opens a shell on the machine, whose commands are those of the machine', () => {
    expect(enter('ssh worker-1')).toMatch(/ssh worker-1\nroot@worker-1:~# $/);
    expect(enter('hostname; crictl ps -q | wc -l')).toBe('hostname; crictl ps -q | wc -l\nworker-1\n4\nroot@worker-1:~# ');
  });

  it('^C ends what runs there, not the session', () => {
    enter('sleep 100');
    session.type('\u0003');
    expect(enter('echo $?')).toContain('130\nroot@worker-1:~# ');
  });

  it('comes back with the exit code of the shell', () => {
    expect(enter('exit 3')).toBe('exit 3\nlogout\nConnection to worker-1 closed.\nroot@operator:~# ');
    expect(enter('echo $?; crictl ps')).toBe('echo $?; crictl ps\n3\nbash: line 1: crictl: command not found\nroot@operator:~# ');
  });

  it('runs one command', () => {
    expect(enter('ssh root@control-plane-1 crictl ps -q --name etcd | wc -l')).toContain('\n1\nroot@operator:~# ');
    expect(enter('echo hello | ssh worker-1 cat')).toContain('\nhello\nroot@operator:~# ');
  });
});
