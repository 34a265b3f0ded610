// kubectl's streams on the page's terminal: a shell in a container, logs, forwarded ports and copies, as a person types them.

import { beforeAll, describe, expect, it } from 'vitest';
import { SECOND } from '../cluster/sim/time.ts';
import { NEW_SESSION, Session } from './session.ts';
import { tools } from './tools.ts';

const POD = `apiVersion: v1
kind: Pod
metadata: {name: box, labels: {app: box}}
spec:
  containers:
  - {name: main, image: busybox, command: [sh, -c, 'echo started; sleep 100000']}
  - {name: web, image: nginx}
`;

describe('streams on the terminal', () => {
  let session: Session;
  let screen = '';

  const read = (): string => {
    const { terminal } = session.takeBatch();
    if (terminal) screen = terminal.reset ? terminal.text : screen + terminal.text;
    return ['\r', '\u001b]133;B\u0007', '\u001b[1;36m', '\u001b[0m'].reduce((text, mark) => text.replaceAll(mark, ''), screen);
  };

  /** Types keys, lets time pass, gives what came on the screen. */
  const type = (keys: string, seconds = 2): string => {
    const before = read().length;
    session.type(keys);
    session.seek(session.live + seconds * SECOND);
    return read().slice(before);
  };

  beforeAll(() => {
    session = new Session(NEW_SESSION, tools);
    session.type('');
    type(`cat > box.yaml <<E\r${POD.replaceAll('\n', '\r')}E\r`);
    type('kubectl apply -f box.yaml\r', 5);
    expect(type('kubectl wait --for=condition=Ready pod/box\r', 60)).toContain('condition met');
  }, 60_000);

  it('runs a command in a container and gives its exit code', () => {
    expect(type('kubectl exec box -- cat /etc/hostname\r')).toBe(
      'kubectl exec box -- cat /etc/hostname\nDefaulted container "main" out of: main, web\nbox\nroot@operator:~# ',
    );
    expect(type("kubectl exec box -c main -- sh -c 'exit 3'; echo $?\r")).toContain('\ncommand terminated with exit code 3\n3\n');
    expect(type('echo to the box | kubectl exec -i box -c main -- cat\r')).toContain('\nto the box\n');
    expect(type('kubectl exec -i box -c main -- cat\r')).toContain('-- cat\n');
    expect(type('typed\r')).toBe('typed\ntyped\n');
    expect(type('\u0004')).toBe('root@operator:~# ');
  });

  it('gives the terminal to a shell in a container', () => {
    expect(type('kubectl exec -it box -c main -- sh\r')).toContain('-- sh\n/ # ');
    expect(type('hostname\r')).toBe('hostname\nbox\n/ # ');
    expect(type('sleep 1000\r')).toBe('sleep 1000\n');
    expect(type('\u0003')).toBe('^C\n/ # ');
    session.resizeTerminal(100, 30);
    expect(type('\u0004')).toContain('root@operator:~# ');
    expect(type('echo here\r')).toBe('echo here\nhere\nroot@operator:~# ');
  });

  it('shows logs, and follows them until ^C', () => {
    expect(type('kubectl logs box\r')).toContain('\nDefaulted container "main" out of: main, web\nstarted\nroot@');
    expect(type('kubectl logs -l app=box --prefix --tail=1 -c main\r')).toContain('\n[pod/box/main] started\nroot@');
    expect(type('kubectl logs -f box -c main\r')).toMatch(/started\n$/);
    expect(type('\u0003')).toBe('^C\nroot@operator:~# ');
    expect(type('kubectl logs nope\r')).toContain('\nerror: error from server (NotFound): pods "nope" not found in namespace "default"\n');
  });

  it('forwards a port to this machine', () => {
    expect(type('kubectl port-forward pod/box 8080:80 &\r')).toContain('Forwarding from 127.0.0.1:8080 -> 80\n');
    const printed = type('curl -s http://127.0.0.1:8080/ | head -n 4\r');
    expect(printed).toContain('Handling connection for 8080\n');
    expect(printed).toContain('<title>Welcome to nginx!</title>');
  });

  it('copies files there and back', () => {
    type('mkdir -p tree/inner; echo one > tree/a; echo two > tree/inner/b\r');
    expect(type('kubectl cp tree box:/tmp/tree -c main\r')).toBe('kubectl cp tree box:/tmp/tree -c main\nroot@operator:~# ');
    expect(type('kubectl exec box -c main -- cat /tmp/tree/a /tmp/tree/inner/b\r')).toContain('\none\ntwo\n');
    type('kubectl cp box:/tmp/tree/inner back -c main\r');
    expect(type('cat back/b\r')).toContain('\ntwo\n');
  });
});
