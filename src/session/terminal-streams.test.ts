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

/** A page's terminal, typed at while time goes by; colours and marks are taken out. */
class Keyboard {
  readonly session = new Session(NEW_SESSION, tools);
  #screen = '';

  constructor() {
    this.session.type('');
  }

  get text(): string {
    const { terminal } = this.session.takeBatch();
    if (terminal) this.#screen = terminal.reset ? terminal.text : this.#screen + terminal.text;
    return ['\r', '\u001b]133;B\u0007', '\u001b[1;36m', '\u001b[0m'].reduce((text, mark) => text.replaceAll(mark, ''), this.#screen);
  }

  /** Types keys, lets time pass, gives what came on the screen. */
  type(keys: string, seconds = 2): string {
    const before = this.text.length;
    this.session.type(keys);
    this.session.seek(this.session.live + seconds * SECOND);
    return this.text.slice(before);
  }
}

describe('streams on the terminal', () => {
  let keyboard: Keyboard;
  const type = (keys: string, seconds?: number): string => keyboard.type(keys, seconds);

  beforeAll(() => {
    keyboard = new Keyboard();
    type(`cat > box.yaml <<E\r${POD.replaceAll('\n', '\r')}E\r`);
    type('kubectl apply -f box.yaml\r', 5);
    type('kubectl wait --for=condition=Ready pod/box\r', 60);
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
    keyboard.session.resizeTerminal(100, 30);
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
    expect(type('kubectl port-forward pod/box 8081:80\r')).toContain('-> 80\n');
    expect(type('\u0003')).toBe('^C\nroot@operator:~# ');
    expect(type('kubectl port-forward pod/box 8081:81 &\r')).toContain('Forwarding from 127.0.0.1:8081 -> 81\n');
    expect(type('curl -s http://127.0.0.1:8081/; echo $?\r')).toMatch(/"Unhandled Error" err="an error occurred forwarding 8081 -> 81: .*\n(.*\n)*error: lost connection to pod\n/);
    expect(type('kubectl port-forward pod/box 8080:80\r')).toContain('\nUnable to listen on port 8080: Listeners failed to create with the following errors: [unable to create listener: Error listen tcp4 127.0.0.1:8080: bind: address already in use]\nerror: unable to listen on any of the requested ports: [{8080 80}]\n');
  });

  it('copies files there and back', () => {
    type('mkdir -p tree/inner; echo one > tree/a; echo two > tree/inner/b\r');
    expect(type('kubectl cp tree box:/tmp/tree -c main\r')).toBe('kubectl cp tree box:/tmp/tree -c main\nroot@operator:~# ');
    expect(type('kubectl exec box -c main -- cat /tmp/tree/a /tmp/tree/inner/b\r')).toContain('\none\ntwo\n');
    type('kubectl cp box:/tmp/tree/inner back -c main\r');
    expect(type('cat back/b\r')).toContain('\ntwo\n');
  });
});

describe('editors, debuggers and nodes on the terminal', () => {
  let keyboard: Keyboard;
  const type = (keys: string, seconds?: number): string => keyboard.type(keys, seconds);

  beforeAll(() => {
    keyboard = new Keyboard();
    type('kubectl create deployment web --image=nginx --replicas=3\r', 2);
    type('kubectl wait --for=condition=Available deployment/web\r', 60);
  }, 60_000);

  it('edits an object with any command as the editor', () => {
    expect(type(`KUBE_EDITOR='sed -i "s/replicas: 3/replicas: 2/"' kubectl edit deployment web\r`)).toContain('\ndeployment.apps/web edited\nroot@');
    expect(type('kubectl get deployment web -o jsonpath={.spec.replicas}; echo\r')).toContain('\n2\n');
    expect(type('KUBE_EDITOR=true kubectl edit deployment web\r')).toContain('\nEdit cancelled, no changes made.\n');
    const invalid = type("KUBE_EDITOR='sed -i s/image:.nginx/image:/' kubectl edit deployment web\r");
    expect(invalid).toContain('\nerror: deployments.apps "web" is invalid\nA copy of your changes has been stored to "/tmp/kubectl-edit-');
    expect(invalid).toContain('\nerror: Edit cancelled, no valid changes were saved.\n');
    expect(type('KUBE_EDITOR=nothere kubectl edit deployment web\r')).toContain('\nerror: unable to launch the editor "nothere"\n');
  });

  it('edits an object in vi', () => {
    expect(type('kubectl edit deployment web\r')).toContain('# Please edit the object below.');
    type('/replicas: 2\rww');
    expect(type('cw4\u001b')).toContain('replicas: 4');
    expect(type(':wq\r', 5)).toContain('deployment.apps/web edited\nroot@');
    expect(type('kubectl get deployment web -o jsonpath={.spec.replicas}; echo\r')).toContain('\n4\n');
  });

  it('debugs Pods and nodes', () => {
    type('kubectl run box --image=busybox -- sleep 10000\r', 10);
    expect(type('kubectl debug box -it --image=busybox -c dbg\r', 15)).toContain("\nIf you don't see a command prompt, try pressing enter.\n");
    expect(type('hostname\r')).toBe('hostname\nbox\n/ # ');
    expect(type('exit\r', 5)).toContain("may be reattached using 'kubectl attach box -c dbg -n default -i -t' if it is still running\nroot@");
    type('kubectl debug box --image=busybox --copy-to=copy -c d -- sleep 100\r', 10);
    expect(type('kubectl get pod copy --no-headers\r')).toMatch(/copy +2\/2 +Running/);
    expect(type('kubectl debug node/worker-1 -it --image=busybox\r', 15)).toMatch(/\nCreating debugging pod node-debugger-worker-1-\w{5} with container debugger on node worker-1\.\n/);
    expect(type('hostname; ls /host\r')).toMatch(/\nworker-1\ndev\netc\n/);
    expect(type('exit\r', 5)).toContain('\nSession ended, resume using ');
  });

  it('drains a node, which a PodDisruptionBudget delays', () => {
    expect(type('kubectl cordon worker-1; kubectl cordon worker-1; kubectl uncordon worker-1\r')).toContain('\nnode/worker-1 cordoned\nnode/worker-1 already cordoned\nnode/worker-1 uncordoned\n');
    const refused = type('kubectl drain worker-1\r', 5);
    expect(refused).toMatch(/error: unable to drain node "worker-1" due to error: (\[|cannot delete )/);
    expect(refused).toContain('\nThere are pending nodes to be drained:\n worker-1\n');
    type('kubectl create pdb web --selector=app=web --min-available=4\r', 5);
    const delayed = type('kubectl drain worker-1 --ignore-daemonsets --force --delete-emptydir-data --timeout=20s\r', 60);
    expect(delayed).toContain("(will retry after 5s): Cannot evict pod as it would violate the pod's disruption budget.\n");
    expect(delayed).toContain(': global timeout reached: 20s\n');
    expect(type('kubectl delete pdb web; kubectl drain worker-1 --ignore-daemonsets --force --delete-emptydir-data\r', 60)).toMatch(/\npod\/web-\S+ evicted\n(.*\n)*node\/worker-1 drained\n/);
  });

  it('proxies to the API server', () => {
    expect(type('kubectl proxy &\r')).toContain('Starting to serve on 127.0.0.1:8001\n');
    expect(type('curl -s http://127.0.0.1:8001/api/v1/namespaces/default | grep "\\"name\\""\r')).toContain('default');
  });
});
